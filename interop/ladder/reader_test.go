package ladder

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gomscp/gomscp/internal/daemon"
)

const good = `{"time":"2026-11-23T09:19:48.1Z","node":"as","protocol":"MSCP","direction":"sent","local":"10.0.0.1:1","peer":"10.0.0.2:2","raw":"NOTIF MSCP/1.0\r\n\r\n"}`

// readAll reads to the end, and on after broken lines.
func readAll(t *testing.T, in string) (records []daemon.TraceRecord, cut, broken []string) {
	t.Helper()
	r := NewReader(strings.NewReader(in), "x.trace", func(err error) {
		if !errors.Is(err, ErrCut) {
			t.Errorf("a cut is %v", err)
		}
		cut = append(cut, err.Error())
	})
	for {
		rec, err := r.Read()
		var line *LineError
		switch {
		case err == nil:
			records = append(records, rec)
		case errors.Is(err, io.EOF):
			return records, cut, broken
		case errors.As(err, &line):
			broken = append(broken, err.Error())
		default:
			t.Fatal(err)
		}
	}
}

func TestReader(t *testing.T) {
	for _, tc := range []struct {
		name, in    string
		records     int
		cut, broken string
	}{
		{"nothing", "", 0, "", ""},
		{"one", good + "\n", 1, "", ""},
		{"last line without its end", good + "\n" + good, 2, "", ""},
		{"empty lines", "\n" + good + "\r\n\n", 1, "", ""},
		{"unknown members", strings.Replace(good, `"node"`, `"new":1,"node"`, 1) + "\n", 1, "", ""},
		{"killed", good + "\n" + good[:100], 1, "x.trace:2: the record is cut", ""},
		{"killed and started again", good + "\n" + good[:100] + good + "\n" + good + "\n", 3, "x.trace:2: the record is cut", ""},
		{"no JSON", good + "\nhello\n" + good + "\n", 2, "", "x.trace:2: no trace record: invalid character"},
		{"other JSON", "[1]\n", 0, "", "x.trace:1: no trace record: json: cannot unmarshal array"},
		{"no time", strings.Replace(good, `"time"`, `"tame"`, 1) + "\n", 0, "", "x.trace:1: a trace record without time"},
		{"no node", strings.Replace(good, `"as"`, `""`, 1) + "\n", 0, "", "x.trace:1: a trace record without node"},
		{"protocol", strings.Replace(good, `MSCP"`, `RTP\u001b"`, 1) + "\n", 0, "", "x.trace:1: protocol \"RTP\uFFFD\" is none of"},
		{"direction", strings.Replace(good, `"sent"`, `"lost"`, 1) + "\n", 0, "", `x.trace:1: direction "lost" is neither`},
		{"no address", strings.Replace(good, `10.0.0.2:2`, ``, 1) + "\n", 0, "", "x.trace:1: a trace record without the address"},
		{"too long", good + "\n" + strings.Repeat("x", MaxLine+1) + "\n" + good + "\n", 2, "", "x.trace:2: the line is longer than"},
		{"too long and cut", strings.Repeat("x", MaxLine+1), 0, "", "x.trace:1: the line is longer than"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			records, cut, broken := readAll(t, tc.in)
			if len(records) != tc.records {
				t.Errorf("%d records, not %d", len(records), tc.records)
			}
			for _, rec := range records {
				if rec.Node != "as" || rec.Raw != "NOTIF MSCP/1.0\r\n\r\n" {
					t.Errorf("%+v", rec)
				}
			}
			checkOne(t, "cut", cut, tc.cut)
			checkOne(t, "broken", broken, tc.broken)
		})
	}
}

// checkOne wants exactly one text with that beginning, or none.
func checkOne(t *testing.T, what string, got []string, want string) {
	t.Helper()
	if want == "" && len(got) == 0 {
		return
	}
	if want == "" || len(got) != 1 || !strings.HasPrefix(got[0], want) {
		t.Errorf("%s: %q, not %q", what, got, want)
	}
}

// TestReaderError passes on what the file system says.
func TestReaderError(t *testing.T) {
	boom := errors.New("boom")
	r := NewReader(io.MultiReader(strings.NewReader(good+"\n"), readerOf(func([]byte) (int, error) { return 0, boom })), "x", nil)
	if _, err := r.Read(); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Read(); !errors.Is(err, boom) {
		t.Errorf("got %v", err)
	}
}

type readerOf func([]byte) (int, error)

func (f readerOf) Read(b []byte) (int, error) { return f(b) }

// FuzzReader reads anything, draws what it takes for records, and reads what it
// has read once more from its JSON.
func FuzzReader(f *testing.F) {
	files, _ := filepath.Glob("testdata/call/*.trace")
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b[:min(len(b), 4000)])
	}
	f.Add([]byte(good + "\n" + good[:100] + good + "\nx\n"))
	f.Fuzz(func(t *testing.T, in []byte) {
		x := newMatcher(true)
		r := NewReader(bytes.NewReader(in), "fuzz", nil)
		for {
			rec, err := r.Read()
			var line *LineError
			if errors.As(err, &line) {
				continue
			}
			if err != nil {
				break
			}
			again, err := json.Marshal(rec)
			if err != nil {
				continue // a time that RFC 3339 cannot say
			}
			got, err := parse(again)
			if err != nil || !got.Time.Equal(rec.Time) || got.Raw != rec.Raw || got.Peer != rec.Peer {
				t.Fatalf("%s: %+v %v", again, got, err)
			}
			keysOf(rec)
			x.add(rec)
		}
		d := newDiagram(x.messages, nil, Options{})
		for _, row := range d.Rows {
			if row.Time.Before(d.Start) || row.From >= len(d.Lanes) || row.To >= len(d.Lanes) {
				t.Fatalf("%+v", row)
			}
		}
		var text, svg strings.Builder
		if err := errors.Join(d.WriteText(&text), d.WriteSVG(&svg)); err != nil {
			t.Fatal(err)
		}
		checkPrintable(t, text.String())
		checkXML(t, svg.String())
	})
}

func at(ms int) time.Time {
	return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC).Add(time.Duration(ms) * time.Millisecond)
}
