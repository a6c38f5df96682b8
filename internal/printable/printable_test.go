package printable

import (
	"strings"
	"testing"
)

// TestPrintable has the bytes that terminals obey, and those that mislead readers.
func TestPrintable(t *testing.T) {
	for s, want := range map[string][2]string{ // String, Text
		"":                       {"", ""},
		"é日本 <&>":                {"é日本 <&>", "é日本 <&>"},
		"\x1b]0;title\a":         {"\ufffd]0;title\ufffd", "\ufffd]0;title\ufffd"},
		"\x1b[31mred":            {"\ufffd[31mred", "\ufffd[31mred"},
		"\u009b31mC1":            {"\ufffd31mC1", "\ufffd31mC1"},
		"\x9b31m":                {"\ufffd31m", "\ufffd31m"},
		"a\tb\nc\r\nd":           {"a b\ufffdc\ufffd\ufffdd", "a\tb\nc\nd"},
		"over\rwritten\b\x7f":    {"over\ufffdwritten\ufffd\ufffd", "over\ufffdwritten\ufffd\ufffd"},
		"\u202egnp.exe":          {"\ufffdgnp.exe", "\ufffdgnp.exe"},
		"\u2028line\u2029\u200b": {"\ufffdline\ufffd\ufffd", "\ufffdline\ufffd\ufffd"},
		"\x00\xff\ufeff":         {"\ufffd\ufffd\ufffd", "\ufffd\ufffd\ufffd"},
	} {
		if got := String(s); got != want[0] {
			t.Errorf("String(%q) is %q", s, got)
		}
		if got := Text(s); got != want[1] {
			t.Errorf("Text(%q) is %q", s, got)
		}
	}
	if got := Short("\x1bé日本", 3); got != "\ufffdé日…" {
		t.Errorf("Short is %q", got)
	}
}

// TestWriter writes what a terminal would obey, in several writes.
func TestWriter(t *testing.T) {
	var b strings.Builder
	w := NewWriter(&b)
	for _, s := range []string{"\x1b[2J", "\u202ea\r\n", "\tb\x07"} {
		if n, err := w.Write([]byte(s)); n != len(s) || err != nil {
			t.Errorf("Write(%q) is %d, %v", s, n, err)
		}
	}
	if got := b.String(); got != "\ufffd[2J\ufffda\n\tb\ufffd" {
		t.Errorf("written: %q", got)
	}
}
