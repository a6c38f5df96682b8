package mscp

import (
	"reflect"
	"strings"
	"testing"

	"github.com/gomscp/gomscp/internal/testutil"
)

const open, closing = `<mscp version="1.0" xmlns="urn:ietf:mscp">`, `</mscp>`

func TestParseDocument(t *testing.T) {
	restore := &RestoreMsg{"uri1", "uri2", "connection1", "", ""}
	for name, tc := range map[string]struct {
		xml  string
		want *Document // nil for an error
	}{
		"ours":           {open + `<request><RestoreMsg xmlns="urn:x-mscp:offline-message:1" from-uri="uri1" to-uri="uri2" connection-id="connection1"/></request>` + closing, &Document{Kind: Request, Element: restore}},
		"paper":          {`<request><RestoreMsg from-uri="uri1" to-uri=" uri2" connection-id="connection1"/></request>`, &Document{Kind: Request, Element: restore}},
		"prefixed":       {`<m:mscp version="1.0" xmlns:m="urn:ietf:mscp" xmlns:o="urn:x-mscp:offline-message:1"><m:request><o:RestoreMsg from-uri="uri1" to-uri="uri2" connectionid="connection1"/></m:request></m:mscp>`, &Document{Kind: Request, Element: restore}},
		"declaration":    {`<?xml version="1.0" encoding="UTF-8"?>` + "\n" + open + "\n <!-- c --><request id='r'>\n<SendMsg from-uri='a' to-uri='b' connection-id='c'></SendMsg>\n</request>\n" + closing + "\n", &Document{Kind: Request, ID: "r", Element: &SendMsg{"a", "b", "c"}}},
		"foreign beside": {open + `<request><v:x xmlns:v="urn:v"><v:y/></v:x><SendMsg from-uri="a" to-uri="b" connection-id="c"/></request>` + closing, &Document{Kind: Request, Element: &SendMsg{"a", "b", "c"}}},
		"foreign after":  {open + `<request><SendMsg from-uri="a" to-uri="b" connection-id="c"/><v:x xmlns:v="urn:v"/></request>` + closing, &Document{Kind: Request, Element: &SendMsg{"a", "b", "c"}}},
		"foreign attr":   {open + `<request v:tag="t" xmlns:v="urn:v"><SendMsg v:from-uri="z" from-uri="a" to-uri="b" connection-id="c"/></request>` + closing, &Document{Kind: Request, Element: &SendMsg{"a", "b", "c"}}},
		"draft 7.2.6":    {open + "\n<request>\n<dialogstart connectionid=\"23142\"\n src=\"http://www.example.com/x.vxml\"/>\n</request>\n" + closing, &Document{Kind: Request, Element: &DialogStart{ConnectionID: "23142", Src: "http://www.example.com/x.vxml"}}},
		"reason":         {open + `<response> no <!-- --> </response>` + closing, &Document{Kind: Response, Reason: "no"}},

		"empty":             {"", nil},
		"not XML":           {"hello", nil},
		"no version":        {`<mscp xmlns="urn:ietf:mscp"><request><SendMsg/></request></mscp>`, nil},
		"other version":     {`<mscp version="2.0" xmlns="urn:ietf:mscp"><request><SendMsg/></request></mscp>`, nil},
		"no namespace":      {`<mscp version="1.0"><request><SendMsg/></request></mscp>`, nil},
		"empty mscp":        {open + closing, nil},
		"empty request":     {open + `<request/>` + closing, nil},
		"two containers":    {open + `<request><SendMsg/></request><request><SendMsg/></request>` + closing, nil},
		"two elements":      {open + `<request><SendMsg/><SendMsg/></request>` + closing, nil},
		"text in request":   {open + `<request>x<SendMsg/></request>` + closing, nil},
		"text after":        {open + `<request><SendMsg/></request>` + closing + "x", nil},
		"two roots":         {strings.Repeat(open+`<request><SendMsg/></request>`+closing, 2), nil},
		"cut off":           {open + `<request><SendMsg/>`, nil},
		"DOCTYPE":           {`<!DOCTYPE mscp>` + open + `<request><SendMsg/></request>` + closing, nil},
		"entity bomb":       {`<!DOCTYPE a [<!ENTITY b "bbbb">]>` + open + `<request><SendMsg from-uri="&b;"/></request>` + closing, nil},
		"unknown entity":    {open + `<request><SendMsg from-uri="&b;"/></request>` + closing, nil},
		"attribute twice":   {open + `<request><SendMsg from-uri="a" from-uri="b"/></request>` + closing, nil},
		"invalid UTF-8":     {open + "<request><SendMsg from-uri=\"\xff\"/></request>" + closing, nil},
		"other encoding":    {`<?xml version="1.0" encoding="ISO-8859-1"?>` + open + `<request><SendMsg/></request>` + closing, nil},
		"UTF-16":            {"\xff\xfe<\x00", nil},
		"too deep":          {open + "<request>" + strings.Repeat("<a>", 10_000) + strings.Repeat("</a>", 10_000) + "</request>" + closing, nil},
		"too many":          {open + "<request><a>" + strings.Repeat("<a/>", MaxElements) + "</a></request>" + closing, nil},
		"too large":         {open + `<request><SendMsg from-uri="` + strings.Repeat("x", MaxBody) + `"/></request>` + closing, nil},
		"other container":   {open + `<question/>` + closing, nil},
		"foreign container": {`<request xmlns="urn:v"><SendMsg/></request>`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := ParseDocument([]byte(tc.xml))
			if tc.want == nil {
				if err == nil {
					t.Errorf("accepted as %+v", got)
				}
				return
			}
			if err != nil || !reflect.DeepEqual(got, tc.want) {
				t.Errorf("got %+v %+v, %v", got, got, err)
			}
		})
	}
}

// FuzzDocument checks that what is read means the same when it was written and
// is read again, and that strict reading has reasons for what it refuses.
func FuzzDocument(f *testing.F) {
	f.Add([]byte(open + `<request id="r"><RestoreMsg from-uri="a" to-uri="b" connection-id="c"/></request>` + closing))
	f.Add([]byte(`<response><MsgSended from-uri="a" to-uri="b" connection-id="c"/></response>`))
	f.Add([]byte(open + `<response>reason</response>` + closing))
	f.Add([]byte(open + `<request v:a="b" xmlns:v="urn:v"><v:c/><join id1="a" id2="b"><stream type="audio" direction="both"><v:d/></stream></join></request>` + closing))
	f.Add([]byte(open + `<notification><Inventory xmlns="` + ExtensionNamespace + `" inventory-id="1" batch="2" last="true"><Pair from-uri="a" to-uri="b" messages="3" oldest="2026-01-02T03:04:05Z"/></Inventory></notification>` + closing))
	f.Add([]byte(open + `<request><o:SendInventory xmlns:o="` + ExtensionNamespace + `" inventory-id="1"/></request>` + closing))
	testutil.Files(f, "testdata/examples/*.xml", func(b []byte) { f.Add(b) })
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, dialect := range []Dialect{Draft, Paper} {
			for _, keep := range []bool{false, true} {
				sameWhenWritten(t, b, dialect, Options{KeepForeign: keep})
			}
		}
		_, err := ParseWith(b, Options{Strict: true})
		if found := Validate(b); (err == nil) != (len(found) == 0) {
			t.Fatalf("%q: findings %v, but %v", b, found, err)
		}
	})
}

func sameWhenWritten(t *testing.T, b []byte, dialect Dialect, o Options) {
	t.Helper()
	doc, err := ParseWith(b, o)
	if err != nil {
		return
	}
	if dialect == Paper { // which has nothing around the container
		doc.Root = Foreign{}
	}
	out := doc.Encode(dialect)
	again, err := ParseWith(out, o)
	if err != nil || !reflect.DeepEqual(doc, again) {
		t.Fatalf("%q became %q: %+v, %+v, %v", b, out, doc, again, err)
	}
}
