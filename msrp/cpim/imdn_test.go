package cpim

import (
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

var testTime = time.Date(2026, 11, 27, 8, 0, 0, 0, time.UTC)

// The examples of RFC 5438: what the sender asks (7.1.1.3), and the notifications
// of delivery (7.2.1.1), display (7.2.1.2) and processing (8.1).
const (
	rfc5438Request = `From: Alice <im:alice@example.com>
To: Bob <im:bob@example.com>
NS: imdn <urn:ietf:params:imdn>
imdn.Message-ID: 34jk324j
DateTime: 2006-04-04T12:16:49-05:00
imdn.Disposition-Notification: positive-delivery, negative-delivery
Content-type: text/plain
Content-length: 12

Hello World
`
	rfc5438Delivery = `From: Bob <im:bob@example.com>
To: Alice <im:alice@example.com>
NS: imdn <urn:ietf:params:imdn>
imdn.Message-ID: d834jied93rf

Content-type: message/imdn+xml
Content-Disposition: notification
Content-length: ...

`
	rfc5438Display = `From: Bob <im:bob@example.com>
To: Alice <im:alice@example.com>
NS: imdn <urn:ietf:params:imdn>
imdn.Message-ID: dfjkleriou432333

Content-type: message/imdn+xml
Content-Disposition: notification
Content-length: ...

`
	rfc5438Processing = `Content-type: Message/CPIM

From: Bob <im:bob@example.com>
To: Alice <im:alice@example.com>
Content-type: message/imdn+xml
Content-Disposition: notification
Content-length: ...

`
)

func rfc5438Document(kind, status string) string {
	return `<?xml version="1.0" encoding="UTF-8"?>
<imdn xmlns="urn:ietf:params:xml:ns:imdn">
      <message-id>34jk324j</message-id>
      <datetime>2008-04-04T12:16:49-05:00</datetime>
     <recipient-uri>im:bob@example.com</recipient-uri>
      <original-recipient-uri
         >im:bob@example.com</original-recipient-uri>
      <` + kind + `-notification>
         <status>
            <` + status + `/>
         </status>
      </` + kind + `-notification>
    </imdn>
`
}

func TestExamplesOfRFC5438(t *testing.T) {
	m, body := read(t, crlf(rfc5438Request))
	r := m.Request()
	if r == nil || r.MessageID != "34jk324j" || r.DateTime != "2006-04-04T12:16:49-05:00" || r.From != (Address{"Alice", "im:alice@example.com"}) ||
		r.To != (Address{"Bob", "im:bob@example.com"}) || !slices.Equal(r.Wants, []Disposition{PositiveDelivery, NegativeDelivery}) || body != "Hello World\r\n" {
		t.Errorf("got %+v %q", r, body)
	}
	for _, tc := range []struct {
		head   string
		kind   Kind
		status Status
	}{{rfc5438Delivery, KindDelivery, Delivered}, {rfc5438Display, KindDisplay, Displayed}, {rfc5438Processing, KindProcessing, Processed}} {
		m, err := Read(strings.NewReader(crlf(tc.head + rfc5438Document(string(tc.kind), string(tc.status)))))
		if err != nil {
			t.Fatal(err)
		}
		if !m.IsNotification() || m.Request() != nil {
			t.Errorf("%s: is no notification", tc.kind)
		}
		all, err := m.Notifications()
		want := &Notification{MessageID: "34jk324j", DateTime: "2008-04-04T12:16:49-05:00", Recipient: "im:bob@example.com",
			OriginalRecipient: "im:bob@example.com", Kind: tc.kind, Status: tc.status}
		if err != nil || len(all) != 1 || !reflect.DeepEqual(all[0], want) {
			t.Errorf("%s: got %+v, %v", tc.kind, all, err)
		}
	}
}

// TestAggregated reads the example of RFC 5438, section 8.3, which does not end
// as multipart bodies do, and one that does.
func TestAggregated(t *testing.T) {
	text := `From: Bob <im:bob@example.com>
To: Alice <im:alice@example.com>
NS: imdn <urn:ietf:params:imdn>
imdn.Message-ID: d834jied93rf

Content-type: multipart/mixed;
                   boundary="imdn-boundary"
Content-Disposition: notification
Content-length: ...

--imdn-boundary
Content-type: message/imdn+xml

` + rfc5438Document("delivery", "delivered") + `
--imdn-boundary
Content-type: message/imdn+xml

` + rfc5438Document("display", "displayed") + `
--imdn-boundary`
	for _, end := range []string{"", "\n", "--\n", "\nContent-Type: text/plain\n\nhi\n--imdn-boundary--"} {
		m, err := Read(strings.NewReader(crlf(text + end)))
		if err != nil {
			t.Fatal(err)
		}
		all, err := m.Notifications()
		if err != nil || len(all) != 2 || all[0].Status != Delivered || all[1].Status != Displayed || !m.IsNotification() {
			t.Errorf("%q: got %+v, %v", end, all, err)
		}
	}
	part := "\r\n--b\r\nContent-Type: message/imdn+xml\r\n\r\n" + rfc5438Document("delivery", "delivered")
	for name, body := range map[string]string{
		"not well-formed": "--b\r\nContent-Type: message/imdn+xml\r\n\r\n<imdn>\r\n--b--", "cut": "--b\r\nContent-Type: mess", "empty": "",
		"encoding": "--b\r\nContent-Type: message/imdn+xml\r\nContent-Transfer-Encoding: x\r\n\r\nx\r\n--b--",
		"too many": strings.Repeat(part, MaxNotifications+1) + "\r\n--b--",
	} {
		m := &Message{Content: MIMEHeader{{"Content-Type", "multipart/mixed; boundary=b"}}, Body: strings.NewReader(body)}
		if all, err := m.Notifications(); err == nil {
			t.Errorf("%s: got %d", name, len(all))
		}
	}
}

// asking is the head of a message that asks for notifications.
func asking(headers string) string {
	return "From: \"Alice, W\"<sip:alice@example.com>\nTo: <sip:bob@example.com>\nNS: d <urn:ietf:params:imdn>\n" + headers + "\n\nContent-Type: text/plain\n\nhi"
}

func TestRequestIsRead(t *testing.T) {
	for text, want := range map[string]string{
		asking("d.Message-ID: 1\nd.Disposition-Notification: positive-delivery, display,processing ,  negative-delivery"): "positive-delivery display processing negative-delivery",
		asking("d.Message-ID: 1\nd.Disposition-Notification: display;x=\"a,processing\";y , processing"):                  "display processing",
		asking("d.Message-ID: 1\nd.Disposition-Notification: display\nd.Disposition-Notification: processing, display"):   "display processing",
		asking("d.Message-ID: 1\nd.Disposition-Notification: Display, PROCESSING, displayed, x"):                          "",
		asking("d.Message-ID: 1\nd.Disposition-Notification: "):                                                           "",
		asking("d.Message-ID: 1"):                                                                       "",
		asking("d.Disposition-Notification: processing"):                                                "",
		asking("e.Message-ID: 1\nd.Disposition-Notification: processing"):                               "",
		asking("d.Message-ID: 1\nd.Disposition-Notification: processing\nd.IMDN-Record-Route: nowhere"): "",
		strings.Replace(asking("d.Message-ID: 1\nd.Disposition-Notification: display"), "sip:alice@example.com", "sip:anonymous@example.com", 1):        "display",
		strings.Replace(asking("d.Message-ID: 1\nd.Disposition-Notification: display"), "sip:alice@example.com", "alice", 1):                            "",
		strings.Replace(asking("d.Message-ID: 1\nd.Disposition-Notification: display"), "To:", "cc:", 1):                                                "",
		strings.Replace(asking("d.Message-ID: 1\nd.Disposition-Notification: display"), "text/plain", "message/IMDN+xml", 1):                            "",
		strings.Replace(asking("d.Message-ID: 1\nd.Disposition-Notification: display"), "text/plain", "application/im-iscomposing+xml", 1):              "",
		strings.Replace(asking("d.Message-ID: 1\nd.Disposition-Notification: display"), "text/plain", "a/b\nContent-Disposition: Notification ;x=y", 1): "",
	} {
		m, _ := read(t, crlf(text))
		r := m.Request()
		got := ""
		if r != nil {
			for _, w := range r.Wants {
				got += " " + string(w)
			}
			got = got[1:]
			if r.From.Name != "Alice, W" {
				t.Errorf("from %+v", r.From)
			}
		}
		if got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
		for _, d := range []Disposition{PositiveDelivery, NegativeDelivery, Processing, Display} {
			if r.Asks(d) != slices.Contains(strings.Fields(want), string(d)) {
				t.Errorf("%q: %s", text, d)
			}
		}
	}
}

// TestReply checks each header of a notification, and its document.
func TestReply(t *testing.T) {
	m, _ := read(t, crlf(asking("DateTime: 2026-01-02T03:04:05+01:00\nd.Message-ID: <&>\nd.Disposition-Notification: processing, positive-delivery\n"+
		"d.Original-To: L <sip:list@example.com>\nd.IMDN-Record-Route: <sip:one@example.com;lr>\nd.IMDN-Record-Route: \"T,wo\" <sip:two@example.com>")))
	reply, err := m.Request().Reply(KindProcessing, Stored, testTime)
	if err != nil {
		t.Fatal(err)
	}
	r, err := reply.Reader()
	if err != nil {
		t.Fatal(err)
	}
	b, _ := io.ReadAll(r)
	back, body := read(t, string(b))
	id := back.Value(MessageID)
	want := "From: <sip:bob@example.com>\r\nTo: \"Alice, W\"<sip:alice@example.com>\r\nDateTime: 2026-11-27T08:00:00Z\r\nNS: imdn <urn:ietf:params:imdn>\r\n" +
		"imdn.Message-ID: " + id + "\r\nimdn.IMDN-Route: <sip:one@example.com;lr>\r\nimdn.IMDN-Route: \"T,wo\"<sip:two@example.com>\r\n\r\n" +
		"Content-Type: message/imdn+xml\r\nContent-Disposition: notification\r\nContent-Length: " + fmt.Sprint(len(body)) + "\r\n\r\n" +
		`<?xml version="1.0" encoding="UTF-8"?>` + "\n" + `<imdn xmlns="urn:ietf:params:xml:ns:imdn"><message-id>&lt;&amp;&gt;</message-id>` +
		`<datetime>2026-01-02T03:04:05+01:00</datetime><recipient-uri>sip:bob@example.com</recipient-uri>` +
		`<original-recipient-uri>sip:list@example.com</original-recipient-uri>` +
		`<processing-notification><status><stored/></status></processing-notification></imdn>`
	if string(b) != want {
		t.Errorf("got %q\nwant %q", b, want)
	}
	if !isToken(id) || len(id) < 13 || id == "<&>" { // 64 bits in base 32
		t.Errorf("its own Message-ID is %q", id)
	}
	if next, err := back.Next(); err != nil || next.URI != "sip:one@example.com;lr" {
		t.Errorf("goes to %v, %v", next, err)
	}
	back.Header = back.Header[:2]
	if next, err := back.Next(); err != nil || next.URI != "sip:alice@example.com" {
		t.Errorf("goes to %v, %v", next, err)
	}
}

// TestReplyOncePerKind makes notifications of several kinds, each once, and none
// that was not asked for.
func TestReplyOncePerKind(t *testing.T) {
	all := []struct {
		kind   Kind
		status Status
		asked  Disposition // "" is either kind of delivery
	}{
		{KindDelivery, Delivered, PositiveDelivery}, {KindDelivery, Failed, NegativeDelivery}, {KindDelivery, Forbidden, ""}, {KindDelivery, Failure, ""},
		{KindProcessing, Processed, Processing}, {KindProcessing, Stored, Processing}, {KindProcessing, Forbidden, Processing},
		{KindDisplay, Displayed, Display}, {KindDisplay, Failure, Display},
	}
	for _, asked := range []Disposition{PositiveDelivery, NegativeDelivery, Processing, Display} {
		for _, tc := range all {
			m, _ := read(t, crlf(asking("d.Message-ID: 1\nd.Disposition-Notification: "+string(asked))))
			_, err := m.Request().Reply(tc.kind, tc.status, testTime)
			want := tc.asked == asked || tc.asked == "" && (asked == PositiveDelivery || asked == NegativeDelivery)
			if (err == nil) != want || !want && !errors.Is(err, ErrNotAsked) {
				t.Errorf("asked for %s: %s %s: %v", asked, tc.kind, tc.status, err)
			}
		}
	}
	m, _ := read(t, crlf(asking("d.Message-ID: 1\nd.Disposition-Notification: positive-delivery,negative-delivery,processing,display")))
	r := m.Request()
	ids := map[string]bool{}
	for _, tc := range all {
		reply, err := r.Reply(tc.kind, tc.status, testTime)
		if first := tc.status == Delivered || tc.status == Processed || tc.status == Displayed; first {
			if err != nil {
				t.Fatalf("%s %s: %v", tc.kind, tc.status, err)
			}
			ids[reply.Value(MessageID)] = true
			b, _ := io.ReadAll(reply.Body)
			if !strings.Contains(string(b), "<datetime>2026-11-27T08:00:00Z</datetime>") { // the message has none
				t.Errorf("got %s", b)
			}
		} else if !errors.Is(err, ErrTold) {
			t.Errorf("%s %s after another: %v", tc.kind, tc.status, err)
		}
	}
	if len(ids) != 3 {
		t.Errorf("ids are %v", ids)
	}
	m, _ = read(t, crlf(strings.Replace(asking("d.Message-ID: 1\nd.Disposition-Notification: display"), "sip:alice@example.com", "sip:anonymous@anonymous.invalid", 1)))
	if reply, err := m.Request().Reply(KindDisplay, Displayed, testTime); !errors.Is(err, ErrAnonymous) {
		t.Errorf("an anonymous sender: %+v, %v", reply, err)
	}
	m, _ = read(t, crlf(asking("d.Message-ID: 1\nd.Disposition-Notification: display")))
	if reply, err := m.Request().Reply(KindDisplay, Delivered, testTime); err == nil {
		t.Errorf("displayed is told as %+v", reply)
	}
}

func TestAsk(t *testing.T) {
	ids := map[string]bool{}
	for range 100 {
		m := addressed()
		id, err := m.Ask(testTime, PositiveDelivery, Display)
		if err != nil {
			t.Fatal(err)
		}
		r, err := m.Reader()
		if err != nil {
			t.Fatal(err)
		}
		b, _ := io.ReadAll(r)
		back, _ := read(t, string(b))
		got := back.Request()
		if got == nil || got.MessageID != id || got.DateTime != "2026-11-27T08:00:00Z" || !slices.Equal(got.Wants, []Disposition{PositiveDelivery, Display}) {
			t.Fatalf("got %+v", got)
		}
		ids[id] = true
	}
	if len(ids) != 100 {
		t.Errorf("%d ids of 100", len(ids))
	}
	m := addressed(Field{Name: "DateTime", Value: "2001-02-01T12:16:49Z"})
	if _, err := m.Ask(testTime, Display); err != nil || len(m.Fields(DateTime)) != 1 || m.Value(DateTime) != "2001-02-01T12:16:49Z" {
		t.Errorf("%+v, %v", m, err)
	}
	if _, err := addressed().Ask(testTime, "a, b"); err == nil {
		t.Error("no token is taken")
	}
	m = addressed()
	m.Content = MIMEHeader{{"Content-Type", "message/imdn+xml"}}
	if _, err := m.Ask(testTime, Display); err == nil {
		t.Error("a notification asks for one")
	}
}

func TestReadNotification(t *testing.T) {
	const open, shut = `<imdn xmlns="urn:ietf:params:xml:ns:imdn">`, `</imdn>`
	const id = `<message-id>1</message-id><datetime>2008-04-04T12:16:49-05:00</datetime>`
	const delivered = `<delivery-notification><status><delivered/></status></delivery-notification>`
	for name, tc := range map[string]struct {
		text   string
		kind   Kind
		status Status
	}{
		"BOM":                 {"\ufeff" + open + id + delivered + shut, KindDelivery, Delivered},
		"a prefix":            {`<i:imdn xmlns:i="urn:ietf:params:xml:ns:imdn" xmlns="urn:x"><i:message-id>1</i:message-id><i:display-notification><i:status><displayed/><i:error/></i:status></i:display-notification></i:imdn>`, KindDisplay, Failure},
		"foreign elements":    {open + id + `<x:message-id xmlns:x="urn:x">2</x:message-id><x:display-notification xmlns:x="urn:x"/><message-id xmlns="">3</message-id>` + delivered + shut, KindDelivery, Delivered},
		"foreign status":      {open + id + `<processing-notification><x:status xmlns:x="urn:x"/><status><x:stored xmlns:x="urn:x"/></status></processing-notification>` + shut, KindProcessing, ""},
		"status of no kind":   {open + id + `<display-notification><status><delivered/></status></display-notification>` + shut, KindDisplay, ""},
		"extension of status": {open + id + `<display-notification><status><displayed/><x:y xmlns:x="urn:x">text</x:y></status></display-notification>` + shut, KindDisplay, Displayed},
		"none":                {open + id + shut, "", ""},
		"unknown kind":        {open + id + `<smell-notification><status/></smell-notification>` + shut, "", ""},
		"blanks":              {open + "<message-id>\n 1\n</message-id>" + `<delivery-notification><status><failed></failed></status></delivery-notification>` + shut, KindDelivery, Failed},
		"forbidden":           {open + id + `<processing-notification><status><forbidden/></status></processing-notification>` + shut, KindProcessing, Forbidden},
		"CDATA":               {open + "<message-id><![CDATA[1]]></message-id>" + delivered + shut, KindDelivery, Delivered},
	} {
		n, err := ReadNotification(strings.NewReader(tc.text))
		if err != nil || n.MessageID != "1" || n.Kind != tc.kind || n.Status != tc.status {
			t.Errorf("%s: got %+v, %v", name, n, err)
		}
	}
	for name, text := range map[string]string{
		"empty":              "",
		"no namespace":       "<imdn>" + id + delivered + shut,
		"another namespace":  `<imdn xmlns="urn:ietf:params:xml:ns:imdn2">` + id + delivered + shut,
		"another root":       `<imdm xmlns="urn:ietf:params:xml:ns:imdn">` + id + delivered + "</imdm>",
		"no message-id":      open + delivered + shut,
		"empty message-id":   open + "<message-id> </message-id>" + delivered + shut,
		"foreign message-id": open + `<x:message-id xmlns:x="urn:x">1</x:message-id>` + delivered + shut,
		"two message-ids":    open + id + "<message-id>2</message-id>" + delivered + shut,
		"two notifications":  open + id + delivered + `<display-notification><status><displayed/></status></display-notification>` + shut,
		"two statuses":       open + id + `<delivery-notification><status><delivered/></status><status><failed/></status></delivery-notification>` + shut,
		"two values":         open + id + `<delivery-notification><status><delivered/><failed/></status></delivery-notification>` + shut,
		"no status":          open + id + `<delivery-notification/>` + shut,
		"not well-formed":    open + id + delivered,
		"two roots":          open + id + delivered + shut + "<a/>",
		"Latin-1":            `<?xml version="1.0" encoding="ISO-8859-1"?>` + open + "<message-id>\xe4</message-id>" + shut,
		"UTF-16":             "\xff\xfe<\x00i\x00",
		"a document type":    `<!DOCTYPE imdn [<!ENTITY a "b">]>` + open + "<message-id>&a;</message-id>" + shut,
		"no such prefix":     open + id + "<x:y/>" + shut,
		"long":               open + id + strings.Repeat(" ", MaxNotification) + shut,
		"deep":               open + id + strings.Repeat("<a>", 100) + strings.Repeat("</a>", 100) + shut,
	} {
		if n, err := ReadNotification(strings.NewReader(text)); err == nil {
			t.Errorf("%s: got %+v", name, n)
		}
	}
}

func TestDocument(t *testing.T) {
	whole := Notification{MessageID: `<&"'>`, DateTime: "2008-04-04T12:16:49-05:00", Recipient: "sip:a@x?b=c&d=e", OriginalRecipient: "sip:l@x",
		Subject: Text{"fr", "d'été <b>"}, Kind: KindDelivery, Status: Failed}
	for kind, all := range statuses {
		for _, s := range all {
			n := whole
			n.Kind, n.Status = kind, s
			b, err := n.Document()
			if err != nil {
				t.Fatal(err)
			}
			back, err := ReadNotification(strings.NewReader(string(b)))
			if err != nil || *back != n {
				t.Errorf("%s: got %+v, %v", b, back, err)
			}
		}
	}
	b, err := (&Notification{MessageID: "1", DateTime: "2", Kind: KindDisplay, Status: Displayed}).Document()
	if err != nil || string(b) != `<?xml version="1.0" encoding="UTF-8"?>`+"\n"+`<imdn xmlns="urn:ietf:params:xml:ns:imdn"><message-id>1</message-id>`+
		`<datetime>2</datetime><display-notification><status><displayed/></status></display-notification></imdn>` {
		t.Errorf("got %s, %v", b, err)
	}
	for lang, subject := range map[string]string{"": "<subject>d&#39;été &lt;b&gt;</subject>", "fr": `<subject xml:lang="fr">d&#39;été &lt;b&gt;</subject>`} {
		n := whole
		n.Subject.Lang = lang
		if b, err := n.Document(); err != nil || strings.Count(string(b), "xml:lang") != len(lang)/2 || !strings.Contains(string(b), subject) {
			t.Errorf("got %s, %v", b, err)
		}
	}
	for name, change := range map[string]func(*Notification){
		"no id": func(n *Notification) { n.MessageID = "" }, "no time": func(n *Notification) { n.DateTime = "" },
		"one recipient": func(n *Notification) { n.Recipient = "" }, "the other": func(n *Notification) { n.OriginalRecipient = "" },
		"subject alone": func(n *Notification) { n.Recipient, n.OriginalRecipient = "", "" },
		"no kind":       func(n *Notification) { n.Kind = "" }, "no status": func(n *Notification) { n.Status = "" },
		"status of another kind": func(n *Notification) { n.Status = Displayed },
	} {
		n := whole
		change(&n)
		if b, err := n.Document(); err == nil {
			t.Errorf("%s: written as %s", name, b)
		}
	}
}

func FuzzNotification(f *testing.F) {
	f.Add([]byte(rfc5438Document("delivery", "delivered")))
	f.Fuzz(func(t *testing.T, b []byte) {
		n, err := ReadNotification(strings.NewReader(string(b)))
		if err != nil {
			return
		}
		doc, err := n.Document()
		if err != nil {
			return // incomplete
		}
		if back, err := ReadNotification(strings.NewReader(string(doc))); err != nil || *back != *n {
			t.Fatalf("%+v\n%s\n%+v %v", n, doc, back, err)
		}
	})
}
