package operator

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gomscp/gomscp/as"
	"github.com/gomscp/gomscp/internal/daemon"
)

const alice, bob, carol = "sip:alice@example.com", "sip:bob@example.com", "sip:carol@example.com"

func run(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var out, errs bytes.Buffer
	err := Run(t.Context(), args, "no.yaml", func(string) (string, string, error) { return "", "", errors.New("no configuration") }, &out, &errs)
	return out.String() + errs.String(), err
}

// TestFile reads the directory of a server that does not run.
func TestFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "as.db")
	if _, err := run(t, "directory", "list", "-file", path); err == nil {
		t.Error("a file that is not there was made")
	}
	d, err := as.OpenDirectory(path)
	if err != nil {
		t.Fatal(err)
	}
	since := time.Now().Add(-26 * time.Hour)
	list := []as.Pair{{Recipient: bob, Sender: alice, Server: "ms1", Since: since}, {Recipient: bob, Sender: carol, Server: "ms2", Since: since}, {Recipient: carol, Sender: alice, Server: "ms1", Since: since}}
	for i := range 600 { // of several transactions
		list = append(list, as.Pair{Recipient: "sip:x@example.com", Sender: "sip:" + strings.Repeat("s", i+1) + "@example.com", Server: "ms3", Since: since})
	}
	if _, err := d.AddAll(list); err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	for args, want := range map[string]int{
		"directory list": 603, "directory list -to " + bob: 2, "directory list -from alice@example.com": 2, "directory list -ms ms3": 600,
		"directory where " + bob: 2, "directory where bob@EXAMPLE.com -ms ms2": 1,
	} {
		out, err := run(t, append(strings.Fields(args), "-file", path, "-json")...)
		if n := strings.Count(out, "\n"); err != nil || n != want {
			t.Errorf("%s: %d lines, %v\n%.300s", args, n, err, out)
		}
		for line := range strings.Lines(out) {
			var e as.Entry
			if err := json.Unmarshal([]byte(line), &e); err != nil || !e.Since.Equal(time.Unix(0, since.UnixNano())) {
				t.Errorf("%s: %v", line, err)
			}
		}
	}
	out, err := run(t, "directory", "where", bob, "-file", path)
	if err != nil || !strings.Contains(out, bob+"  "+alice+"  ms1") || !strings.Contains(out, "1d2h") {
		t.Errorf("%v\n%s", err, out)
	}
	for _, tc := range [][2]string{
		{"directory forget -ms ms3 -from sip:s@example.com", "1 entries forgotten"},
		{"directory forget -ms ms3", "599 entries forgotten"},
		{"directory rename ms2 ms1", "1 entries renamed"},
		{"directory forget -ms ms1 -to " + bob, "2 entries forgotten"},
	} {
		if out, err := run(t, append(strings.Fields(tc[0]), "-file", path)...); err != nil || out != tc[1]+"\n" {
			t.Errorf("%s: %q, %v", tc[0], out, err)
		}
	}
	if out, err := run(t, "directory", "list", "-file", path, "-json"); err != nil || strings.Count(out, "\n") != 1 || !strings.Contains(out, carol) {
		t.Errorf("left: %s, %v", out, err)
	}
	missing := filepath.Join(t.TempDir(), "none.db")
	if _, err := run(t, "directory", "forget", "-ms", "ms1", "-file", missing); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
	if _, err := run(t, "directory", "where", alice, "-file", path); err == nil || !strings.Contains(err.Error(), "nothing is kept") {
		t.Errorf("nobody: %v", err)
	}
	if _, err := run(t, "deliver", bob, "-file", path); err == nil {
		t.Error("a file delivered")
	}
}

func TestUsageErrors(t *testing.T) {
	for _, args := range []string{"", "directory", "directory burn", "directory list now", "directory where", "directory where a b", "deliver", "deliver sip:a@b sip:c@d", "directory forget", "directory forget -ms a b", "directory rename a", "directory rename a b c", "directory list -bogus", "deliver :", "directory list -to :"} {
		var usage *daemon.UsageError
		if _, err := run(t, strings.Fields(args)...); !errors.As(err, &usage) {
			t.Errorf("%q: %v", args, err)
		}
	}
	if out, err := run(t, "directory", "-h"); !errors.Is(err, flag.ErrHelp) || !strings.Contains(out, "Usage") {
		t.Errorf("-h: %v\n%s", err, out)
	}
}

// TestServer asks one that answers as it is told to.
func TestServer(t *testing.T) {
	answer, status := "", 200
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("to") != bob || (r.URL.Path == "/deliver") != (r.Method == "POST") {
			t.Errorf("%s %s", r.Method, r.URL)
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(answer))
	}))
	defer srv.Close()
	admin := strings.TrimPrefix(srv.URL, "http://")
	entry := `{"recipient":"` + bob + `","sender":"sip:a\u001b@b","media_server":"ms1","since":"2026-01-01T00:00:00Z","channel":"up","reachable":false}` + "\n"
	for _, tc := range []struct {
		answer string
		status int
		want   string
		err    string
	}{
		{entry + `{"done":true}` + "\n", 200, "sip:a\ufffd@b  ms1           up ", ""},
		{entry, 200, "ms1", "cut off"},
		{entry + `{"error":"the disk"}`, 200, "ms1", "the disk"},
		{"bad\n", 400, "", "bad"},
	} {
		answer, status = tc.answer, tc.status
		out, err := run(t, "directory", "where", "bob@example.com", "-admin", admin)
		if !strings.Contains(out, tc.want) || (err == nil) != (tc.err == "") || err != nil && !strings.Contains(err.Error(), tc.err) {
			t.Errorf("%q: %v\n%s", tc.answer, err, out)
		}
	}
	answer, status = "it is called now\n", 200
	if out, err := run(t, "deliver", bob, "-admin", admin); err != nil || out != "it is called now\n" {
		t.Errorf("%q, %v", out, err)
	}
	answer, status = "is not reachable\n", 409
	if _, err := run(t, "deliver", bob, "-admin", admin); err == nil || !strings.Contains(err.Error(), "is not reachable") {
		t.Errorf("%v", err)
	}
	srv.Close()
	if _, err := run(t, "deliver", bob, "-admin", admin); err == nil || !strings.Contains(err.Error(), admin) {
		t.Errorf("%v", err)
	}
}
