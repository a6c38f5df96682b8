package otr

import (
	"strings"
	"testing"
)

// The texts of a client's own, as they were on the wire; the key is cut.
const (
	query  = "?OTRv3?  I would like to start an Off-the-Record private conversation, but you do not seem to support that."
	commit = "?OTR:AAMCAESwnAAAAAAAAADEqIATeTzdZ8tm1NvUWBw7+xDk2M4G0Ng1NbcRqtpGcZVRyInOE59FUSbec/ObcLyHMo9jH3HY1dWmOR9BNhmxkUtN."
)

func TestIsHandshake(t *testing.T) {
	for text, want := range map[string]bool{
		query: true, commit: true,
		"?OTRv2?": true, "?OTRv23?": true, "?OTR?v2?": true, "?OTR?v?": true, "?OTRv4?": true, "?OTRv?": true, "?OTRv24x?": true,
		"?OTR?": true, "?OTR?\r\n": true, "?OTR?\nalice has requested a private conversation": true,
		"\xef\xbb\xbf \r\n?OTRv2?": true,
		"?OTRv23?\n<b>alice</b> has requested an <a href=\"https://example.com/\">Off-the-Record private conversation</a>.": true,
		"?OTR:AAEKAAAA.": true, // a key exchange of version 1
		"?OTR:AAMKAAAA":  true, // a D-H key
		"?OTR:AAMRAAAA.": true, "?OTR:AAMSAAAA.": true, "?OTR:AAQ1AAAA.": true,
		"?OTR:AAID":                                     false, // what a person wrote, cut short
		"?OTR:AAIDAAAAAAEAAAAB.":                        false,
		"?OTR:AAIDAQAAAAEAAAAB.":                        true, // nobody need read it
		"?OTR:AAMDRLCcAESwnAAAAAAAAQ==.":                false,
		"?OTR:AAMDRLCcAESwnAEBAAAAAQ==.":                true,
		"?OTR:AASNAAAA.":                                false, // made for who is absent
		"?OTR|5a73a599|27e31597,00001,00003,?OTR:AAMD,": true,
		"?OTR,1,3,?OTR:AAEDAAAAAQAAAAEAAADAVf3Ei7,":     true,
		"?OTR Error: You sent encrypted data to bob, who was not expecting it.": true,

		"":                                   false,
		"hello":                              false,
		"?":                                  false,
		"?OTR":                               false,
		"?OTR is what I use":                 false,
		"?OTR: what is that":                 false,
		"?OTR:":                              false,
		"?OTR? what is that":                 false,
		"?OTR, do you know it":               false,
		"?OTR,one,two,three,":                false,
		"?OTRv":                              false,
		"?OTRv and more?":                    false,
		"?otrv2?":                            false,
		"say ?OTRv2? to me":                  false,
		"hello \t  \t\t\t\t \t \t \t   \t\t": false, // with the whitespace tag
		"?OTRv2? " + strings.Repeat("a whole letter ", 100):            false,
		"?OTR Error: " + strings.Repeat("a whole letter ", 100):        false,
		"?OTR:AAMCAESwnAAAAAAAAADE" + strings.Repeat("qIATeTzd", 4096): true,
	} {
		if got := IsHandshake([]byte(text)); got != want {
			t.Errorf("%.60q: %v", text, got)
		}
	}
}
