package presence

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/gomscp/gomscp/internal/xmltree"
)

const pidfHead = `<?xml version="1.0"?><presence xmlns="urn:ietf:params:xml:ns:pidf" entity="sip:bob@example.com">`

func pidfDocument(tuples ...string) string {
	return pidfHead + strings.Join(tuples, "") + `</presence>`
}

func pidfTuple(basic string) string {
	return `<tuple id="t"><status><basic>` + basic + `</basic></status></tuple>`
}

func TestPIDFOpen(t *testing.T) {
	open, closed := pidfTuple("open"), pidfTuple("closed")
	for name, tc := range map[string]struct {
		body string
		open bool
	}{
		"empty":                  {"", false},
		"blank":                  {" \t\r\n\r\n", false},
		"only a NUL":             {"\x00", false},
		"only a mark":            {"\ufeff\r\n", false},
		"open":                   {pidfDocument(open), true},
		"closed":                 {pidfDocument(closed), false},
		"two devices":            {pidfDocument(closed, open), true},
		"open, then closed":      {pidfDocument(open, closed), true},
		"no tuple":               {pidfDocument(), false},
		"tuple, no status":       {pidfDocument(`<tuple id="a"/>`), false},
		"status, no basic":       {pidfDocument(`<tuple id="a"><status/></tuple>`), false},
		"open elsewhere":         {pidfDocument(`<tuple id="a"><note>open</note></tuple>`), false},
		"basic beside status":    {pidfDocument(`<tuple id="a"><basic>open</basic></tuple>`), false},
		"status beside tuple":    {pidfDocument(`<status><basic>open</basic></status>`), false},
		"attribute only":         {pidfDocument(`<tuple id="a"><status basic="open"/></tuple>`), false},
		"prefix":                 {`<p:presence xmlns:p="urn:ietf:params:xml:ns:pidf"><p:tuple id="a"><p:status><p:basic>open</p:basic></p:status></p:tuple></p:presence>`, true},
		"two prefixes":           {`<p:presence xmlns:p="urn:ietf:params:xml:ns:pidf" xmlns:q="urn:ietf:params:xml:ns:pidf"><q:tuple id="a"><status xmlns="urn:ietf:params:xml:ns:pidf"><p:basic>open</p:basic></status></q:tuple></p:presence>`, true},
		"no prefix, no default":  {`<p:presence xmlns:p="urn:ietf:params:xml:ns:pidf">` + open + `</p:presence>`, false},
		"default taken back":     {pidfDocument(`<tuple xmlns="" id="a"><status><basic>open</basic></status></tuple>`), false},
		"ours in a foreign one":  {pidfDocument(`<x:a xmlns:x="urn:x">`+open+`</x:a>`, closed), false},
		"an unknown one of ours": {pidfDocument(`<group>`+open+`</group>`, closed), false},
		"prefix not declared":    {pidfDocument(`<dm:person id="p" dm:x="1"><rpid:activities/></dm:person>`, open), true},
		"blanks":                 {pidfDocument(pidfTuple("\n   open\t")), true},
		"case":                   {pidfDocument(pidfTuple("Open")), true},
		"another word":           {pidfDocument(pidfTuple("opened")), false},
		"two words":              {pidfDocument(pidfTuple("op en")), false},
		"comment in the word":    {pidfDocument(pidfTuple("op<!-- closed -->en")), true},
		"instruction":            {pidfDocument(pidfTuple("<?closed?>open<?x?>")), true},
		"CDATA":                  {pidfDocument(pidfTuple("<![CDATA[open]]>")), true},
		"CDATA with blanks":      {pidfDocument(pidfTuple(" <![CDATA[ op]]>en")), true},
		"character reference":    {pidfDocument(pidfTuple("&#111;pe&#x6E;")), true},
		"element in the word":    {pidfDocument(pidfTuple(`<x:y xmlns:x="urn:x">closed</x:y>open`)), true},
		"word in the element":    {pidfDocument(pidfTuple(`<x:y xmlns:x="urn:x">open</x:y>`)), false},
		"no entity":              {strings.Replace(pidfDocument(open), "entity=", "x=", 1), true},
		"alias as entity":        {strings.Replace(pidfDocument(open), "sip:bob@", "pres:robert@", 1), true},
		"no URI as entity":       {strings.Replace(pidfDocument(open), "sip:bob@example.com", "%%%", 1), true},
		"namespace as printed":   {strings.Replace(pidfDocument(open), "ns:pidf", "ns:pidf:", 1), true},
		"namespace of a draft":   {strings.Replace(pidfDocument(open), "ns:pidf", "ns:cpim-pidf", 1), true},
		"XML 1.1":                {strings.Replace(pidfDocument(open), "1.0", "1.1", 1), true},
		"standalone":             {strings.Replace(pidfDocument(open), `"1.0"`, `"1.0" encoding='utf-8' standalone='no'`, 1), true},
		"lines before":           {"\r\n\r\n" + pidfDocument(open), true},
		"lines and NULs behind":  {pidfDocument(open) + "\r\n\x00\x00", true},
		"timestamp of no time":   {pidfDocument(`<tuple id="a"><status><basic>open</basic></status><contact priority="9">:</contact><timestamp>yesterday</timestamp></tuple>`), true},
		"mustUnderstand":         {pidfDocument(`<tuple id="a"><status><basic>open</basic><x:y xmlns:x="urn:x" xmlns:p="urn:ietf:params:xml:ns:pidf" p:mustUnderstand=" true "/></status></tuple>`), true},
	} {
		t.Run(name, func(t *testing.T) {
			if open, err := pidfOpen("application/pidf+xml", []byte(tc.body)); open != tc.open || err != nil {
				t.Errorf("open %v, err %v", open, err)
			}
		})
	}
}

// TestPIDFOfServers reads documents as presence servers and phones send them.
func TestPIDFOfServers(t *testing.T) {
	for _, name := range pidfFiles(t) {
		t.Run(filepath.Base(name), func(t *testing.T) {
			body, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			base := filepath.Base(name)
			want := base != "foreign_tuple.xml" && base != "crlf.txt" && !strings.HasPrefix(base, "closed")
			if open, err := pidfOpen("application/pidf+xml", body); open != want || err != nil {
				t.Errorf("open %v, want %v, err %v", open, want, err)
			}
		})
	}
}

func pidfFiles(t testing.TB) []string {
	files, err := filepath.Glob("testdata/pidf/*")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	return files
}

// TestPIDFEncodings reads the same document in many encodings. See XML 1.0,
// section 4.3.3, and RFC 3863, section 4.1.
func TestPIDFEncodings(t *testing.T) {
	document := func(encoding, note string) string {
		return `<?xml version="1.0" encoding="` + encoding + `"?><presence xmlns="urn:ietf:params:xml:ns:pidf" entity="sip:bob@example.com">` + pidfTuple("open") + `<note>` + note + `</note></presence>`
	}
	wide := func(s string, low, high int) string {
		var b []byte
		for _, u := range utf16.Encode([]rune(s)) {
			var two [2]byte
			two[low], two[high] = byte(u), byte(u>>8)
			b = append(b, two[:]...)
		}
		return string(b)
	}
	for name, tc := range map[string]struct{ contentType, body string }{
		"UTF-8":                    {"application/pidf+xml", document("UTF-8", "é")},
		"mark":                     {"", "\ufeff" + document("UTF-8", "é")},
		"mark against declaration": {"", "\ufeff" + document("ISO-8859-1", "é")},
		"ISO-8859-1":               {"", document("ISO-8859-1", "\xe9\x80")},
		"iso-8859-1":               {"", document("iso-8859-1", "\xe9")},
		"windows-1252":             {"", document("windows-1252", "\x80\x9f\xe9")},
		"ISO-8859-15":              {"", document("ISO-8859-15", "\xa4")},
		"KOI8-R":                   {"", document("KOI8-R", "\xd0")},
		"US-ASCII":                 {"", document("US-ASCII", "e")},
		"charset":                  {"application/pidf+xml; charset=iso-8859-1", strings.Replace(document("UTF-8", "\xe9"), ` encoding="UTF-8"`, "", 1)},
		"charset first":            {`application/pidf+xml;charset="ISO-8859-1"`, document("UTF-8", "\xe9")},
		"content type of nonsense": {"a b c/;;charset=UTF-7", document("ISO-8859-1", "\xe9")},
		"UTF-16LE":                 {"", wide("\ufeff"+document("UTF-16", "é😀"), 0, 1)},
		"UTF-16BE":                 {"", wide("\ufeff"+document("utf-16", "é😀"), 1, 0)},
		"UTF-16, no mark":          {"", wide(document("UTF-16", "é"), 0, 1)},
		"UTF-16BE, no mark":        {"", wide(document("UTF-16", "é"), 1, 0)},
		"UTF-16, NUL behind":       {"", wide("\ufeff"+document("UTF-16", "é")+"\r\n\x00", 0, 1)},
		"UTF-16, half NUL behind":  {"", wide("\ufeff"+document("UTF-16", "é"), 0, 1) + "\x00"},
		"UTF-16 in name only":      {"", document("utf-16", "é")},
		"declaration alone":        {"", wide("\ufeff"+document("UTF-8", "é"), 0, 1)},
	} {
		t.Run(name, func(t *testing.T) {
			if open, err := pidfOpen(tc.contentType, []byte(tc.body)); !open || err != nil {
				t.Errorf("open %v, err %v", open, err)
			}
		})
	}
}

// TestPIDFUnreadable has documents that say nothing: each is an error with the
// offset and the rule.
func TestPIDFUnreadable(t *testing.T) {
	open := pidfDocument(pidfTuple("open"))
	for name, tc := range map[string]struct {
		body   string
		offset int64
		rule   string
	}{
		"not a document":     {"open", 0, "text outside"},
		"only a declaration": {`<?xml version="1.0"?>`, 21, "ends too early"},
		"another document":   {" <reginfo/>", 1, "root element is not presence"},
		"no namespace":       {"<presence/>", 0, "root element is not presence"},
		"another namespace":  {`<presence xmlns="urn:x"/>`, 0, "root element is not presence"},
		"cut off":            {pidfHead, int64(len(pidfHead)), "ends too early"},
		"over the limit":     {open + strings.Repeat(" ", pidfLimits.Bytes), int64(pidfLimits.Bytes), "longer than"},
		"document type":      {`<?xml version="1.0"?><!DOCTYPE presence><presence/>`, 21, "DOCTYPE"},
		"entity":             {pidfHead + "&open;</presence>", int64(len(pidfHead)), "reference"},
		"two roots":          {open + open[21:], int64(len(open)), "more than one root"},
		"not UTF-8":          {pidfHead + "<note>\xe9</note></presence>", int64(len(pidfHead)) + 6, "not UTF-8"},
		"not ASCII":          {`<?xml version="1.0" encoding="us-ascii"?><a>` + "\xe9", 44, "0xE9 is none of us-ascii"},
		"not windows-1252":   {`<?xml version="1.0" encoding="windows-1252"?>` + "\x81", 45, "0x81 is none of windows-1252"},
		"unknown encoding":   {`<?xml version="1.0" encoding="EBCDIC-US"?><a/>`, 0, `encoding "EBCDIC-US" is not read`},
		"UTF-32":             {"\xff\xfe\x00\x00<\x00\x00\x00", 0, "UTF-32"},
		"half a character":   {"\xff\xfe<\x00a\x00/", 6, "half a character"},
		"half a pair":        {"\xff\xfe<\x00\x00\xd8a\x00", 4, "half a surrogate"},
		"in UTF-16":          {"\xff\xfe<\x00a\x00/\x00>\x00x\x00", 10, "text outside"},
	} {
		t.Run(name, func(t *testing.T) {
			open, err := pidfOpen("", []byte(tc.body))
			var bad *xmltree.Error
			if open || !errors.As(err, &bad) || bad.Offset != tc.offset || !strings.Contains(bad.Rule, tc.rule) {
				t.Errorf("open %v, err %v", open, err)
			}
		})
	}
}

func FuzzPIDF(f *testing.F) {
	f.Add("", []byte(`<presence><tuple><status><basic>open</basic></status></tuple></presence>`))
	f.Add("", []byte(`<!DOCTYPE a [<!ENTITY b "c">]><presence>&b;</presence>`))
	for _, name := range pidfFiles(f) {
		body, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add("application/pidf+xml;charset=ISO-8859-1", body)
	}
	f.Fuzz(func(t *testing.T, contentType string, b []byte) {
		open, err := pidfOpen(contentType, b)
		if open && err != nil {
			t.Error("open and an error")
		}
		if bad := new(xmltree.Error); errors.As(err, &bad) && (bad.Offset < 0 || bad.Offset > int64(len(b))) {
			t.Errorf("offset %d of %d", bad.Offset, len(b))
		}
	})
}
