package operator

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gomscp/gomscp/store"
)

const alice, bob, carol = "sip:alice@example.com", "sip:bob@example.com", "sip:carol@example.com"

// fill makes a store with three messages for bob, the second of them set
// aside, and one for carol.
func fill(t *testing.T) (*store.Store, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ms.db")
	s, err := store.Open(path, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	var second store.ID
	for i, m := range []store.Meta{
		{Recipient: bob, Sender: alice, MessageID: "m0", ContentType: "text/plain", Received: time.Now().Add(-2 * time.Hour)},
		{Recipient: bob, Sender: carol, MessageID: "m1", ContentType: "text/x\x1b[2J", Received: time.Now()},
		{Recipient: bob, Sender: alice, MessageID: "m2", ContentType: "text/plain", Received: time.Now()},
		{Recipient: carol, Sender: alice, MessageID: "m3", ContentType: "text/plain", Received: time.Now()},
	} {
		w, err := s.Begin(t.Context(), m)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(w, "body %d", i)
		p := w.Commit()
		if err := p.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		if i == 1 {
			second = p.ID()
		}
	}
	if err := s.SetAside(t.Context(), "415 never", second); err != nil {
		t.Fatal(err)
	}
	return s, path
}

// TestStore runs the same on a file at rest and over HTTP.
func TestStore(t *testing.T) {
	for name, open := range map[string]func(t *testing.T) Store{
		"file": func(t *testing.T) Store {
			s, path := fill(t)
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			f, err := Open(path, false)
			if err != nil {
				t.Fatal(err)
			}
			return f
		},
		"server": func(t *testing.T) Store {
			s, _ := fill(t)
			return Dial(serve(t, s))
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t)
			defer s.Close()
			testStore(t, s)
		})
	}
}

func serve(t *testing.T, s *store.Store) string {
	mux := http.NewServeMux()
	for pattern, h := range Handler(s) {
		mux.HandleFunc(pattern, h)
	}
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	return strings.TrimPrefix(srv.URL, "http://")
}

func ids(t *testing.T, s Store, f store.Filter) (all []store.ID, names string) {
	t.Helper()
	for m, err := range s.Messages(t.Context(), f) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, m.ID)
		names += m.MessageID + " "
	}
	return all, strings.TrimSpace(names)
}

func testStore(t *testing.T, s Store) {
	ctx := t.Context()
	var recipients string
	for r, err := range s.Recipients(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		recipients += fmt.Sprintf("%s %d %d ", r.URI, r.Messages, r.Bytes)
	}
	if recipients != bob+" 2 12 "+carol+" 1 6 " {
		t.Errorf("recipients %s", recipients)
	}
	for _, tc := range []struct {
		by   store.Filter
		want string
	}{
		{store.Filter{}, "m0 m2 m3"}, {store.Filter{Recipient: bob}, "m0 m2"}, {store.Filter{Sender: carol}, ""},
		{store.Filter{Aside: true}, "m1"}, {store.Filter{Aside: true, Recipient: carol}, ""},
		{store.Filter{Aside: true, Sender: carol}, "m1"}, {store.Filter{Before: time.Now().Add(-time.Hour)}, "m0"},
		{store.Filter{Aside: true, Before: time.Now().Add(-time.Hour)}, ""}, {store.Filter{Recipient: "sip:nobody@x"}, ""},
	} {
		if _, got := ids(t, s, tc.by); got != tc.want {
			t.Errorf("%+v: %s, not %s", tc.by, got, tc.want)
		}
	}
	aside, _ := ids(t, s, store.Filter{Aside: true})
	m, err := s.Message(ctx, aside[0])
	if err != nil || m.Reason != "415 never" || m.Aside.IsZero() || m.Sender != carol || m.Size != 6 {
		t.Errorf("%+v, %v", m, err)
	}
	wantBody(t, s, aside[0], "body 1")
	if _, err := s.Message(ctx, 999); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a message that is not there: %v", err)
	}
	if _, err := s.Body(ctx, 999); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a body that is not there: %v", err)
	}
	if err := s.Check(ctx); err != nil {
		t.Error(err)
	}
	testCopies(t, s)
	if err := s.Restore(ctx, aside...); err != nil {
		t.Error(err)
	}
	if _, got := ids(t, s, store.Filter{Recipient: bob}); got != "m0 m1 m2" {
		t.Errorf("restored: %s", got)
	}
	if p, err := s.Purge(ctx, store.Filter{Recipient: bob, Sender: alice}, nil); err != nil || p.Messages != 2 || p.Bytes != 12 {
		t.Errorf("purged %+v, %v", p, err)
	}
	if _, got := ids(t, s, store.Filter{}); got != "m1 m3" {
		t.Errorf("left: %s", got)
	}
}

func wantBody(t *testing.T, s Store, id store.ID, want string) {
	t.Helper()
	b, err := s.Body(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if got, err := io.ReadAll(b); err != nil || string(got) != want {
		t.Errorf("body %q, %v", got, err)
	}
}

// testCopies checks that an export and a backup have everything.
func testCopies(t *testing.T, s Store) {
	var exported, backed bytes.Buffer
	if err := s.Export(t.Context(), &exported, store.Filter{}); err != nil {
		t.Fatal(err)
	}
	if err := s.Backup(t.Context(), &backed); err != nil {
		t.Fatal(err)
	}
	if in, err := s.Import(t.Context(), bytes.NewReader(exported.Bytes()), nil); err != nil || in.Stored != 0 || in.Duplicates != 4 {
		t.Errorf("imported into itself: %+v, %v", in, err)
	}
	if _, err := s.Import(t.Context(), strings.NewReader("garbage"), nil); err == nil {
		t.Error("garbage was imported")
	}
	path := filepath.Join(t.TempDir(), "copy.db")
	if err := os.WriteFile(path, backed.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, open := range map[string]func() (Store, error){
		"backup": func() (Store, error) { return Open(path, true) },
		"export": func() (Store, error) {
			f, err := Open(filepath.Join(t.TempDir(), "new.db"), false)
			if err == nil {
				_, err = f.Import(t.Context(), &exported, nil)
			}
			return f, err
		},
	} {
		c, err := open()
		if err != nil {
			t.Fatal(name, err)
		}
		if all, got := ids(t, c, store.Filter{}); got != "m0 m2 m3" {
			t.Errorf("%s has %s", name, got)
		} else {
			wantBody(t, c, all[2], "body 3")
		}
		if _, got := ids(t, c, store.Filter{Aside: true}); got != "m1" {
			t.Errorf("%s has set aside %s", name, got)
		}
		c.Close()
	}
}

// TestBadRequests checks what the pages say to what makes no sense.
func TestBadRequests(t *testing.T) {
	s, _ := fill(t)
	base := "http://" + serve(t, s) + "/store/"
	for _, tc := range []struct {
		method, page string
		status       int
	}{
		{"GET", "message?id=x", 400}, {"GET", "message?id=99", 404}, {"GET", "body?id=99", 404}, {"GET", "messages?aside=maybe", 400},
		{"GET", "messages?before=noon", 400}, {"GET", "messages?too=x", 400}, {"POST", "purge?all=1", 400}, {"GET", "purge", 405},
		{"POST", "restore?id=-1", 400}, {"GET", "export?too=x", 400},
	} {
		req, err := http.NewRequest(tc.method, base+tc.page, nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != tc.status {
			t.Errorf("%s %s: %d", tc.method, tc.page, res.StatusCode)
		}
	}
}

// TestCutOff checks that half an answer is no answer.
func TestCutOff(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, `{"messages":1}`)
	}))
	defer srv.Close()
	c := Dial(strings.TrimPrefix(srv.URL, "http://"))
	defer c.Close()
	var last error
	for _, err := range c.Recipients(t.Context()) {
		last = err
	}
	if !errors.Is(last, errCut) {
		t.Errorf("recipients: %v", last)
	}
	if err := c.Check(t.Context()); !errors.Is(err, errCut) {
		t.Errorf("check: %v", err)
	}
}

// run is a command line; its errors come with what it printed.
func run(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var out, errs bytes.Buffer
	err := Run(context.Background(), args, "no.yaml", func(string) (string, string, error) {
		return "", "", errors.New("no configuration")
	}, &out, &errs)
	return out.String() + errs.String(), err
}

// TestCommands goes through the command line on a file, and on a server.
func TestCommands(t *testing.T) {
	for _, running := range []bool{false, true} {
		s, path := fill(t)
		where := []string{"-file", path}
		if running {
			where = []string{"-admin", serve(t, s)}
		} else if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		out := filepath.Join(t.TempDir(), "out")
		for _, tc := range []struct {
			args string
			want string // in the output
			err  string // in the error
		}{
			{"recipients", bob + "    2         12B", ""},
			{"messages -to " + bob, "m2", ""},
			{"messages -aside", "415 never", ""},
			{"messages -older 1h", "m0", ""},
			{"messages -older 0.05d", "m0", ""},
			{"messages -older 1d", "REASON\n", ""},
			{"messages -older 5x", "", "30s, 1h or 2d"},
			{"messages -json -older 1h", `"sender":"` + alice + `","messageId":"m0"`, ""},
			{"messages -to bob@EXAMPLE.com", "m2", ""},
			{"messages -to :", "", "-to"},
			{"messages -aside -json", `"contentType":"text/x\u001b[2J"`, ""},
			{"recipients -json", `{"recipient":"` + bob + `","messages":2,"bytes":12,"oldest":`, ""},
			{"show -json 2", `"reason":"415 never"`, ""},
			{"check -json", `{"damaged":false}`, ""},
			{"messages -older -1h", "", "negative"},
			{"show 2", "text/x\ufffd[2J", ""},
			{"show -body 3", "body 2", ""},
			{"show 3 -body", "body 2", ""},
			{"show x", "", "no ID"},
			{"show 99", "", "no such message"},
			{"show", "", "no ID"},
			{"check", "no damage", ""},
			{"export -o " + out, "", ""},
			{"import " + out, "0 messages of 0 bytes stored, 4 messages already there", ""},
			{"backup -o " + out, "", ""},
			{"backup", "", "-o FILE"},
			{"restore 2", "1 message will be delivered", ""},
			{"purge", "", "no messages are selected"},
			{"purge -from " + carol, "1 message of 6 bytes deleted", ""},
			{"purge -all", "3 messages of 18 bytes deleted", ""},
			{"recipients", "RECIPIENT", ""},
			{"burn", "Usage", "unknown command"},
			{"recipients now", "", "unexpected argument"},
		} {
			got, err := run(t, append(where, strings.Fields(tc.args)...)...)
			if !strings.Contains(got, tc.want) || (err == nil) != (tc.err == "") || err != nil && !strings.Contains(err.Error(), tc.err) {
				t.Errorf("running %t, %s: %v\n%s", running, tc.args, err, got)
			}
		}
		if got, err := run(t, append([]string{"recipients"}, where...)...); err != nil || !strings.Contains(got, "RECIPIENT") {
			t.Errorf("running %t, flags behind the command: %v\n%s", running, err, got)
		}
		if got, err := run(t, "recipients", "-h"); !errors.Is(err, flag.ErrHelp) || !strings.Contains(got, "Usage") {
			t.Errorf("-h: %v\n%s", err, got)
		}
		_, err := run(t, append(where, "compact", "-o", out+".db")...)
		if (err == nil) == running {
			t.Errorf("running %t, compact: %v", running, err)
		}
		if running { // whose file is not at rest
			if _, err := run(t, "-file", path, "recipients"); err == nil || !strings.Contains(err.Error(), "-admin") {
				t.Errorf("a file in use: %v", err)
			}
		}
	}
}

// TestNobodyThere checks that the command line tells what to do.
func TestNobodyThere(t *testing.T) {
	srv := httptest.NewServer(nil)
	addr := strings.TrimPrefix(srv.URL, "http://")
	srv.Close()
	if _, err := run(t, "-admin", addr, "check"); err == nil || !strings.Contains(err.Error(), "-file") {
		t.Errorf("got %v", err)
	}
	if _, err := run(t, "check"); err == nil || !strings.Contains(err.Error(), "no configuration") {
		t.Errorf("got %v", err)
	}
}

// TestInterrupted checks that a copy that was not finished leaves no file.
func TestInterrupted(t *testing.T) {
	s, path := fill(t)
	s.Close()
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, name := range []string{"export", "backup"} {
		err := Run(ctx, []string{"-file", path, name, "-o", filepath.Join(dir, "x")}, "", nil, io.Discard, io.Discard)
		if err == nil {
			t.Errorf("%s went on", name)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("left %v, %v", left, err)
	}
}
