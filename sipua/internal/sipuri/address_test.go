package sipuri

import "testing"

func TestFromAddress(t *testing.T) {
	for address, want := range map[string]string{
		"sip:a@b":                    "sip:a@b",
		" <sip:a@b>\t":               "sip:a@b",
		"<sip:a@b;x=y>;tag=1":        "sip:a@b;x=y",
		`"<sip:x@y>" <sip:a@b>`:      "sip:a@b",
		`"\"<sip:x@y>"<sip:a@b>`:     "sip:a@b",
		"Alice B <sip:a@b> ;x=<c>":   "sip:a@b",
		`<sip:a@b>;x="<sip:c@d>"`:    "sip:a@b",
		`"x" sip:a@b`:                "",
		`"x <sip:a@b>`:               "",
		`x"y <sip:c@d>" <sip:a@b>`:   "",
		"<sip:a@b":                   "",
		"<sip:a@b> <sip:c@d>":        "",
		"<sip:a@b>x":                 "",
		"x> <sip:a@b>":               "",
		`"a" "b" <sip:c@d>`:          "",
		`"<sip:x@y>", <sip:a@b>;p=1`: "",
	} {
		got, err := FromAddress(address)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%s: %q, %v, want %q", address, got, err, want)
		}
	}
}
