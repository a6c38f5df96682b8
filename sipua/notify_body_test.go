package sipua

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gomscp/gomscp/internal/testutil"
	"github.com/gomscp/gomscp/sipua/regevent"
)

// TestNotifyBodies sends NOTIFYs with bodies of many kinds: the document is read
// wherever it is, and what is not understood is refused with what is. See RFC 3261,
// sections 7.4 and 8.2.3.
func TestNotifyBodies(t *testing.T) {
	const pidf = "Content-Type: application/pidf+xml"
	mixed := func(parts ...string) string { return "--b\r\n" + strings.Join(parts, "\r\n--b\r\n") + "\r\n--b--\r\n" }
	p := playNotifier(t, "udp", "127.0.0.1:0", func(p *playedNotifier, n int, m string) []string {
		return []string{p.response(m, "200 OK", "pres", "Expires: "+testutil.Field(m, "Expires")), p.notify(m, "pres", n+1, "", "Subscription-State: active")}
	})
	tm := quickTimers()
	tm.retryMin, tm.retryMax, tm.unreadable = time.Hour, time.Hour, time.Hour // no refresh in between
	s, got := watchOver(t, p, tm, func(r *SubscribeRequest) { r.Accept = "application/pidf+xml" })
	defer s.Close()
	p.status(1)
	if n := <-got; n.Body != nil || n.ContentType != "" {
		t.Errorf("without a body: %+v", n)
	}
	subscribe := p.await(1).message
	seq := 100
	for name, tc := range map[string]struct {
		headers []string
		body    string
		want    string // the code, and what is handed on
	}{
		"whole":                         {[]string{pidf}, "x", "200 x"},
		"upper case, blanks, charset":   {[]string{"Content-Type: APPLICATION / Pidf+XML ; charset=utf-16"}, "x", "200 x utf-16"},
		"compact form":                  {[]string{"c: application/pidf+xml"}, "x", "200 x"},
		"blank lines":                   {[]string{pidf}, "\r\n\r\n", "200 "},
		"blank lines of another type":   {[]string{"Content-Type: text/plain"}, "\r\n", "200 "},
		"to be shown":                   {[]string{pidf, "Content-Disposition: render;handling=required"}, "x", "200 x"},
		"a picture":                     {[]string{pidf, "Content-Disposition: icon"}, "x", "415"},
		"changes only":                  {[]string{"Content-Type: application/pidf-diff+xml"}, "x", "415"},
		"XML of no kind":                {[]string{"Content-Type: application/xml"}, "x", "415"},
		"where it is":                   {[]string{`Content-Type: message/external-body;access-type=URL`}, "x", "415"},
		"no type":                       {nil, "x", "200 x"},
		"no type, and compressed":       {[]string{"Content-Encoding: gzip"}, "x", "415 identity"},
		"compressed":                    {[]string{pidf, "Content-Encoding: gzip"}, "x", "415 identity"},
		"compressed, compact form":      {[]string{pidf, "e: gzip"}, "x", "415 identity"},
		"not compressed":                {[]string{pidf, "Content-Encoding: identity"}, "x", "200 x"},
		"base64":                        {[]string{pidf, "Content-Transfer-Encoding: base64"}, "eA==", "200 x"},
		"of no interest":                {[]string{"Content-Type: text/plain", "Content-Disposition: render;handling=optional"}, "x", "200 "},
		"beside a picture":              {[]string{"Content-Type: multipart/mixed;boundary=b"}, mixed("Content-Type: image/png\r\n\r\nabc", pidf+"\r\n\r\nx"), "200 x"},
		"behind a list's root":          {[]string{`Content-Type: multipart/related;boundary="b";type="application/rlmi+xml"`}, mixed("Content-Type: application/rlmi+xml\r\n\r\n<list/>", pidf+";charset=koi8-r\r\n\r\nx"), "200 x koi8-r"},
		"one of the alternatives":       {[]string{"Content-Type: multipart/alternative;boundary=b"}, mixed(pidf+"\r\n\r\nx", "Content-Type: application/pidf-diff+xml\r\n\r\ny"), "200 x"},
		"a part that must be read":      {[]string{"Content-Type: multipart/mixed;boundary=b"}, mixed(pidf+"\r\n\r\nx", "Content-Type: a/b\r\nContent-Disposition: render;handling=required\r\n\r\ny"), "415"},
		"parts of nothing known":        {[]string{"Content-Type: multipart/mixed;boundary=b"}, mixed("Content-Type: text/plain\r\n\r\nx"), "415"},
		"a multipart without an end":    {[]string{"Content-Type: multipart/mixed;boundary=b"}, "--b\r\n" + pidf + "\r\n\r\nx", "200 x"},
		"a multipart without delimiter": {[]string{"Content-Type: multipart/mixed;boundary=b"}, "x", "400"},
	} {
		t.Run(name, func(t *testing.T) {
			seq++
			p.send(p.notify(subscribe, "pres", seq, tc.body, append(tc.headers, "Subscription-State: active")...))
			want, rest, read := strings.Cut(tc.want, " ")
			response := p.responseTo(seq)
			if code := response[len("SIP/2.0 "):][:3]; code != want {
				t.Fatalf("got %s, want %s", code, want)
			}
			if want == "415" && (testutil.Field(response, "Accept") != "application/pidf+xml" || testutil.Field(response, "Accept-Encoding") != rest) {
				t.Errorf("it does not say what is understood:\n%s", response)
			}
			if want == "200" != (len(got) == 1) {
				t.Fatalf("%d notifications are handed on", len(got))
			}
			if want == "200" && read {
				n := <-got
				body, charset, _ := strings.Cut(rest, " ")
				if string(n.Body) != body || !strings.HasSuffix(n.ContentType, charset) || strings.Contains(n.ContentType, "charset") != (charset != "") {
					t.Errorf("handed on: %q of %q", n.Body, n.ContentType)
				}
			}
		})
	}
}

// TestRefusedNotifyIsFollowed refuses the bodies of two NOTIFYs: the state is asked for
// again, and what the second says of the subscription, that it has ended, counts.
func TestRefusedNotifyIsFollowed(t *testing.T) {
	p := playNotifier(t, "udp", "127.0.0.1:0", func(p *playedNotifier, n int, m string) []string {
		state := []string{"active", "terminated;reason=deactivated", "active"}[min(n, 2)]
		kind := []string{"text/html", "text/html", "application/pidf+xml"}[min(n, 2)]
		tag := fmt.Sprint("pres", n/2) // the second dialog is a new one
		return []string{p.response(m, "200 OK", tag, "Expires: 600"), p.notify(m, tag, n+1, "x", "Content-Type: "+kind, "Subscription-State: "+state)}
	})
	s, got := watchOver(t, p, quickTimers(), func(r *SubscribeRequest) { r.Accept = "application/pidf+xml" })
	defer s.Close()
	if a, b := p.status(1), p.status(2); a != "415" || b != "415" {
		t.Errorf("the NOTIFYs got %s, %s", a, b)
	}
	if n := <-got; n.CSeq != 3 || n.State != "active" || len(got) != 0 {
		t.Errorf("handed on: %+v", n)
	}
	first, refresh, anew := p.await(1).message, p.await(2).message, p.await(3).message
	if testutil.Field(refresh, "Call-ID") != testutil.Field(first, "Call-ID") || !strings.HasSuffix(testutil.Field(refresh, "To"), ";tag=pres0") {
		t.Errorf("the state is not asked for by a refresh:\n%s", refresh)
	}
	if testutil.Field(anew, "Call-ID") == testutil.Field(first, "Call-ID") {
		t.Errorf("the subscription is not made anew:\n%s", anew)
	}
}

// TestRegInfoCharset reads a document whose encoding only the message tells.
func TestRegInfoCharset(t *testing.T) {
	body := []byte(`<reginfo xmlns="urn:ietf:params:xml:ns:reginfo" version="0" state="full"><registration aor="sip:bob@example.com" id="a" state="active">` +
		"<contact id=\"c\" state=\"active\" event=\"registered\"><uri>sip:bob@192.0.2.1</uri><display-name>B\xf6b</display-name></contact></registration></reginfo>")
	info, err := regevent.Parse(`application/reginfo+xml; Charset = "iso-8859-1"`, body)
	if err != nil || info.Registrations[0].Contacts[0].DisplayName != "Böb" {
		t.Errorf("%+v, %v", info, err)
	}
	if _, err := regevent.Parse("application/reginfo+xml", body); err == nil {
		t.Error("without a charset it is not UTF-8, and is read")
	}
}
