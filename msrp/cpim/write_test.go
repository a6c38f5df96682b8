package cpim

import (
	"bytes"
	"io"
	"reflect"
	"strings"
	"testing"
)

func TestEscape(t *testing.T) {
	for text, want := range map[string]string{
		"plain, 'quoted' \"text\"": "plain, 'quoted' \"text\"",
		"a\\b\b\t\n\r":             `a\\b\b\t\n\r`,
		"\x00\x07\x0b\x0c\x1f\x7f": `\u0000\u0007\u000b\u000c\u001f\u007f`,
		"äöü €😀\u0085\u2028":       "äöü €😀\u0085\u2028",
	} {
		if got := Escape(text); got != want {
			t.Errorf("%q: got %q", text, got)
		}
		if got := Unescape(want); got != text {
			t.Errorf("%q: got back %q", text, got)
		}
	}
	if got := Escape("a\xffb"); got != "a\ufffdb" {
		t.Errorf("got %q", got)
	}
}

func TestUnescape(t *testing.T) {
	for value, want := range map[string]string{
		`\"\'\\\b\t\n\r`:          "\"'\\\b\t\n\r",
		`\u0041\u00e4\u20AC`:      "Aä€",
		`\ud83d\ude00`:            "😀",
		`\ud83d`:                  "\ufffd",
		`\ud83dx`:                 "\ufffdx",
		`\ud83d\u0041`:            "\ufffdA",
		`\ude00\ud83d`:            "\ufffd\ufffd",
		`\x\q\(`:                  "xq(",
		`\u12`:                    "u12",
		`\u12g4`:                  "u12g4",
		`end\`:                    "end",
		`\\u0041`:                 `\u0041`,
		`C:\\new`:                 `C:\new`,
		`\U0041`:                  "U0041",
		`caf\u00E9 \u0022x\u0022`: "café \"x\"",
	} {
		if got := Unescape(value); got != want {
			t.Errorf("%q: got %q, want %q", value, got, want)
		}
	}
}

func TestParseAddress(t *testing.T) {
	for value, want := range map[string]Address{
		"Winnie the Pooh <im:pooh@100akerwood.com>": {"Winnie the Pooh", "im:pooh@100akerwood.com"},
		"<im:tigger@100akerwood.com>":               {"", "im:tigger@100akerwood.com"},
		`"a"<sip:a@x>`:                              {"a", "sip:a@x"},
		`"a"   <sip:a@x>`:                           {"a", "sip:a@x"},
		`"\"<a>\", \\ \u0041"<sip:a@x>`:             {`"<a>", \ A`, "sip:a@x"},
		`"" <sip:a@x>`:                              {"", "sip:a@x"},
		`O'Brien, B. (x) <sip:a@x>`:                 {"O'Brien, B. (x)", "sip:a@x"},
		`I <3 you <sip:a@x>`:                        {"I <3 you", "sip:a@x"},
		`Zoë<sip:a@x;user=phone?x=y>`:               {"Zoë", "sip:a@x;user=phone?x=y"},
		"sip:a@x":                                   {"", "sip:a@x"},
		"<tel:+4912345>":                            {"", "tel:+4912345"},
		"<urn:x:y#z>":                               {"", "urn:x:y#z"},
		"<sip:[2001:db8::1]:5060>":                  {"", "sip:[2001:db8::1]:5060"},
	} {
		got, err := ParseAddress(value)
		if err != nil || got != want {
			t.Errorf("%s: got %+v, %v", value, got, err)
		}
		if again, err := ParseAddress(got.String()); err != nil || again != got {
			t.Errorf("%s: written as %s, read as %+v, %v", value, got, again, err)
		}
	}
	for _, value := range []string{"", "<>", "<a@x>", "a", "<sip:>", "<sip:a x>", "<sip:a@x", "sip:a@x>", `"a" sip:a@x`, `"a<sip:a@x>`,
		`"a\"<sip:a@x>`, `"a" b <sip:a@x>`, "<sip:a@x>;tag=1", "<sip:a\"@x>", "<1a:b>", "<sip:ä@x>", "a sip:a@x", "<:x>", "<s\x00p:x>"} {
		if got, err := ParseAddress(value); err == nil {
			t.Errorf("%q: taken as %+v", value, got)
		}
	}
}

func TestAddressString(t *testing.T) {
	for want, a := range map[string]Address{
		"<sip:a@x>":                    {"", "sip:a@x"},
		"MR SANDERS <sip:a@x>":         {"MR SANDERS", "sip:a@x"},
		"Zoë.b <sip:a@x>":              {"Zoë.b", "sip:a@x"},
		`"a, b"<sip:a@x>`:              {"a, b", "sip:a@x"},
		`"a  b"<sip:a@x>`:              {"a  b", "sip:a@x"},
		`" "<sip:a@x>`:                 {" ", "sip:a@x"},
		`"\"<sip:b@y>\\"<sip:a@x>`:     {`"<sip:b@y>\`, "sip:a@x"},
		`"a\r\nTo: \u0000"<sip:a@x>`:   {"a\r\nTo: \x00", "sip:a@x"},
		"\"a\ufffd \u2028,\"<sip:a@x>": {"a\xff \u2028,", "sip:a@x"},
		"O'Brien <sip:a@x>":            {"O'Brien", "sip:a@x"},
		`"it's \\u0041, \\x"<sip:a@x>`: {`it's \u0041, \x`, "sip:a@x"},
	} {
		if got := a.String(); got != want {
			t.Errorf("%+v: got %s, want %s", a, got, want)
		}
	}
}

func TestAnonymous(t *testing.T) {
	for uri, want := range map[string]bool{
		"sip:anonymous@anonymous.invalid": true, "sip:Anonymous@example.com": true, "sip:x7@Anonymous.Invalid:5060;user=phone": true,
		"sips:a@b.invalid.?x=y": true, "sip:invalid": true, "sip:alice@example.com": false, "sip:anonymous.alice@example.com": false,
		"tel:+491": false, "sip:a@invalid.com": false, "sip:a@[2001:db8::1]": false,
	} {
		if got := (Address{URI: uri}).Anonymous(); got != want {
			t.Errorf("%s: %v", uri, got)
		}
	}
}

func TestParams(t *testing.T) {
	for text, want := range map[string]Field{
		"Subject:;lang=fr Objet":                  {"Subject", []Param{{"lang", "fr"}}, "Objet"},
		`Subject:;lang=de-AT;x="a; \"b\"";y=1 hi`: {"Subject", []Param{{"lang", "de-AT"}, {"x", `a; "b"`}, {"y", "1"}}, "hi"},
		"Subject: ;lang=fr Objet":                 {"Subject", nil, ";lang=fr Objet"},
		"Subject:;-) hi":                          {"Subject", nil, ";-) hi"},
		"Subject:;lang=fr":                        {"Subject", []Param{{"lang", "fr"}}, ""},
		"Subject:;lang=":                          {"Subject", nil, ";lang="},
		`Subject:;x="a hi`:                        {"Subject", nil, `;x="a hi`},
		`Subject:;x="a"b hi`:                      {"Subject", nil, `;x="a"b hi`},
		"Subject:hi":                              {"Subject", nil, "hi"},
		"Subject:    hi  ":                        {"Subject", nil, "hi"},
		"Subject: a\r\n  b":                       {"Subject", nil, "a b"},
	} {
		m, err := Read(strings.NewReader(text + "\r\n\r\n"))
		if err != nil || len(m.Header) != 1 || !reflect.DeepEqual(m.Header[0], want) {
			t.Errorf("%q: got %+v, %v", text, m, err)
			continue
		}
		if len(want.Params) == 0 && strings.HasPrefix(want.Value, ";") {
			want.Value = " " + want.Value // stands behind a blank
		}
		if again, err := Read(strings.NewReader(m.Header[0].String() + "\r\n\r\n")); err != nil || !reflect.DeepEqual(again.Header, m.Header) {
			t.Errorf("%q: written as %q, read as %+v, %v", text, m.Header[0], again, err)
		}
	}
}

// addressed is the least that a message needs.
func addressed(more ...Field) *Message {
	return &Message{Header: append([]Field{{Name: "From", Value: "<im:a@b>"}, {Name: "To", Value: "<im:c@d>"}}, more...)}
}

// TestWritten holds what is written to the bytes that the grammar has.
func TestWritten(t *testing.T) {
	m := addressed(Field{Name: "To", Value: `"D, E"<im:d@e>`}, Field{Name: "cc", Value: "F G <im:f@g>"},
		Field{Name: "DateTime", Value: "2001-02-01T12:16:49-05:00"},
		Field{"Subject", []Param{{"lang", "fr"}, {"x", "a b"}}, Escape("d'été\r\nTo: <im:x@y>")},
		Field{Name: "NS", Value: "d <urn:x:y>"}, Field{Name: "Require", Value: "d.A,cc"}, Field{Name: "d.A", Value: ""}, Field{Name: "d.A", Value: "twice"})
	m.Body = strings.NewReader("hi")
	r, err := m.Reader()
	if err != nil {
		t.Fatal(err)
	}
	got, _ := io.ReadAll(r)
	const want = "From: <im:a@b>\r\nTo: <im:c@d>\r\nTo: \"D, E\"<im:d@e>\r\ncc: F G <im:f@g>\r\nDateTime: 2001-02-01T12:16:49-05:00\r\n" +
		"Subject:;lang=fr;x=\"a b\" d'été\\r\\nTo: <im:x@y>\r\nNS: d <urn:x:y>\r\nRequire: d.A,cc\r\nd.A: \r\nd.A: twice\r\n\r\n" +
		"Content-Type: text/plain; charset=utf-8\r\n\r\nhi"
	if string(got) != want {
		t.Errorf("got %q\nwant %q", got, want)
	}
	m = addressed()
	m.Content = MIMEHeader{{"Content-ID", "<1@x>"}, {"content-type", "text/html"}}
	head, err := m.Head()
	if err != nil || !strings.HasSuffix(string(head), "\r\n\r\nContent-ID: <1@x>\r\ncontent-type: text/html\r\n\r\n") {
		t.Errorf("got %q, %v", head, err)
	}
	if r, err := m.Reader(); err != nil {
		t.Error(err)
	} else if b, _ := io.ReadAll(r); !bytes.Equal(b, head) {
		t.Errorf("got %q", b)
	}
}

func TestWriterRefuses(t *testing.T) {
	if _, err := addressed().Head(); err != nil {
		t.Fatal(err)
	}
	for name, f := range map[string]Field{
		"no name":               {Value: "x"},
		"a colon in a name":     {Name: "A:", Value: "x"},
		"a blank in a name":     {Name: "A B", Value: "x"},
		"UTF-8 in a name":       {Name: "Ä", Value: "x"},
		"two dots in a name":    {Name: "a.b.c", Value: "x"},
		"an empty prefix":       {Name: ".a", Value: "x"},
		"a prefix not declared": {Name: "a.b", Value: "x"},
		"the usual prefix":      {Name: "imdn.Message-ID", Value: "x"},
		"a MIME header":         {Name: "Content-Type", Value: "a/b"},
		"a MIME version":        {Name: "mime-version", Value: "1.0"},
		"a line end":            {Name: "A", Value: "x\r\nB: y"},
		"LF":                    {Name: "A", Value: "x\ny"},
		"CR":                    {Name: "A", Value: "x\ry"},
		"a tab":                 {Name: "A", Value: "x\ty"},
		"NUL":                   {Name: "A", Value: "x\x00"},
		"DEL":                   {Name: "A", Value: "x\x7f"},
		"not UTF-8":             {Name: "A", Value: "x\xff"},
		"a blank first":         {Name: "A", Value: " x"},
		"a blank last":          {Name: "A", Value: "x "},
		"a lone backslash":      {Name: "A", Value: `C:\xy`},
		"a backslash last":      {Name: "A", Value: `C:\`},
		"a short escape":        {Name: "A", Value: `\u12`},
		"a parameter's name":    {"A", []Param{{"l g", "x"}}, "x"},
		"a parameter's value":   {"A", []Param{{"lang", "\xff"}}, "x"},
		"no time":               {Name: "DateTime", Value: "today"},
		"no URI":                {Name: "cc", Value: "<x>"},
		"no brackets":           {Name: "cc", Value: "sip:a@b"},
		"a name not in quotes":  {Name: "cc", Value: "A, B <sip:a@b>"},
		"a blank behind quotes": {Name: "cc", Value: `"A" <sip:a@b>`},
		"no namespace":          {Name: "NS", Value: "x"},
		"a relative namespace":  {Name: "NS", Value: "x <y>"},
		"a fragment":            {Name: "NS", Value: "x <urn:y:z#a>"},
		"a dot in a prefix":     {Name: "NS", Value: "x.y <urn:y:z>"},
		"too long":              {Name: "A", Value: strings.Repeat("x", MaxHeaderBytes)},
	} {
		if _, err := addressed(f).Head(); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	// A prefix is declared too late, and a default namespace takes To away.
	for _, m := range []*Message{
		addressed(Field{Name: "a.b", Value: "x"}, Field{Name: "NS", Value: "a <urn:x:y>"}),
		{Header: []Field{{Name: "From", Value: "<im:a@b>"}, {Name: "NS", Value: "<urn:x:y>"}, {Name: "To", Value: "<im:c@d>"}}},
		{}, {Header: addressed().Header[:1]}, {Header: addressed().Header[1:]},
		{Header: addressed(make([]Field, MaxHeaders)...).Header},
		{Header: addressed().Header, Content: MIMEHeader{{"Content-Type", "a/b\r\nX: y"}}},
		{Header: addressed().Header, Content: MIMEHeader{{"Content Type", "a/b"}}},
		{Header: addressed().Header, Content: MIMEHeader{{"Content-Type", " a/b"}}},
	} {
		if _, err := m.Reader(); err == nil {
			t.Errorf("taken: %+v", m)
		}
	}
}

// TestWriterCounts writes each header that RFC 4975, section 13, lets stand once,
// once and twice, and those that may stand twice.
func TestWriterCounts(t *testing.T) {
	ns := Field{Name: "NS", Value: "i <urn:ietf:params:imdn>"}
	for _, f := range []Field{{Name: "From", Value: "<im:e@f>"}, {Name: "DateTime", Value: "2001-02-01T12:16:49Z"},
		{Name: "Subject", Value: "x"}, {Name: "Require", Value: "From"}, {Name: "i.Original-To", Value: "<im:e@f>"}} {
		m := addressed(ns, f)
		if f.Name == "From" {
			m.Header = m.Header[1:]
		}
		if _, err := m.Head(); err != nil {
			t.Errorf("%s: %v", f.Name, err)
		}
		m.Header = append(m.Header, f)
		if _, err := m.Head(); err == nil {
			t.Errorf("%s is written twice", f.Name)
		}
	}
	for _, f := range []Field{{Name: "To", Value: "<im:e@f>"}, {Name: "cc", Value: "<im:e@f>"}, {Name: "NS", Value: "x <urn:x:y>"}, {Name: "Other", Value: "x"}} {
		if _, err := addressed(f, f).Head(); err != nil {
			t.Errorf("%s: %v", f.Name, err)
		}
	}
}

func FuzzRead(f *testing.F) {
	for _, s := range []string{crlf(rfc3862Example), "Content-Type: Message/CPIM\n\nTo: <a:b>\nFrom: \"\\u0041\"<sip:a@b>\n\n\n",
		"From: <a:b>\nTo: <a:b>\nContent-Type: a/b\n\nx", "From: <a:b>\nNS: x <a:b>\nx.y:;lang=de;a=\"b\" c\nTo: a <a:b>\n\nContent-X: y\n z\n\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := Read(bytes.NewReader(b))
		if err != nil {
			return
		}
		body, err := io.ReadAll(m.Body)
		if err != nil || !bytes.HasSuffix(b, body) || len(b)-len(body) > MaxHeaderBytes {
			t.Fatalf("the body is %q, %v", body, err)
		}
		_ = m.CheckRequired()
		_ = m.Request()
		_, _ = m.Notifications()
		m.Body = bytes.NewReader(body)
		r, err := m.Reader()
		if err != nil {
			return // it keeps to the grammar, Read does not
		}
		if !m.Content.has(hdrContentType) {
			m.Content = append(MIMEHeader{{hdrContentType, defaultType}}, m.Content...)
		}
		again, err := Read(r)
		if err != nil {
			t.Fatal(err)
		}
		if rest, _ := io.ReadAll(again.Body); !bytes.Equal(rest, body) || !reflect.DeepEqual(again.Header, m.Header) || !reflect.DeepEqual(again.Content, m.Content) {
			t.Fatalf("%+v %q\n%+v %q", m, body, again, rest)
		}
	})
}

func FuzzAddress(f *testing.F) {
	f.Add("a, b", "sip:a@x", `"a\u0041" <sip:b@c>`)
	f.Fuzz(func(t *testing.T, name, uri, value string) {
		if a, err := ParseAddress(value); err == nil {
			if again, err := ParseAddress(a.String()); err != nil || again.URI != a.URI {
				t.Fatalf("%q: %+v written as %s: %v", value, a, a, err)
			}
		}
		a := Address{strings.ToValidUTF8(name, "\ufffd"), uri}
		if checkURI(uri, 0) != nil {
			return
		}
		m := &Message{}
		m.Add("From", a.String())
		m.Add("To", a.String())
		r, err := m.Reader()
		if err != nil {
			t.Fatalf("%+v: %v", a, err)
		}
		back, err := Read(r)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := back.Address(To); err != nil || got != a || len(back.Header) != 2 {
			t.Fatalf("%+v: got %+v, %v", a, got, err)
		}
	})
}
