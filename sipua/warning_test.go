package sipua

import (
	"testing"
)

func TestWarningHeader(t *testing.T) {
	for _, tc := range []struct {
		code        int
		agent, text string
		want        string
	}{
		{304, "192.0.2.1:5060", "no m=message", `304 192.0.2.1:5060 "no m=message"`},
		{305, "[2001:db8::1]:5060", "none", `305 [2001:db8::1]:5060 "none"`},
		{307, "isi.edu", `a "quoted" \ line`, `307 isi.edu "a \"quoted\" \\ line"`},
		{399, "as", "two\r\nWarning: lines\x00\x7f", `399 as "two  Warning: lines  "`},
		{399, "two tokens", "x", `399 - "x"`},
		{399, "", "Grüße \xff", `399 - "Grüße ?"`},
	} {
		got := WarningHeader(tc.code, tc.agent, tc.text)
		if got.Name != "Warning" || got.Value != tc.want {
			t.Errorf("%d %q %q: %s: %s, want %s", tc.code, tc.agent, tc.text, got.Name, got.Value, tc.want)
		}
	}
}
