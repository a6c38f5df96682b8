package sipua

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestDisplayName(t *testing.T) {
	for value, want := range map[string]string{
		`"alice W" <sip:alice@example.com>;tag=1`:        "alice W",
		`Alice <sip:alice@example.com>`:                  "Alice",
		`Alice von W  <sip:alice@example.com>`:           "Alice von W",
		`"Alice \"the\" \\ W"<sip:a@example.com>`:        `Alice "the" \ W`,
		`"Wer, <sip:boss@example.com>" <sip:a@b>`:        "Wer, <sip:boss@example.com>",
		`"李" <sip:li@example.com>`:                       "李",
		`<sip:alice@example.com>`:                        "",
		`sip:alice@example.com`:                          "",
		`sip:alice@example.com;x="<"`:                    "",
		`"" <sip:a@b>`:                                   "",
		`"open <sip:a@b>`:                                "",
		`"closed" sip:a@b`:                               "",
		``:                                               "",
		"\"a\tb\\\nc\" <sip:a@b>":                        "a b c",
		"\"a\u202eevil\u2066\x1b[31m\u200f\" <sip:a@b>":  "aevil[31m",
		"\"a\xff\" <sip:a@b>":                            "a\ufffd",
		`"` + strings.Repeat("ä", 1000) + `" <sip:a@b>`:  strings.Repeat("ä", MaxDisplayName/2),
		`"` + strings.Repeat("x ", 1000) + `" <sip:a@b>`: strings.TrimSpace(strings.Repeat("x ", MaxDisplayName/2)),
	} {
		got := DisplayName(value)
		if got != want || !utf8.ValidString(got) {
			t.Errorf("%.60q: %q, want %q", value, got, want)
		}
		if got != "" && DisplayName(NameAddr(got, "sip:a@b")) != got {
			t.Errorf("%q does not come back from %s", got, NameAddr(got, "sip:a@b"))
		}
	}
}
