package as

import (
	"fmt"
	"testing"

	"github.com/emiago/sipgo/sip"
)

// TestThirdPartyRegister sends REGISTERs over the network, from the registrar
// and from elsewhere.
func TestThirdPartyRegister(t *testing.T) {
	s := startAS(t, func(c *Config) { c.Presence.Package = "register" }, newFakeMS(t))
	users := func(s *Server) int {
		n, ok := s.presence.Registered()
		if !ok {
			t.Error("the package is not register")
		}
		return n
	}
	registrar := newCaller(t)
	send := func(s *Server, expires int, seq uint32) *sip.Response {
		t.Helper()
		var target sip.Uri
		if err := sip.ParseUri("sip:"+s.Addr(), &target); err != nil {
			t.Fatal(err)
		}
		req := sip.NewRequest(sip.REGISTER, target)
		req.SetDestination(s.Addr())
		callID, hops := sip.CallIDHeader("third-party"), sip.MaxForwardsHeader(70)
		from := sip.FromHeader{Address: sip.Uri{Scheme: "sip", Host: "registrar.example.com"}, Params: sip.NewParams()}
		from.Params.Add("tag", "r")
		for _, h := range []sip.Header{
			&hops, &from, &sip.ToHeader{Address: sip.Uri{Scheme: "sip", User: "bob", Host: "EXAMPLE.com"}}, &callID,
			&sip.CSeqHeader{SeqNo: seq, MethodName: sip.REGISTER}, sip.NewHeader("Contact", "<sip:registrar.example.com>"),
			sip.NewHeader("Expires", fmt.Sprint(expires)),
		} {
			req.AppendHeader(h)
		}
		req.SetBody(nil)
		res, err := registrar.ua.Do(testContext(t), req)
		if err != nil {
			t.Fatal(err)
		}
		return res
	}
	if res := send(s, 60, 1); res.StatusCode != 200 || res.GetHeader("Expires").Value() != "60" || users(s) != 1 {
		t.Errorf("registered: %v, %d users", res, users(s))
	}
	if res := send(s, 60, 1); res.StatusCode != 200 || users(s) != 1 {
		t.Errorf("the same again: %v, %d users", res, users(s))
	}
	if res := send(s, 0, 2); res.StatusCode != 200 || users(s) != 0 {
		t.Errorf("unregistered: %v, %d users", res, users(s))
	}
	strict := startAS(t, func(c *Config) { c.Presence.Package, c.Presence.Server = "register", "192.0.2.1:5060" }, newFakeMS(t))
	if res := send(strict, 60, 1); res.StatusCode != 403 || users(strict) != 0 {
		t.Errorf("from elsewhere: %v", res)
	}
	without := startAS(t, nil, newFakeMS(t))
	if res := send(without, 60, 1); res.StatusCode != 405 {
		t.Errorf("with another package: %v", res)
	}
}
