package ladder

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"
)

// TestList lists the calls of the files, the legs on both sides of the application
// server together, and chooses by user.
func TestList(t *testing.T) {
	outer, inner := legs(t)
	list := func(user string) string {
		t.Helper()
		var b bytes.Buffer
		if _, err := List(t.Context(), &b, traces(t), Options{Filter: Filter{User: user}}); err != nil {
			t.Fatal(err)
		}
		checkPrintable(t, b.String())
		return b.String()
	}
	all := list("")
	i := strings.Index(all, outer)
	below := all[max(0, i):]
	if next := strings.SplitN(below, "\n", 3); i < 0 || !strings.HasPrefix(next[1], "  and ") || !strings.Contains(all, inner) {
		t.Errorf("the legs are not together:\n%s", all)
	}
	for _, user := range []string{"alice", "alice@example.com", "sip:alice@example.com"} {
		if got := list(user); !strings.Contains(got, outer) || !strings.Contains(got, inner) || len(got) >= len(all) {
			t.Errorf("of %s:\n%s", user, got)
		}
		d, err := Read(t.Context(), traces(t), Options{Filter: Filter{User: user}})
		if err != nil || d.Messages == 0 {
			t.Errorf("of %s: %v", user, err)
		}
	}
	if _, err := List(t.Context(), &bytes.Buffer{}, traces(t), Options{Filter: Filter{User: "nobody"}}); err == nil {
		t.Error("calls of nobody are listed")
	}
	if _, err := Read(t.Context(), traces(t), Options{Filter: Filter{User: "nobody"}}); err == nil || !strings.Contains(err.Error(), `"nobody"`) {
		t.Errorf("calls of nobody: %v", err)
	}
}

// TestWidth bounds every line, with all that makes lines long.
func TestWidth(t *testing.T) {
	for _, width := range []int{60, 80, 120, 160, 400} {
		d, err := Read(t.Context(), traces(t), Options{Width: width, Explain: true, Repeats: true, Chunks: true})
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := d.WriteText(&b); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(b.String()) {
			if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > width {
				t.Errorf("width %d: %d characters in %q", width, n, line)
			}
		}
		if !strings.Contains(b.String(), "INVITE") || strings.Count(b.String(), "\n") < d.Messages {
			t.Errorf("width %d: something is left out:\n%s", width, b.String())
		}
	}
}
