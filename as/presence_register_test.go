package as

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emiago/sipgo/sip"
)

// TestRegistrations has REGISTERs come in every order, and checks what a
// watcher is told.
func TestRegistrations(t *testing.T) {
	type register struct {
		at     int // second
		life   int // seconds
		callID string
		seq    uint32
	}
	for name, tc := range map[string]struct {
		registers []register
		max       int
		watch     int    // second
		want      string // "second word"
	}{
		"nothing":            {want: ""},
		"before the watch":   {[]register{{0, 100, "a", 1}}, 10, 5, "5 open, 100 closed"},
		"over before":        {[]register{{0, 4, "a", 1}}, 10, 5, ""},
		"after the watch":    {[]register{{5, 100, "a", 1}}, 10, 0, "5 open, 105 closed"},
		"refreshed":          {[]register{{0, 100, "a", 1}, {90, 100, "a", 2}}, 10, 0, "0 open, 90 open, 190 closed"},
		"unregistered":       {[]register{{0, 100, "a", 1}, {10, 0, "a", 2}}, 10, 0, "0 open, 10 closed"},
		"repeated":           {[]register{{0, 100, "a", 1}, {1, 100, "a", 1}}, 10, 0, "0 open, 100 closed"},
		"overtaken":          {[]register{{0, 0, "a", 2}, {1, 100, "a", 1}}, 10, 0, "0 closed"},
		"overtaken, watched": {[]register{{0, 0, "a", 2}, {1, 100, "a", 1}}, 10, 5, ""},
		"another registrar":  {[]register{{0, 100, "a", 7}, {10, 100, "b", 1}}, 10, 0, "0 open, 10 open, 110 closed"},
		"no more room":       {[]register{{0, 100, "a", 1}}, 0, 5, ""},
		"no room, but heard": {[]register{{5, 100, "a", 1}}, 0, 0, "5 open"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := &registrations{byURI: map[string]*registered{}, watchers: map[string]map[*watcher]bool{}, max: tc.max}
				defer r.close()
				began := time.Now()
				var got []string
				var stop func()
				for at := range 200 {
					if at == tc.watch {
						stop, _ = r.watch(t.Context(), testRecipient, func(w word) {
							word := map[bool]string{true: "open", false: "closed"}[w.reachable]
							got = append(got, fmt.Sprintf("%d %s", int(time.Since(began).Seconds()), word))
						})
					}
					for _, g := range tc.registers {
						if g.at == at {
							r.apply(testRecipient, time.Duration(g.life)*time.Second, g.callID, g.seq)
						}
					}
					time.Sleep(time.Second)
				}
				stop()
				if s := strings.Join(got, ", "); s != tc.want {
					t.Errorf("told %q, want %q", s, tc.want)
				}
				if len(r.watchers) != 0 {
					t.Error("a watcher is left")
				}
			})
		})
	}
}

// TestThirdPartyRegister sends REGISTERs over the network, from the registrar
// and from elsewhere.
func TestThirdPartyRegister(t *testing.T) {
	s := startAS(t, func(c *Config) { c.Presence.Package = "register" }, newFakeMS(t))
	r := s.presence.(*registrations)
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
	if res := send(s, 60, 1); res.StatusCode != 200 || res.GetHeader("Expires").Value() != "60" || r.len() != 1 {
		t.Errorf("registered: %v, %d users", res, r.len())
	}
	if res := send(s, 60, 1); res.StatusCode != 200 || r.len() != 1 {
		t.Errorf("the same again: %v, %d users", res, r.len())
	}
	if res := send(s, 0, 2); res.StatusCode != 200 || r.len() != 0 {
		t.Errorf("unregistered: %v, %d users", res, r.len())
	}
	strict := startAS(t, func(c *Config) { c.Presence.Package, c.Presence.Server = "register", "192.0.2.1:5060" }, newFakeMS(t))
	if res := send(strict, 60, 1); res.StatusCode != 403 || strict.presence.(*registrations).len() != 0 {
		t.Errorf("from elsewhere: %v", res)
	}
	without := startAS(t, nil, newFakeMS(t))
	if res := send(without, 60, 1); res.StatusCode != 405 {
		t.Errorf("with another package: %v", res)
	}
}
