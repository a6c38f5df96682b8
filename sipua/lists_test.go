package sipua

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/emiago/sipgo/sip"

	"github.com/gomscp/gomscp/internal/testutil"
	"github.com/gomscp/gomscp/sipua/internal/screen"
)

// TestListHeaderOverAllRows has the values of a header in several rows, under its
// long and its short name.
func TestListHeaderOverAllRows(t *testing.T) {
	m, err := newParser().ParseSIP([]byte("OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP c;branch=z9hG4bK1\r\nSupported: timer, 100rel\r\nX-Y: z\r\nk: gruu\r\nSUPPORTED:\r\nContent-Length: 0\r\n\r\n"))
	if err != nil {
		t.Fatal(err)
	}
	req := m.(*sip.Request)
	if got := ListHeader(req, "supported"); !slices.Equal(got, []string{"timer", "100rel", "gruu"}) {
		t.Errorf("%q", got)
	}
	RemoveHeaders(req, "Supported")
	if got := req.GetHeaders("Supported"); len(got) != 0 || req.GetHeader("X-Y") == nil {
		t.Errorf("%q is left", got)
	}
}

// TestListsInRequests has extensions required and methods allowed in several rows.
func TestListsInRequests(t *testing.T) {
	p := newRawPeer(t)
	ua := newUA(t, Handlers{})
	p.Send(ua.Addr(), p.request("OPTIONS", "require", "p", "<sip:test@example.com>", "Require: timer\r\nRequire: foo, timer,\r\nrequire: bar\r\nContent-Length: 0\r\n"))
	if got := testutil.Field(p.next("SIP/2.0 420"), "Unsupported"); got != "foo, bar" {
		t.Errorf("Unsupported: %s", got)
	}
}

// TestFromIsNoList sends lists where one address must be, and addresses whose display
// names look like lists.
func TestFromIsNoList(t *testing.T) {
	p := newRawPeer(t)
	ua := newUA(t, Handlers{})
	for i, tc := range []struct{ from, status string }{
		{`<sip:a@example.com>, <sip:b@example.com>;tag=p`, "400"},
		{`sip:a,b@example.com;tag=p`, "400"}, // [RFC3261-20] it must be in angle brackets
		{`"<sip:c@example.com>, d" <sip:a@example.com>;tag=p`, "200"},
		{`<sip:a,b@example.com>;tag=p`, "200"},
	} {
		m := p.request("OPTIONS", fmt.Sprint("list", i), "p", "<sip:test@example.com>", "Content-Length: 0\r\n")
		p.Send(ua.Addr(), strings.Replace(m, "<sip:peer@example.com>;tag=p", tc.from, 1))
		if got := p.next("SIP/2.0"); !strings.HasPrefix(got, "SIP/2.0 "+tc.status) {
			t.Errorf("%s: %s", tc.from, got)
		}
	}
}

// TestContactNamesWithEscapes has an escaped quote in a Contact's display name, behind
// which sipgo takes no comma for one.
func TestContactNamesWithEscapes(t *testing.T) {
	clean, _, f := screen.Check([]byte("OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP c\r\nContact: \"x\\\", <sip:y@z>\" <sip:one@b>;q=1, <sip:two@b>\r\nRecord-Route: \"\\\"\"<sip:r1;lr>,<sip:r2;lr>\r\nContent-Length: 0\r\n\r\n"), true)
	if f != nil {
		t.Fatal(f)
	}
	m, err := newParser().ParseSIP(clean)
	if err != nil {
		t.Fatal(err)
	}
	var uris []string
	for _, h := range append(m.GetHeaders("Contact"), m.GetHeaders("Record-Route")...) {
		uri, err := AddressURI(h.Value())
		if err != nil {
			t.Error(err)
		}
		uris = append(uris, uri)
	}
	if want := []string{"sip:one@b", "sip:two@b", "sip:r1;lr", "sip:r2;lr"}; !slices.Equal(uris, want) {
		t.Errorf("%q", uris)
	}
}

// TestLongURIs sends a call to, and from, a user with a name of 3000 characters.
func TestLongURIs(t *testing.T) {
	p := newRawPeer(t)
	ua := newUA(t, Handlers{Invite: func(in *IncomingCall) { _ = in.Reject(486, "") }})
	long := "sip:" + strings.Repeat("x", 3000) + "@example.com"
	for name, tc := range map[string]struct{ old, new, status string }{
		"Request-URI": {"sip:test@x", long, "414 Request-URI Too Long"},
		"To":          {"sip:test@example.com", long, "400 Bad Request (URI too long)"},
		"From":        {"sip:peer@example.com", long, "400 Bad Request (URI too long)"},
		"parameter":   {"sip:peer@example.com>", "sip:peer@example.com;x=" + strings.Repeat("y", 3000) + ">", "486 Busy Here"},
	} {
		t.Run(name, func(t *testing.T) {
			p.t = t
			m := strings.Replace(p.request("INVITE", "long"+name, "p", "<sip:test@example.com>", "Content-Length: 0\r\n"), tc.old, tc.new, 1)
			p.Send(ua.Addr(), m)
			got := p.next("SIP/2.0 ")
			for strings.HasPrefix(got, "SIP/2.0 100") {
				got = p.next("SIP/2.0 ")
			}
			if !strings.HasPrefix(got, "SIP/2.0 "+tc.status+"\r\n") {
				t.Errorf("got %s", got[:60])
			}
			p.Send(ua.Addr(), strings.Replace(strings.Replace(m, "INVITE sip", "ACK sip", 1), "1 INVITE", "1 ACK", 1))
		})
	}
	p.t = t
}
