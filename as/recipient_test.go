package as

import (
	"fmt"
	"strings"
	"testing"
)

// TestRecipient calls, by hand, a user under an alias, through proxies that say in
// each of the ways there are who that is.
func TestRecipient(t *testing.T) {
	const alias, user = "sip:sales@example.com", "sip:bob@example.com"
	for _, tc := range []struct{ setting, requestURI, headers, want string }{
		{"to", user, "", alias},
		{"to", user, "P-Called-Party-ID: <sip:bob@example.com>\r\nHistory-Info: <sip:bob@example.com>;index=1\r\n", alias},
		{"request-uri", user, "", user},
		{"request-uri", "sip:bob@EXAMPLE.com:5060;transport=udp", "", user},
		{"called-party", alias, "P-Called-Party-ID: \"Sales, Bob <x>\" <sip:bob@example.com;user=phone>;param=x\r\n", user},
		{"called-party", user, "", alias}, // no such header
		{"called-party", user, "P-Called-Party-ID: nonsense\r\n", alias},
		// RFC 7044, appendix B, with the entries in one row, in rows, and in any order.
		{"history-info", alias, "History-Info: <sip:bob@example.com>;index=1,<sip:bob@192.0.2.4?Reason=SIP%3Bcause%3D302>;index=1.1;rc=1\r\n", user},
		{"history-info", alias, "History-Info: <sip:office@example.com>;index=1.1;mp=1\r\nHistory-Info: <sip:bob@example.com>;index=1\r\n", user},
		{"history-info", alias, "History-Info: \"a;index=0, <sip:x@y>\" <sip:bob@example.com>;foo=bar; INDEX = 1.2 , <sip:c@example.com>;index=1.10\r\n", user},
		{"history-info", alias, "History-Info: <sip:anonymous@anonymous.invalid>;index=1,<sip:bob@example.com>;index=1.1;rc=1\r\n", user},
		{"history-info", alias, "History-Info: <sip:example.com>;index=1,<sip:bob@example.com>;index=1.1\r\n", user},
		{"history-info", user, "History-Info: <sip:bob@example.com>\r\n", alias}, // without an index it is none
		{"history-info", user, "History-Info: <sip:bob@example.com>;index=x\r\n", alias},
		{"history-info", user, "", alias},
	} {
		m := newFakeMS(t)
		s := startAS(t, func(c *Config) { c.Recipient = tc.setting }, m)
		w := newWire(t)
		w.Send(s.Addr(), fmt.Sprintf("INVITE %s SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bKr\r\nMax-Forwards: 70\r\nFrom: <sip:alice@example.com>;tag=a\r\n"+
			"To: <%s>\r\nCall-ID: r\r\nCSeq: 1 INVITE\r\nContact: <sip:alice@%s>\r\n%sContent-Type: application/sdp\r\nContent-Length: %d\r\n\r\n%s",
			tc.requestURI, w.Addr(), alias, w.Addr(), tc.headers, len(testOffer), testOffer))
		ok, _ := w.Next("SIP/2.0 200")
		w.Send(s.Addr(), w.ack(ok))
		var kept []string
		if err := s.dir.Each(func(p Pair) error { kept = append(kept, p.Recipient); return nil }); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(kept, " "); got != tc.want {
			t.Errorf("%s, %s, %q: kept for %s, want %s", tc.setting, tc.requestURI, tc.headers, got, tc.want)
		}
		go w.hangUp() // until the socket is closed
		s.Close()
	}
}
