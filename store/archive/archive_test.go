package archive

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/gomscp/gomscp/internal/testutil"
	"github.com/gomscp/gomscp/store"
)

// fill stores messages of all kinds.
func fill(t testing.TB, s *store.Store) {
	t.Helper()
	for i, size := range []int{0, 1, 1000, store.SegmentSize, store.SegmentSize + 1, 3*store.SegmentSize + 5} {
		m := store.Meta{
			Recipient: fmt.Sprint("sip:r", i%2, "@example.com"), Sender: "sip:alice@example.com", MessageID: fmt.Sprint("m", i),
			ConnectionID: "c;\x01\n\"ä", ContentType: "text/plain", SuccessReport: i%2 == 1, Received: time.Unix(int64(i), 5).UTC(),
		}
		if i == 2 {
			m.Expires = time.Unix(1e9, 0).UTC()
		}
		put(t, s, m, testutil.Bytes(size))
	}
	id := s.Messages("sip:r1@example.com", "")[0].ID
	if err := s.SetAside(context.Background(), "no route", id); err != nil {
		t.Fatal(err)
	}
}

// contents is all that a store holds, as text.
func contents(t testing.TB, s *store.Store) string {
	t.Helper()
	var b strings.Builder
	for _, id := range s.Select(store.Filter{}) {
		m, err := s.Message(id)
		if err != nil {
			t.Fatal(err)
		}
		m.ID, m.Body = 0, 0
		fmt.Fprintf(&b, "%+v %x\n", m, bodyOf(t, s, id))
	}
	for _, a := range s.Aside("") {
		fmt.Fprintln(&b, a.MessageID, a.Reason, a.Since)
	}
	return b.String()
}

func TestExportImport(t *testing.T) {
	from, to := newStore(t), newStore(t)
	fill(t, from)
	var file bytes.Buffer
	var told store.Progress
	n, err := Export(t.Context(), from, &file, store.Filter{}, func(p store.Progress) { told = p })
	if err != nil || n.Messages != 6 || told != n || n.Total != 6 || n.Bytes != from.Stats().Bytes {
		t.Fatalf("export: %+v, told %+v: %v", n, told, err)
	}
	for i := range 2 { // the second time all are duplicates
		got, err := Import(t.Context(), to, bytes.NewReader(file.Bytes()), func(p store.Progress) { told = p })
		if err != nil || got.Stored != 6*(1-i) || got.Duplicates != 6*i || told.Messages != 6 {
			t.Fatalf("import: %+v, told %+v: %v", got, told, err)
		}
		if contents(t, to) != contents(t, from) {
			t.Errorf("other contents:\n%s\n%s", contents(t, to), contents(t, from))
		}
	}
	file.Reset()
	if n, err := Export(t.Context(), from, &file, store.Filter{Recipient: "sip:r0@example.com", Before: time.Unix(3, 0)}, nil); n.Messages != 2 || err != nil {
		t.Errorf("export by filter: %+v: %v", n, err)
	}
}

// TestImportCut has the file end at every kind of place.
func TestImportCut(t *testing.T) {
	s := newStore(t)
	for i := range 3 {
		put(t, s, store.Meta{Recipient: "bob", Sender: "alice", MessageID: fmt.Sprint(i)}, testutil.Bytes(50*i))
	}
	var file bytes.Buffer
	if _, err := Export(t.Context(), s, &file, store.Filter{}, nil); err != nil {
		t.Fatal(err)
	}
	to := newStore(t)
	for n := range file.Len() {
		_, err := Import(t.Context(), to, bytes.NewReader(file.Bytes()[:n]), nil)
		if bad := (*FormatError)(nil); !errors.As(err, &bad) || !errors.Is(err, io.ErrUnexpectedEOF) || bad.Offset > int64(n) {
			t.Fatalf("cut at %d: %v", n, err)
		}
	}
	if got := len(to.Messages("bob", "")); got != 3 {
		t.Errorf("%d messages came over", got)
	}
	if st := to.Stats(); st.Open != 0 {
		t.Errorf("left over: %+v", st)
	}
}

func TestImportFaults(t *testing.T) {
	const (
		meta  = `{"recipient":"bob","size":1,"sha256":"2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"}` + "\n" // of "x"
		whole = exportHeader + meta + "1\nx\n0\n"
		end   = `{"end":true,"messages":1,"bytes":1}` + "\n"
	)
	tests := []struct{ name, file, rule string }{
		{"header", "mscp-messages 2\n", "header"},
		{"long line", exportHeader + strings.Repeat(" ", maxExportLine), "line too long"},
		{"not JSON", exportHeader + "x\n", "metadata"},
		{"not UTF-8", exportHeader + "{\"recipient\":\"\xff\"}\n", "UTF-8"},
		{"no size", exportHeader + "{}\n", "no size"},
		{"no digest", exportHeader + `{"size":0}` + "\n", "no sha256"},
		{"other body", strings.Replace(whole, "\nx\n", "\ny\n", 1), "another sha256"},
		{"no body", exportHeader + meta + "0\n", "fewer bytes"},
		{"long body", exportHeader + meta + "2\nxx\n0\n", "more bytes"},
		{"length with sign", exportHeader + meta + "+1\nx\n0\n", "length of a piece"},
		{"length with zero", exportHeader + meta + "01\nx\n0\n", "length of a piece"},
		{"huge piece", exportHeader + meta + "65537\nx\n0\n", "length of a piece"},
		{"no LF", exportHeader + meta + "1\nxy0\n", "no line end"},
		{"trailer", whole + strings.Replace(end, "1", "2", 1), "the trailer counts"},
		{"behind", whole + end + "x", "more after"},
		{"good", whole + end, ""},
		{"gone", exportHeader + meta + "1\nx\n-\n" + strings.ReplaceAll(end, "1", "0"), ""},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			_, err := Import(t.Context(), newStore(t), strings.NewReader(tc.file), nil)
			if tc.rule == "" && err != nil || tc.rule != "" && (err == nil || !strings.Contains(err.Error(), tc.rule)) {
				t.Errorf("got %v, want %q", err, tc.rule)
			}
		})
	}
}

// TestExportWhileDeleted has a long message go while it is written.
func TestExportWhileDeleted(t *testing.T) {
	s := newStore(t)
	id := put(t, s, store.Meta{Recipient: "bob", Sender: "alice"}, testutil.Bytes(8*store.SegmentSize))
	put(t, s, store.Meta{Recipient: "bob", Sender: "alice"}, []byte("stays"))
	r, w := io.Pipe()
	go func() {
		_, err := Export(context.Background(), s, w, store.Filter{}, nil)
		w.CloseWithError(err)
	}()
	head := make([]byte, 3*store.SegmentSize)
	if _, err := io.ReadFull(r, head); err != nil {
		t.Fatal(err)
	}
	if err := s.Delete(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	to := newStore(t)
	got, err := Import(t.Context(), to, io.MultiReader(bytes.NewReader(head), r), nil)
	if err != nil || got.Stored != 1 || to.Stats().Open != 0 {
		t.Errorf("%+v, %d bytes open: %v", got, to.Stats().Open, err)
	}
}

func TestImportOverLimit(t *testing.T) {
	s := newStore(t)
	fill(t, s)
	var file bytes.Buffer
	if _, err := Export(t.Context(), s, &file, store.Filter{}, nil); err != nil {
		t.Fatal(err)
	}
	to := newStore(t)
	to.SetLimits(store.Limits{MaxBody: store.SegmentSize})
	if n, err := Import(t.Context(), to, &file, nil); !errors.Is(err, store.ErrLimit) || n.Stored != 4 {
		t.Errorf("%+v: %v", n, err)
	}
}

// FuzzExportReader: what can be read is written, read again, and the same.
func FuzzExportReader(f *testing.F) {
	s, err := store.Open(filepath.Join(f.TempDir(), "ms.db"), store.Options{})
	if err != nil {
		f.Fatal(err)
	}
	for i := range 3 {
		put(f, s, store.Meta{Recipient: "bob", Sender: "alice", MessageID: fmt.Sprint(i), Received: time.Unix(1, 0)}, testutil.Bytes(10*i))
	}
	if err := s.SetAside(f.Context(), "r", 1); err != nil {
		f.Fatal(err)
	}
	var file bytes.Buffer
	if _, err := Export(f.Context(), s, &file, store.Filter{}, nil); err != nil {
		f.Fatal(err)
	}
	s.Close()
	f.Add(file.Bytes())
	seed, err := os.ReadFile("testdata/export-1.txt")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed)
	f.Fuzz(func(t *testing.T, data []byte) {
		var again bytes.Buffer
		first, err := recode(&again, bytes.NewReader(data))
		if err != nil {
			return
		}
		var third bytes.Buffer
		second, err := recode(&third, bytes.NewReader(again.Bytes()))
		if err != nil || first != second || !bytes.Equal(again.Bytes(), third.Bytes()) {
			t.Errorf("%v: %q became %q", err, first, second)
		}
	})
}

// recode reads a file and writes it anew; it returns the messages as text.
func recode(w io.Writer, r io.Reader) (string, error) {
	in, out := newExportReader(r), newExportWriter(w)
	if err := in.header(); err != nil {
		return "", err
	}
	var text strings.Builder
	for {
		m, err := in.next()
		if err == io.EOF {
			return text.String(), out.end(0)
		}
		if err != nil {
			return "", err
		}
		var body bytes.Buffer
		whole, err := in.body(m, &body)
		if err != nil {
			return "", err
		}
		if !whole {
			continue
		}
		fmt.Fprintf(&text, "%s %s %d %x\n", m.Recipient, m.MessageID, *m.Size, body.Bytes())
		if err := out.begin(m); err != nil {
			return "", err
		}
		for p := body.Bytes(); len(p) > 0; p = p[min(len(p), store.SegmentSize):] {
			if err := out.piece(p[:min(len(p), store.SegmentSize)]); err != nil {
				return "", err
			}
		}
		if err := out.finish(*m.Size, true); err != nil {
			return "", err
		}
	}
}

// TestExportVector reads a file that is kept with the source, so that the format
// cannot change unnoticed.
func TestExportVector(t *testing.T) {
	f, err := os.Open("testdata/export-1.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	s := newStore(t)
	n, err := Import(t.Context(), s, f, nil)
	if err != nil || n.Stored != 2 {
		t.Fatalf("%+v: %v", n, err)
	}
	if m := s.Messages("sip:bob@example.com", ""); len(m) != 1 || string(bodyOf(t, s, m[0].ID)) != "Hello, Bob!" || !m[0].SuccessReport || m[0].Received.Unix() != 1700000000 {
		t.Errorf("%+v", m)
	}
	if a := s.Aside("sip:carol@example.com"); len(a) != 1 || a[0].Reason != "the user agent refuses it: 415" || a[0].Size != 0 {
		t.Errorf("%+v", a)
	}
}

// TestNameAndFile keeps a sender's name and the description of a file through an export
// and an import.
func TestNameAndFile(t *testing.T) {
	from, to := newStore(t), newStore(t)
	file := &store.File{Name: "p ü.png", Type: "image/png", Size: 28232, Hash: "sha-1:72:24", Disposition: "render"}
	put(t, from, store.Meta{Recipient: "bob", Sender: "alice", ContentType: "image/png", SenderName: "Alice W", File: file, Received: time.Unix(1, 0).UTC()}, []byte("png"))
	put(t, from, store.Meta{Recipient: "bob", Sender: "alice", ContentType: "text/plain", Received: time.Unix(2, 0).UTC()}, []byte("plain"))
	var exported bytes.Buffer
	if _, err := Export(t.Context(), from, &exported, store.Filter{}, nil); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(exported.String(), `"senderName":"Alice W","file":{"name":"p ü.png"`) {
		t.Errorf("exported %s", exported.String())
	}
	if _, err := Import(t.Context(), to, &exported, nil); err != nil {
		t.Fatal(err)
	}
	list := to.Messages("bob", "alice")
	if len(list) != 2 || list[0].SenderName != "Alice W" || !reflect.DeepEqual(list[0].File, file) || list[1].SenderName != "" || list[1].File != nil {
		t.Errorf("kept %+v", list)
	}
}
