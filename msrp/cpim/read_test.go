package cpim

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

// crlf gives text typed with LF the line ends of the wire.
func crlf(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") }

func read(t *testing.T, text string) (*Message, string) {
	t.Helper()
	m, err := Read(strings.NewReader(text))
	if err != nil {
		t.Fatalf("%v in %q", err, text)
	}
	body, err := io.ReadAll(m.Body)
	if err != nil {
		t.Fatal(err)
	}
	return m, string(body)
}

// The example of RFC 3862, section 5.1.
const rfc3862Example = `From: MR SANDERS <im:piglet@100akerwood.com>
To: Depressed Donkey <im:eeyore@100akerwood.com>
DateTime: 2000-12-13T13:40:00-08:00
Subject: the weather will be fine today
Subject:;lang=fr beau temps prevu pour aujourd'hui
NS: MyFeatures <mid:MessageFeatures@id.foo.com>
Require: MyFeatures.VitalMessageOption
MyFeatures.VitalMessageOption: Confirmation-requested
MyFeatures.WackyMessageOption: Use-silly-font

Content-type: text/xml; charset=utf-8
Content-ID: <1234567890@foo.com>

<body>
Here is the text of my message.
</body>
`

func TestExampleOfRFC3862(t *testing.T) {
	const own = "Content-type: Message/CPIM\n\n"
	for name, text := range map[string]string{
		"CRLF": crlf(own + rfc3862Example), "LF": own + rfc3862Example, "without MIME headers of its own": crlf(rfc3862Example),
	} {
		m, body := read(t, text)
		from, err1 := m.Address(From)
		to, err2 := m.Address(To)
		sent, err3 := m.Sent()
		if err := errors.Join(err1, err2, err3); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if from != (Address{"MR SANDERS", "im:piglet@100akerwood.com"}) || to != (Address{"Depressed Donkey", "im:eeyore@100akerwood.com"}) ||
			FormatDateTime(sent) != "2000-12-13T21:40:00Z" || m.Content.Get("content-id") != "<1234567890@foo.com>" ||
			m.ContentType() != "text/xml; charset=utf-8" || !strings.HasPrefix(body, "<body>") || !strings.HasSuffix(body, "</body>"+lineEnd(text)) {
			t.Errorf("%s: got %v %v %v %+v %q", name, from, to, sent, m, body)
		}
		if want := []Text{{"", "the weather will be fine today"}, {"fr", "beau temps prevu pour aujourd'hui"}}; !slices.Equal(m.Subjects(), want) {
			t.Errorf("%s: subjects are %+v", name, m.Subjects())
		}
		vital := Name{"mid:MessageFeatures@id.foo.com", "VitalMessageOption"}
		if m.Value(vital) != "Confirmation-requested" {
			t.Errorf("%s: no %v", name, vital)
		}
		var required *RequireError
		if err := m.CheckRequired(); !errors.As(err, &required) || !slices.Equal(required.Features, []string{"MyFeatures.VitalMessageOption"}) {
			t.Errorf("%s: got %v", name, err)
		}
		if err := m.CheckRequired(vital); err != nil {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func lineEnd(text string) string {
	if strings.HasSuffix(text, "\r\n") {
		return "\r\n"
	}
	return "\n"
}

// TestWhereTheBodyBegins has one case for each row of the table in the
// package's documentation, and the forms that stacks in use send.
func TestWhereTheBodyBegins(t *testing.T) {
	const head = "From: <sip:a@example.com>\r\nTo: <sip:b@example.com>\r\n"
	const note = "Note: one\r\n\r\ntwo"
	for name, tc := range map[string]struct{ text, contentType, body string }{
		"by the RFC":                       {head + "\r\nContent-Type: text/html\r\n\r\n" + note, "text/html", note},
		"a MIME version first":             {head + "\r\nMIME-Version: 1.0\r\nContent-Type: text/plain\r\n\r\n?OTRv3?", "text/plain", "?OTRv3?"},
		"a MIME version alone":             {head + "\r\nMIME-Version: 1.0\r\n\r\nhi", "text/plain", "hi"},
		"unknown MIME headers":             {head + "\r\nContent-Wobble: x\r\nX-Y: z\r\ncontent-TYPE: a/b\r\n\r\nhi", "a/b", "hi"},
		"folded MIME headers":              {head + "\r\nContent-Type: text/html;\r\n\tcharset=utf-8\r\n\r\nhi", "text/html; charset=utf-8", "hi"},
		"no MIME headers":                  {head + "\r\n\r\nhi", "text/plain", "hi"},
		"MIME headers missing":             {head + "\r\n" + note, "text/plain", note},
		"MIME headers missing, no newline": {head + "\r\nhi", "text/plain", "hi"},
		"MIME headers missing, no colon":   {head + "\r\nhi\r\n\r\nho", "text/plain", "hi\r\n\r\nho"},
		"MIME headers missing, indented":   {head + "\r\n hi: x\r\n\r\nho", "text/plain", " hi: x\r\n\r\nho"},
		"MIME headers missing, binary":     {head + "\r\n\x00\xff: x\r\n\r\nho", "text/plain", "\x00\xff: x\r\n\r\nho"},
		"MIME headers missing, long":       {head + "\r\n" + strings.Repeat("a: b\r\n", 5000), "text/plain", strings.Repeat("a: b\r\n", 5000)},
		"MIME headers missing, long line":  {head + "\r\n" + strings.Repeat("a:", 50000), "text/plain", strings.Repeat("a:", 50000)},
		"nothing":                          {head + "\r\n", "text/plain", ""},
		"in one block":                     {head + "Content-Type: text/plain\r\n\r\n" + note, "text/plain", note},
		"in one block, other order":        {"Content-Type: text/html\r\n" + head + "\r\n" + note, "text/html", note},
		"in one block, like MIME":          {head + "Content-Type: a/b\r\n\r\nContent-Type: c/d\r\n\r\nx", "a/b", "Content-Type: c/d\r\n\r\nx"},
		"in one block, nested":             {head + "Content-Type: message/cpim\r\n\r\n" + head + "\r\n", "message/cpim", head + "\r\n"},
		"in one block, type later":         {head + "MIME-Version: 1.0\r\nContent-Length: 2\r\n\r\nContent-Type: a/b\r\n\r\nhi", "a/b", "hi"},
		"in one block, no type":            {head + "Content-Length: 15\r\n\r\n" + note, "text/plain", note},
		"version among message headers":    {"MIME-Version: 1.0\r\n" + head + "\r\nContent-Type: a/b\r\n\r\nhi", "a/b", "hi"},
		"MIME headers of its own":          {"MIME-Version: 1.0\r\nContent-Type: Message/CPIM\r\n\r\n" + head + "\r\nContent-Type: a/b\r\n\r\nhi", "a/b", "hi"},
		"its own, no blank line":           {"Content-Type: Message/CPIM\r\n" + head + "\r\nContent-Type: a/b\r\n\r\nhi", "a/b", "hi"},
		"its own, one block":               {"Content-Type: Message/CPIM\r\n\r\n" + head + "Content-Type: a/b\r\n\r\n" + note, "a/b", note},
		"LF":                               {strings.ReplaceAll(head+"\r\nContent-Type: a/b\r\n\r\n", "\r\n", "\n") + note, "a/b", note},
	} {
		m, body := read(t, tc.text)
		from, err1 := m.Address(From)
		to, err2 := m.Address(To)
		if err := errors.Join(err1, err2); err != nil || from.URI != "sip:a@example.com" || to.URI != "sip:b@example.com" {
			t.Errorf("%s: from %v to %v: %v", name, from, to, err)
		}
		if m.ContentType() != tc.contentType || body != tc.body {
			t.Errorf("%s: got %s %q", name, m.ContentType(), body)
		}
		slow, err := Read(iotest.OneByteReader(strings.NewReader(tc.text)))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if b, err := io.ReadAll(slow.Body); err != nil || string(b) != tc.body {
			t.Errorf("%s: byte by byte: %q %v", name, b, err)
		}
	}
}

// TestFormsOfRealClients reads what was on the wire, or how a client is known to
// write.
func TestFormsOfRealClients(t *testing.T) {
	for name, tc := range map[string]struct {
		text       string
		from, to   Address
		sent, body string
	}{
		"RFC 4975, 11.4": {"To: Bob <sip:bob@example.com>\nFrom: Alice <sip:alice@example.com>\nDateTime: 2006-05-15T15:02:31-03:00\n" +
			"Content-Type: text/plain\n\nABCD1234567890",
			Address{"Alice", "sip:alice@example.com"}, Address{"Bob", "sip:bob@example.com"}, "2006-05-15T18:02:31Z", "ABCD1234567890"},
		"sipsimple": {"From: <sip:bob@example.com>\nTo: <sip:alice@example.com>\nDateTime: 2026-11-27T04:57:38.447874+00:00\n\n" +
			"MIME-Version: 1.0\nContent-Type: text/plain\n\nhi",
			Address{"", "sip:bob@example.com"}, Address{"", "sip:alice@example.com"}, "2026-11-27T04:57:38Z", "hi"},
		"a name in quotes": {"From: \"Alice W\" <sip:alice@example.com>\nTo: \"B <3 \\\"b\\\"\" <sip:bob@example.com>\nDateTime: 2013-07-30T19:30:15.123+02:00\n\n" +
			"Content-Type: text/html\n\nhi",
			Address{"Alice W", "sip:alice@example.com"}, Address{`B <3 "b"`, "sip:bob@example.com"}, "2013-07-30T17:30:15Z", "hi"},
		"RCS": {"From: <sip:anonymous@anonymous.invalid>\nTo: <sip:anonymous@anonymous.invalid>\nNS: imdn <urn:ietf:params:imdn>\n" +
			"imdn.Message-ID: Msg==/9+a\nDateTime: 2020-02-29T23:59:59Z\nimdn.Disposition-Notification: positive-delivery, display\n\n" +
			"Content-type: text/plain;charset=UTF-8\nContent-length: 2\n\nhi",
			Address{"", "sip:anonymous@anonymous.invalid"}, Address{"", "sip:anonymous@anonymous.invalid"}, "2020-02-29T23:59:59Z", "hi"},
		"RFC 7701, 9.3": {"To: <sip:chatroom22@chat.example.com;transport=tcp>\nFrom: <sip:alice@atlanta.example.com>\nDateTime: 2009-03-02T15:02:31-03:00\n" +
			"Content-Type: text/plain\n\nhi",
			Address{"", "sip:alice@atlanta.example.com"}, Address{"", "sip:chatroom22@chat.example.com;transport=tcp"}, "2009-03-02T18:02:31Z", "hi"},
	} {
		m, body := read(t, crlf(tc.text))
		from, err1 := m.Address(From)
		to, err2 := m.Address(To)
		sent, err3 := m.Sent()
		if err := errors.Join(err1, err2, err3); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if from != tc.from || to != tc.to || FormatDateTime(sent) != tc.sent || body != tc.body {
			t.Errorf("%s: got %+v %+v %s %q", name, from, to, FormatDateTime(sent), body)
		}
	}
}

func TestReadRefuses(t *testing.T) {
	const head = "From: <sip:a@example.com>\r\nTo: <sip:b@example.com>\r\n"
	for name, tc := range map[string]struct {
		text   string
		offset int // -1: not a *SyntaxError
	}{
		"empty":              {"", -1},
		"a blank line first": {"\r\n" + head, 0},
		"cut in a name":      {"Fro", -1},
		"cut in a line":      {head, -1},
		"cut in a MIME line": {head + "\r\nContent-Type: a/b", -1},
		"cut in MIME":        {head + "\r\nContent-Type: a/b\r\n", -1},
		"no colon":           {head + "hello\r\n\r\n", 52},
		"a blank in a name":  {head + "Da te: x\r\n\r\n", 52},
		"a separator":        {head + "Da(te: x\r\n\r\n", 52},
		"an empty prefix":    {head + ".x: y\r\n\r\n", 52},
		"an empty name":      {head + "x.: y\r\n\r\n", 52},
		"a control":          {head + "X: a\x00b\r\n\r\n", 56},
		"CR inside":          {head + "X: a\rb\r\n\r\n", 56},
		"not UTF-8":          {head + "X: a\xe4b\r\n\r\n", 56},
		"folded at once":     {" " + head + "\r\n", 0},
		"MIME only":          {"Content-Type: text/plain\r\n\r\nhi", 0},
		"nothing inside":     {"Content-Type: message/cpim\r\n\r\nContent-Type: text/plain\r\n\r\nhi", 0},
		"MIME, no colon":     {head + "\r\nContent-Type: a/b\r\nhello\r\n\r\n", 73},
		"a control in MIME":  {head + "\r\nContent-Type: a/b\r\nX: a\x00b\r\n\r\n", 77},
		"long":               {head + "X: " + strings.Repeat("x", MaxHeaderBytes) + "\r\n\r\n", 52},
		"long line":          {strings.Repeat("x", 1<<20), 0},
		"long MIME":          {head + "\r\nContent-Type: " + strings.Repeat("x", MaxHeaderBytes), 54},
		"many":               {head + strings.Repeat("X: y\r\n", MaxHeaders) + "\r\n", 52 + 6*(MaxHeaders-2)},
	} {
		m, err := Read(strings.NewReader(tc.text))
		if err == nil {
			t.Errorf("%s: taken: %+v", name, m)
			continue
		}
		var syntax *SyntaxError
		if is := errors.As(err, &syntax); is != (tc.offset >= 0) || is && syntax.Offset != tc.offset {
			t.Errorf("%s: got %v", name, err)
		}
		if tc.offset < 0 && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	broken := errors.New("broken")
	for _, text := range []string{"", head, head + "\r\n", head + "\r\nhello"} {
		if _, err := Read(io.MultiReader(strings.NewReader(text), iotest.ErrReader(broken))); !errors.Is(err, broken) {
			t.Errorf("%q: got %v", text, err)
		}
	}
}

// TestRecognises reads each header that RFC 4975, section 13, wants recognised,
// each alone and with nothing else to read it from.
func TestRecognises(t *testing.T) {
	message := func(header string) *Message {
		m, _ := read(t, header+"\r\n\r\nContent-Type: text/plain\r\n\r\n")
		return m
	}
	want := Address{"A B", "sip:a@example.com"}
	for header, name := range map[string]Name{"From": From, "To": To, "cc": CC, "CC": CC} {
		if got, err := message(header + ": A B <sip:a@example.com>").Address(name); err != nil || got != want {
			t.Errorf("%s: got %+v, %v", header, got, err)
		}
		for _, other := range understood {
			if other != name && message(header+": <sip:a@example.com>").Value(other) != "" {
				t.Errorf("%s is taken for %s", header, other.Local)
			}
		}
	}
	if got, err := message("DateTime: 2001-02-01T12:16:49-05:00").Sent(); err != nil || FormatDateTime(got) != "2001-02-01T17:16:49Z" {
		t.Errorf("DateTime: got %v, %v", got, err)
	}
	if got := message("Subject:;lang=en Eeyore's feeling very depressed today").Subjects(); len(got) != 1 || got[0] != (Text{"en", "Eeyore's feeling very depressed today"}) {
		t.Errorf("Subject: got %+v", got)
	}
	var required *RequireError
	if err := message("Require: MyAlias.VitalHeader").CheckRequired(); !errors.As(err, &required) || required.Features[0] != "MyAlias.VitalHeader" {
		t.Errorf("Require: got %v", err)
	}
	if got := message("NS: x <urn:y:z>\r\nx.From: v").Value(Name{"urn:y:z", "From"}); got != "v" {
		t.Errorf("NS: got %q", got)
	}
	for _, header := range []string{"from", "FROM", "Datetime", "x.From", "require", "ns"} {
		m := message(header + ": <sip:a@example.com>")
		for _, n := range understood {
			if got := m.Value(n); got != "" {
				t.Errorf("%s is taken for %s", header, n.Local)
			}
		}
	}
}

func TestSeveralRecipients(t *testing.T) {
	m, _ := read(t, "From: <sip:a@x>\r\nTo: B <sip:b@x>\r\ncc: <sip:c@x>\r\nTo: \"D, E\" <sip:d@x>\r\nCC: <sip:f@x>\r\nTo: nobody\r\n\r\n\r\n")
	if got := m.Addresses(To); !slices.Equal(got, []Address{{"B", "sip:b@x"}, {"D, E", "sip:d@x"}}) {
		t.Errorf("To: %+v", got)
	}
	if got := m.Addresses(CC); !slices.Equal(got, []Address{{"", "sip:c@x"}, {"", "sip:f@x"}}) {
		t.Errorf("cc: %+v", got)
	}
}

func TestNamespaces(t *testing.T) {
	const imdn = "<urn:ietf:params:imdn>"
	for name, tc := range map[string]struct{ text, want string }{
		"declared":                  {"NS: d " + imdn + "\nd.Message-ID: 1", "1"},
		"no blank":                  {"NS: d" + imdn + "\nd.Message-ID: 1", "1"},
		"declared too late":         {"d.Message-ID: 1\nNS: d " + imdn, ""},
		"as the default":            {"NS: " + imdn + "\nMessage-ID: 1", "1"},
		"default too late":          {"Message-ID: 1\nNS: " + imdn, ""},
		"default, prefix":           {"NS: " + imdn + "\nimdn.Message-ID: 1", ""},
		"no default":                {"NS: d " + imdn + "\nMessage-ID: 1", ""},
		"another prefix":            {"NS: d " + imdn + "\nimdn.Message-ID: 1", ""},
		"two prefixes":              {"NS: d " + imdn + "\nNS: e " + imdn + "\nd.Message-ID: 1\ne.Message-ID: 2", "1"},
		"prefix declared again":     {"NS: d " + imdn + "\nNS: d <urn:x:y>\nd.Message-ID: 1", ""},
		"then back":                 {"NS: d <urn:x:y>\nd.Message-ID: 1\nNS: d " + imdn + "\nd.Message-ID: 2", "2"},
		"prefixes differ in case":   {"NS: D " + imdn + "\nd.Message-ID: 1", ""},
		"names differ in case":      {"NS: d " + imdn + "\nd.message-id: 1", ""},
		"the usual prefix, implied": {"imdn.Message-ID: 1", "1"},
		"the usual prefix, other":   {"NS: imdn <urn:x:y>\nimdn.Message-ID: 1", ""},
		"no URI":                    {"NS: d urn:ietf:params:imdn\nd.Message-ID: 1", ""},
		"a fragment":                {"NS: d <urn:ietf:params:imdn#x>\nd.Message-ID: 1", ""},
		"longer":                    {"NS: d <urn:ietf:params:imdn:x>\nd.Message-ID: 1", ""},
		"two dots":                  {"NS: d " + imdn + "\nNS: d.e " + imdn + "\nd.Message-ID: 1", "1"},
	} {
		m, _ := read(t, crlf(tc.text+"\n\n\n"))
		if got := m.Value(MessageID); got != tc.want {
			t.Errorf("%s: got %q, want %q", name, got, tc.want)
		}
	}
	// An explicit default namespace takes all names without a prefix.
	m, _ := read(t, crlf("From: <sip:a@x>\nNS: <urn:x:y>\nTo: <sip:b@x>\nNS: c <urn:ietf:params:cpim-headers:>\nc.cc: <sip:c@x>\n\n\n"))
	if m.Value(From) == "" || m.Value(To) != "" || m.Value(Name{"urn:x:y", "To"}) == "" || m.Value(CC) != "<sip:c@x>" {
		t.Errorf("got %+v", m)
	}
}

func TestRequire(t *testing.T) {
	const head = "From: <sip:a@x>\nTo: <sip:b@x>\nNS: f <urn:x:f>\nNS: imdn <urn:ietf:params:imdn>\n"
	locale := Name{"urn:x:f", "MustRenderKanji"}
	for text, want := range map[string]string{
		"":                                    "",
		"Require: From,To, cc":                "",
		"Require: imdn.Message-ID":            "",
		"Require: f.MustRenderKanji":          "f.MustRenderKanji",
		"Require: From, f.A ,f.B":             "f.A f.B",
		"Require: From\nRequire: f.A":         "f.A",
		"Require: g.A\nNS: g <urn:x:f>":       "g.A",
		"Require: Unheard":                    "Unheard",
		"Require: from":                       "from",
		"Require: ":                           "",
		"X: y\nRequire:  f.A":                 "f.A",
		"NS: From <urn:x:f>\nRequire: From.x": "From.x",
	} {
		m, _ := read(t, crlf(head+text+"\n\n\n"))
		err := m.CheckRequired()
		var required *RequireError
		switch {
		case want == "" && err == nil:
		case !errors.As(err, &required) || strings.Join(required.Features, " ") != want:
			t.Errorf("%q: got %v", text, err)
		}
	}
	m, _ := read(t, crlf(head+"NS: g <urn:x:f>\nRequire: g.MustRenderKanji\n\n\n"))
	if err := m.CheckRequired(locale); err != nil {
		t.Error(err)
	}
}

func TestDateTime(t *testing.T) {
	for value, want := range map[string]string{
		"2001-02-01T12:16:49-05:00":        "2001-02-01T17:16:49Z",
		"2001-02-01T12:16:49Z":             "2001-02-01T12:16:49Z",
		"2001-02-01t12:16:49z":             "2001-02-01T12:16:49Z",
		"2001-02-01T12:16:49.5Z":           "2001-02-01T12:16:49Z",
		"2026-11-27T04:57:38.447874+00:00": "2026-11-27T04:57:38Z",
		"1990-12-31T23:59:60Z":             "1991-01-01T00:00:00Z",
		"1990-12-31T15:59:60.25-08:00":     "1991-01-01T00:00:00Z",
		"2001-02-01":                       "",
		"2001-02-30T12:16:49Z":             "",
		"2001-02-01T12:16:49":              "",
		"Thu, 01 Feb 2001 12:16:49 GMT":    "",
		"":                                 "",
	} {
		m := &Message{}
		m.Add("DateTime", value)
		got, err := m.Sent()
		var syntax *SyntaxError
		if want == "" {
			if !errors.As(err, &syntax) {
				t.Errorf("%q: got %v, %v", value, got, err)
			}
		} else if err != nil || FormatDateTime(got) != want {
			t.Errorf("%q: got %v, %v", value, got, err)
		}
	}
	if _, err := (&Message{}).Sent(); !errors.Is(err, ErrNoHeader) {
		t.Errorf("got %v", err)
	}
}

func TestCharsetAndEncoding(t *testing.T) {
	const head = "From: <sip:a@x>\r\nTo: <sip:b@x>\r\n\r\n"
	for text, want := range map[string]string{
		"Content-Type: text/plain; charset=ISO-8859-1\r\n\r\nhi":                                       "iso-8859-1 hi",
		"Content-Type: text/plain; charset=\"utf8\"\r\n\r\nhi":                                         "utf8 hi",
		"Content-Type: text/plain\r\n\r\nhi":                                                           "utf-8 hi",
		"Content-Type: ;;\r\n\r\nhi":                                                                   "utf-8 hi",
		"Content-Type: text/plain\r\nContent-Transfer-Encoding: BASE64\r\n\r\naGk=\r\n":                "utf-8 hi",
		"Content-Type: text/plain\r\nContent-Transfer-Encoding: quoted-printable \r\n\r\n=68i":         "utf-8 hi",
		"Content-Type: text/plain\r\nContent-Transfer-Encoding: binary\r\nContent-Length: 1\r\n\r\nhi": "utf-8 hi",
	} {
		m, err := Read(strings.NewReader(head + text))
		if err != nil {
			t.Fatal(err)
		}
		r, err := m.Decoded()
		if err != nil {
			t.Fatal(err)
		}
		if b, err := io.ReadAll(r); err != nil || m.Charset()+" "+string(b) != want {
			t.Errorf("%q: got %s %q %v", text, m.Charset(), b, err)
		}
	}
	m := &Message{Content: MIMEHeader{{"Content-Transfer-Encoding", "x-uue"}}}
	if _, err := m.Decoded(); err == nil {
		t.Error("x-uue is taken")
	}
}
