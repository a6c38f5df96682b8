package as

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/gomscp/gomscp/internal/testutil"
	"github.com/gomscp/gomscp/mscp"
)

// invite writes an INVITE with testOffer as it may come from a proxy, to the user
// bob-callID, with more headers, each with its line end.
func (w *wire) invite(callID, from, more string) string {
	return fmt.Sprintf("INVITE sip:bob@example.com SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bK%s;rport\r\nMax-Forwards: 70\r\n"+
		"From: %s;tag=f\r\nTo: <sip:bob-%[2]s@example.com>\r\nCall-ID: %[2]s\r\nCSeq: 1 INVITE\r\nContact: <sip:alice@%[1]s>\r\n%[4]s"+
		"Content-Type: application/sdp\r\nContent-Length: %d\r\n\r\n%s",
		w.Addr(), callID, from, more, len(testOffer), testOffer)
}

// ack acknowledges a response to invite's INVITE.
func (w *wire) ack(response string) string {
	branch := "" // a 2xx has an ACK of its own
	if strings.HasPrefix(response, "SIP/2.0 2") {
		branch = "ack"
	}
	return fmt.Sprintf("ACK sip:bob@example.com SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bK%s%s;rport\r\nMax-Forwards: 70\r\n"+
		"From: %s\r\nTo: %s\r\nCall-ID: %[2]s\r\nCSeq: 1 ACK\r\nContent-Length: 0\r\n\r\n",
		w.Addr(), testutil.Field(response, "Call-ID"), branch, testutil.Field(response, "From"), testutil.Field(response, "To"))
}

// final returns the first final response that comes.
func (w *wire) final() string {
	for {
		if res, _ := w.Next("SIP/2.0 "); !strings.HasPrefix(res, "SIP/2.0 1") {
			return res
		}
	}
}

// TestAssertedIdentityByItsGrammar sends P-Asserted-Identity headers that are written
// as RFC 3325, section 9.1, and RFC 3261, section 25.1, allow, and some that name
// nobody: then From, which nobody has checked, must not take their place.
func TestAssertedIdentityByItsGrammar(t *testing.T) {
	w, n := newWire(t), 0
	s := startAS(t, nil, newFakeMS(t))
	const pai, alice, boss = "P-Asserted-Identity: ", "sip:alice@example.com", "<sip:boss@example.com>"
	for name, tc := range map[string]struct{ headers, want string }{ // want "" is a 400
		"address in the display name":      {pai + `"<sip:boss@example.com>, x" <sip:alice@example.com>`, alice},
		"escaped quote":                    {pai + `"a\", <sip:boss@example.com>" <sip:alice@example.com>`, alice},
		"escaped backslash":                {pai + `"a\\" <sip:alice@example.com>, <sip:boss@example.com>`, alice},
		"comma in the user":                {pai + `<sip:a,b@example.com>`, "sip:a,b@example.com"},
		"parenthesis in the user":          {pai + `<sip:a(b@example.com>, <tel:+1555>`, "sip:a(b@example.com"},
		"address in a parameter":           {pai + `<sip:alice@example.com>;x="<sip:boss@example.com>"`, alice},
		"bare":                             {pai + `sip:alice@example.com`, alice},
		"sips":                             {pai + `<sips:alice@example.com>`, "sips:alice@example.com"},
		"tel in the first row":             {pai + "<tel:+15551234>\r\n" + pai + "<sip:alice@example.com>", alice},
		"sip in the first row":             {pai + "<sip:alice@example.com>\r\n" + pai + "<tel:+15551234>", alice},
		"tel first":                        {pai + "<tel:+15551234>, <sip:alice@example.com>", alice},
		"tel alone":                        {pai + "<tel:+1-555-1234>", "tel:+15551234"},
		"folded":                           {pai + "\"A\"\r\n\t<sip:alice@example.com>", alice},
		"letter case of the name":          {"p-asserted-IDENTITY:<sip:alice@example.com>", alice},
		"empty element":                    {pai + ", <sip:alice@example.com>,", alice},
		"other rows between":               {pai + "<tel:+1>\r\nX-Y: z\r\n" + pai + "<sip:alice@example.com>", alice},
		"privacy":                          {pai + "<sip:alice@example.com>\r\nPrivacy: id", "sip:boss@example.com"},
		"privacy in the second row":        {pai + "<sip:alice@example.com>\r\nPrivacy: session\r\nPrivacy: id;critical", "sip:boss@example.com"},
		"privacy against none":             {pai + "<sip:alice@example.com>\r\nPrivacy: none\r\nPrivacy: ID", "sip:boss@example.com"},
		"no privacy":                       {pai + "<sip:alice@example.com>\r\nPrivacy: session;critical", alice},
		"no URI":                           {pai + "<sip:", ""},
		"unbracketed comma":                {pai + "sip:a,b@example.com", ""},
		"quote that does not end":          {pai + `"x <sip:alice@example.com>`, ""},
		"two addresses without a comma":    {pai + "<sip:alice@example.com> <sip:boss@example.com>", ""},
		"scheme that nobody can be called": {pai + "<http://example.com/alice>", ""},
		"no value":                         {pai, ""},
		"garbage beside an address":        {pai + "<sip:alice@example.com>, garbage", ""},
		"absurdly long":                    {pai + "<sip:" + strings.Repeat("a", 3000) + "@example.com>", ""},
	} {
		t.Run(name, func(t *testing.T) {
			w.T = t
			n++
			callID := fmt.Sprint("pai", n)
			w.Send(s.Addr(), w.invite(callID, boss, tc.headers+"\r\n"))
			res := w.final()
			w.Send(s.Addr(), w.ack(res))
			if tc.want == "" {
				if !strings.HasPrefix(res, "SIP/2.0 400") {
					t.Errorf("got %s", res)
				}
				return
			}
			if got := s.senderTo(t, "sip:bob-"+callID+"@example.com"); got != tc.want {
				t.Errorf("kept for %q, want %s; the answer was\n%s", got, tc.want, res)
			}
		})
	}
	w.T = t
	go w.hangUp()
}

// TestOtherIdentities tells the media server of all that a trusted peer asserts of a
// caller, and of nothing else.
func TestOtherIdentities(t *testing.T) {
	ms := newFakeMS(t)
	told := make(chan *mscp.RestoreMsg, 1)
	ms.change(func(ms *fakeMS) {
		ms.onRequest = func(_ context.Context, req mscp.Element) (mscp.Element, error) {
			r := req.(*mscp.RestoreMsg)
			told <- r
			return &mscp.MsgRestored{FromURI: r.FromURI, ToURI: r.ToURI, ConnectionID: r.ConnectionID}, nil
		}
	})
	w, n := newWire(t), 0
	s := startAS(t, nil, ms)
	for headers, want := range map[string]string{
		"": "",
		"P-Asserted-Identity: <sip:alice@example.com>\r\n":                                                 "",
		"P-Asserted-Identity: <tel:+1-555>, Alice <sip:alice@example.com>\r\n":                             "tel:+1555",
		"P-Asserted-Identity: <sip:alice@example.com>, <sip:al@example.com;x=y>, <sip:al@EXAMPLE.com>\r\n": "sip:al@example.com",
		"P-Asserted-Identity: <sip:alice@example.com>\r\nPrivacy: id\r\n":                                  "sip:alice@example.com",
	} {
		n++
		w.Send(s.Addr(), w.invite(fmt.Sprint("also", n), "<sip:boss@example.com>", headers))
		res := w.final()
		w.Send(s.Addr(), w.ack(res))
		if r := <-told; r.FromAlso != want {
			t.Errorf("%q: told %q, want %q", headers, r.FromAlso, want)
		}
	}
	go w.hangUp()
}

// senderTo is who has left messages for a recipient, "" if nobody has.
func (s *Server) senderTo(t *testing.T, recipient string) (sender string) {
	err := s.dir.Each(func(p Pair) error {
		if p.Recipient == recipient {
			sender = p.Sender
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	return sender
}

// TestAssertedIdentityOfAStranger has a caller who is let in, but not trusted, assert
// an identity of his choice, in any letter case: it is not looked at.
func TestAssertedIdentityOfAStranger(t *testing.T) {
	w := newWire(t)
	s := startAS(t, func(c *Config) { c.Access.Trusted = []string{elsewhere} }, newFakeMS(t))
	for i, name := range []string{"P-Asserted-Identity", "p-asserted-identity", "P-ASSERTED-IDENTITY"} {
		callID := fmt.Sprint("stranger", i)
		w.Send(s.Addr(), w.invite(callID, "<sip:alice@example.com>", name+": <sip:boss@example.com>\r\n"))
		w.Send(s.Addr(), w.ack(w.final()))
		if got := s.senderTo(t, "sip:bob-"+callID+"@example.com"); got != "sip:alice@example.com" {
			t.Errorf("%s: kept for %q", name, got)
		}
	}
	go w.hangUp()
}
