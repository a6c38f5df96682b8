package grammar

import (
	"slices"
	"strings"
	"testing"
)

func TestSplitList(t *testing.T) {
	for value, want := range map[string][]string{
		"":                              nil,
		" , ,\t":                        nil,
		"timer":                         {"timer"},
		"timer, 100rel ,\tgruu":         {"timer", "100rel", "gruu"},
		`"a, b" <sip:x@y>, <sip:a,b@c>`: {`"a, b" <sip:x@y>`, "<sip:a,b@c>"},
		`"a\"," <sip:x>,<sip:y>`:        {`"a\"," <sip:x>`, "<sip:y>"},
		`"a\\", b`:                      {`"a\\"`, "b"},
		`<sip:x>;p="1,2";q=<,>, z`:      {`<sip:x>;p="1,2";q=<,>`, "z"},
		`<sip:a"b@c>, d`:                {`<sip:a"b@c>`, "d"}, // a quote opens nothing there
		`"never closed, x`:              {`"never closed, x`},
		`"\`:                            {`"\`},
		"a(b,c)":                        {"a(b", "c)"},
		"<sip:x, y":                     {"<sip:x, y"},
		`307 isi.edu "a, \"b\"", 304 z "c"`: {
			`307 isi.edu "a, \"b\""`, `304 z "c"`},
	} {
		if got := SplitList(value); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", value, got, want)
		}
	}
}

// FuzzSplitList holds that nothing but commas and blanks gets lost, and that a value
// is in one piece when it is taken apart again.
func FuzzSplitList(f *testing.F) {
	f.Add(`"a\", <sip:b>" <sip:c,d@e>;x="y,z", ,f`)
	f.Add(`<sip:a"b@c>, "d`)
	f.Add("\\\",<,>")
	f.Fuzz(func(t *testing.T, value string) {
		clean := func(s string) string {
			return strings.NewReplacer(",", "", " ", "", "\t", "", "\r", "", "\n", "").Replace(s)
		}
		list := SplitList(value)
		if got := clean(strings.Join(list, "")); got != clean(value) {
			t.Fatalf("%q became %q", value, list)
		}
		for _, v := range list {
			if again := SplitList(v); !slices.Equal(again, []string{v}) {
				t.Fatalf("%q of %q became %q", v, value, again)
			}
		}
	})
}
