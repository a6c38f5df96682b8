package operator

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/gomscp/gomscp/internal/daemon"
	"github.com/gomscp/gomscp/store"
)

// TestTables lists a message of a stranger who has put as much, and as bad, as there
// can be into everything: no column is wider than it may be, nothing that a terminal
// obeys comes through, and -wide and -json have the whole.
func TestTables(t *testing.T) {
	path := t.TempDir() + "/ms.db"
	s, err := store.Open(path, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	long := "sip:" + strings.Repeat("ä", 3000) + "@example.com"
	evil := "text/x\x1b[2J\u202e\u009b\r\n" + strings.Repeat("y", 100)
	w, err := s.Begin(t.Context(), store.Meta{Recipient: long, Sender: long, MessageID: evil, ContentType: evil, Received: time.Now().Add(-50 * time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Commit().Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"recipients", "messages"} {
		out, err := run(t, "-file", path, name)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(out) {
			if n := utf8.RuneCountInString(line); n > 300 {
				t.Errorf("%s: a line of %d characters", name, n)
			}
			wantPrintable(t, strings.TrimSuffix(line, "\n"))
		}
		if !strings.Contains(out, "…") || !strings.Contains(out, "2d2h") {
			t.Errorf("%s: nothing is cut, or no age is told:\n%s", name, out)
		}
		if out, err := run(t, "-file", path, name, "-wide"); err != nil || !strings.Contains(out, long) {
			t.Errorf("%s -wide: %v", name, err)
		}
		out, err = run(t, "-file", path, name, "-json")
		var item struct{ Recipient string }
		if err != nil || json.Unmarshal([]byte(out), &item) != nil || item.Recipient != long {
			t.Errorf("%s -json: %v\n%.100s", name, err, out)
		}
		wantPrintable(t, strings.TrimSuffix(out, "\n"))
	}
}

func wantPrintable(t *testing.T, text string) {
	t.Helper()
	for _, r := range text {
		if !unicode.IsPrint(r) {
			t.Errorf("%q is printed", r)
		}
	}
}

// TestUsageErrors checks that a wrong command line is told from what has failed.
func TestUsageErrors(t *testing.T) {
	_, path := fill(t)
	for _, args := range []string{"burn", "", "recipients now", "messages -older 5x", "messages -bogus", "show", "purge", "-bogus", "backup"} {
		_, err := run(t, append([]string{"-file", path}, strings.Fields(args)...)...)
		var usage *daemon.UsageError
		if !errors.As(err, &usage) {
			t.Errorf("%q gives %v", args, err)
		}
	}
}
