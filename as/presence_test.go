package as

import (
	"strings"
	"testing"
)

func TestPIDFOpen(t *testing.T) {
	tuple := func(basic string) string {
		return `<tuple id="t` + basic + `"><status><basic>` + basic + `</basic></status></tuple>`
	}
	doc := func(tuples ...string) string {
		return `<?xml version="1.0"?><presence xmlns="urn:ietf:params:xml:ns:pidf" entity="sip:bob@example.com">` +
			strings.Join(tuples, "") + `</presence>`
	}
	for name, tc := range map[string]struct {
		body string
		open bool
		err  bool
	}{
		"empty":             {"", false, false},
		"open":              {doc(tuple("open")), true, false},
		"closed":            {doc(tuple("closed")), false, false},
		"two devices":       {doc(tuple("closed"), tuple("open")), true, false},
		"no tuple":          {doc(), false, false},
		"tuple, no status":  {doc(`<tuple id="a"/>`), false, false},
		"prefixed":          {`<p:presence xmlns:p="urn:ietf:params:xml:ns:pidf"><p:tuple id="a"><p:status><p:basic>open</p:basic></p:status></p:tuple></p:presence>`, true, false},
		"open elsewhere":    {doc(`<tuple id="a"><note>open</note></tuple>`), false, false},
		"not a document":    {"open", false, true},
		"another document":  {"<reginfo/>", false, true},
		"cut off":           {doc(tuple("open"))[:80], false, true},
		"larger than limit": {doc(strings.Repeat(tuple("open"), maxPIDF/40)), false, true},
	} {
		t.Run(name, func(t *testing.T) {
			open, err := pidfOpen([]byte(tc.body))
			if open != tc.open || (err != nil) != tc.err {
				t.Errorf("open %v, err %v", open, err)
			}
		})
	}
}

func FuzzPIDF(f *testing.F) {
	f.Add([]byte(`<presence><tuple><status><basic>open</basic></status></tuple></presence>`))
	f.Add([]byte(`<!DOCTYPE a [<!ENTITY b "c">]><presence>&b;</presence>`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if open, err := pidfOpen(b); open && err != nil {
			t.Error("open and an error")
		}
	})
}
