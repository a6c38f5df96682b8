package sipserver

import (
	"strings"
	"sync"
	"testing"
)

// endpoints opens a caller, a registered callee and an application server.
func endpoints(t *testing.T, callerOver, calleeOver func(*testing.T) *endpoint, cfg Config) (s *Server, caller, callee, app *endpoint) {
	t.Helper()
	caller, callee, app = callerOver(t), calleeOver(t), newUDP(t)
	cfg.AppServer = app.addr
	s = newServer(t, cfg)
	if got := callee.register(s, "bob", "reg", 1); !strings.HasPrefix(got, "SIP/2.0 200 ") {
		t.Fatal(got)
	}
	return s, caller, callee, app
}

// TestCallOnTheWire follows one call over each pair of transports.
func TestCallOnTheWire(t *testing.T) {
	kinds := map[string]func(*testing.T) *endpoint{"UDP": newUDP, "TCP": newTCP}
	for from, callerOver := range kinds {
		for to, calleeOver := range kinds {
			t.Run(from+" to "+to, func(t *testing.T) {
				s, caller, callee, _ := endpoints(t, callerOver, calleeOver, Config{})
				caller.send(s.Addr(), caller.request("INVITE", "sip:bob@example.com", "call", 1, "Max-Forwards: 20"))
				caller.want("SIP/2.0 100 ")
				in := callee.want("INVITE sip:bob@" + callee.addr)
				vias := headers(in.text, "Via")
				if len(vias) != 2 || !strings.HasPrefix(vias[0], "SIP/2.0/"+to+" "+s.Addr()+";branch=z9hG4bK") || !strings.Contains(vias[1], caller.addr) {
					t.Errorf("Via %q", vias)
				}
				if got := header(in.text, "Max-Forwards"); got != "19" {
					t.Errorf("Max-Forwards %s, want 19", got)
				}
				if got := headers(in.text, "Record-Route"); got != nil {
					t.Errorf("Record-Route %q", got)
				}
				in.answer(response(in.text, "180 Ringing"))
				caller.want("SIP/2.0 180 ")
				ok := response(in.text, "200 OK", "Contact: <sip:bob@"+callee.addr+">")
				in.answer(ok)
				got := caller.want("SIP/2.0 200 ")
				if vias := headers(got.text, "Via"); len(vias) != 1 || !strings.Contains(vias[0], caller.addr) {
					t.Errorf("the caller's 200 has Via %q", vias)
				}
				// An ACK and a BYE that come to us go where they are addressed.
				uri := "sip:bob@" + callee.addr + ";transport=" + strings.ToLower(to)
				caller.send(s.Addr(), caller.request("ACK", uri, "call", 1, "To: <sip:bob@example.com>;tag=b"))
				callee.want("ACK sip:bob@" + callee.addr)
				caller.send(s.Addr(), caller.request("BYE", uri, "call", 2, "To: <sip:bob@example.com>;tag=b"))
				bye := callee.want("BYE sip:bob@" + callee.addr)
				bye.answer(response(bye.text, "200 OK"))
				caller.want("SIP/2.0 200 ")
			})
		}
	}
}

// TestRepeated2xx checks that a 200 whose ACK was lost comes through again.
func TestRepeated2xx(t *testing.T) {
	s, caller, callee, _ := endpoints(t, newUDP, newUDP, Config{})
	caller.send(s.Addr(), caller.request("INVITE", "sip:bob@example.com", "call", 1))
	caller.want("SIP/2.0 100 ")
	in := callee.want("INVITE ")
	for _, n := range []string{"1", "2", "3"} {
		in.answer(response(in.text, "200 OK", "Contact: <sip:bob@"+callee.addr+">", "X-Copy: "+n))
		if got := caller.want("SIP/2.0 200 "); header(got.text, "X-Copy") != n {
			t.Errorf("copy %s is %s", n, got.text)
		}
	}
}

// TestCancel checks that a CANCEL waits for the callee's first response, since
// it must not overtake the INVITE.
func TestCancel(t *testing.T) {
	var mu sync.Mutex
	var order []string
	s, caller, callee, _ := endpoints(t, newUDP, newUDP, Config{Trace: func(e TraceEvent) {
		line, _, _ := strings.Cut(string(e.Raw), " sip:")
		mu.Lock()
		defer mu.Unlock()
		if e.Sent && line == "CANCEL" {
			order = append(order, line)
		}
		if !e.Sent && strings.HasPrefix(line, "SIP/2.0 180 ") {
			order = append(order, "180")
		}
	}})
	caller.send(s.Addr(), caller.request("INVITE", "sip:bob@example.com", "call", 1))
	caller.want("SIP/2.0 100 ")
	in := callee.want("INVITE ")
	cancel := caller.request("CANCEL", "sip:bob@example.com", "call", 1)
	for range 3 { // repetitions do no harm
		caller.send(s.Addr(), cancel)
	}
	oks, refused := 0, false
	for oks == 0 || !refused { // each repetition may get a 200 of its own
		switch got := caller.want("SIP/2.0 "); {
		case strings.HasPrefix(got.text, "SIP/2.0 200 ") && header(got.text, "CSeq") == "1 CANCEL":
			oks++
		case strings.HasPrefix(got.text, "SIP/2.0 487 ") && header(got.text, "CSeq") == "1 INVITE":
			refused = true
		default:
			t.Fatalf("CANCEL and INVITE got\n%s", got.text)
		}
	}
	callee.wantSilence(s.Addr())
	in.answer(response(in.text, "180 Ringing"))
	c := callee.want("CANCEL sip:bob@" + callee.addr)
	if got, want := header(c.text, "Via"), header(in.text, "Via"); got != want {
		t.Errorf("the CANCEL's Via is %s, the INVITE's %s", got, want)
	}
	c.answer(response(c.text, "200 OK"))
	in.answer(response(in.text, "487 Request Terminated"))
	callee.want("ACK ")
	mu.Lock()
	defer mu.Unlock()
	if len(order) != 2 || order[0] != "180" {
		t.Errorf("the order was %q", order)
	}
}

// TestLate2xx checks that a 200 which crosses a CANCEL reaches the caller, who
// alone can end that call.
func TestLate2xx(t *testing.T) {
	s, caller, callee, _ := endpoints(t, newUDP, newUDP, Config{})
	caller.send(s.Addr(), caller.request("INVITE", "sip:bob@example.com", "call", 1))
	caller.want("SIP/2.0 100 ")
	in := callee.want("INVITE ")
	in.answer(response(in.text, "180 Ringing"))
	caller.want("SIP/2.0 180 ")
	caller.send(s.Addr(), caller.request("CANCEL", "sip:bob@example.com", "call", 1))
	caller.want("SIP/2.0 200 ")
	refused := caller.want("SIP/2.0 487 ")
	caller.send(s.Addr(), caller.request("ACK", "sip:bob@example.com", "call", 1,
		"To: "+header(refused.text, "To"), "Via: "+header(refused.text, "Via")))
	c := callee.want("CANCEL ")
	c.answer(response(c.text, "200 OK"))
	in.answer(response(in.text, "200 OK", "Contact: <sip:bob@"+callee.addr+">"))
	if late := caller.want("SIP/2.0 200 "); header(late.text, "CSeq") != "1 INVITE" {
		t.Errorf("got\n%s", late.text)
	}
}

// TestRefusals lists what is not relayed.
func TestRefusals(t *testing.T) {
	s, caller, callee, app := endpoints(t, newUDP, newUDP, Config{})
	for name, x := range map[string]struct {
		method, uri string
		extra       []string
		want        string
	}{
		"no hops left":              {"INVITE", "sip:bob@example.com", []string{"Max-Forwards: 0"}, "483"},
		"a demand on proxies":       {"INVITE", "sip:bob@example.com", []string{"Proxy-Require: magic"}, "420"},
		"a scheme that is not ours": {"INVITE", "tel:+123", nil, "416"},
		"an absent user's MESSAGE":  {"MESSAGE", "sip:carol@example.com", nil, "480"},
		"BYE to no dialog":          {"BYE", "sip:carol@example.com", nil, "480"},
		"another presence package":  {"SUBSCRIBE", "sip:bob@example.com", []string{"Event: dialog"}, "489"},
		"the AS by its Contact":     {"INVITE", "sip:carol@example.com", []string{"Contact: <sip:x@" + app.addr + ">"}, "480"},
	} {
		t.Run(name, func(t *testing.T) {
			caller.t = t
			caller.send(s.Addr(), caller.request(x.method, x.uri, strings.ReplaceAll(name, " ", "-"), 1, x.extra...))
			got := caller.want("SIP/2.0 ")
			if strings.HasPrefix(got.text, "SIP/2.0 100 ") {
				got = caller.want("SIP/2.0 ")
			}
			if !strings.HasPrefix(got.text, "SIP/2.0 "+x.want+" ") {
				t.Errorf("got %s", got.text)
			}
		})
	}
	callee.wantSilence(s.Addr())
	app.wantSilence(s.Addr())
}

// TestLoop registers a contact that is the server itself.
func TestLoop(t *testing.T) {
	s, caller, callee, _ := endpoints(t, newUDP, newUDP, Config{})
	callee.register(s, "carol", "loop", 1, "Contact: <sip:carol@"+s.Addr()+">")
	caller.send(s.Addr(), caller.request("INVITE", "sip:carol@example.com", "call", 1, "Max-Forwards:"))
	caller.want("SIP/2.0 100 ")
	if got := caller.want("SIP/2.0 "); !strings.HasPrefix(got.text, "SIP/2.0 482 ") {
		t.Errorf("got %s", got.text)
	}
}

// TestRoute checks that a caller may name the server in a Route, and that with
// RecordRoute the server stays in the path of the dialog.
func TestRoute(t *testing.T) {
	s, caller, callee, _ := endpoints(t, newUDP, newUDP, Config{RecordRoute: true})
	route := "Route: <sip:" + s.Addr() + ";lr>"
	caller.send(s.Addr(), caller.request("INVITE", "sip:bob@example.com", "call", 1, route))
	caller.want("SIP/2.0 100 ")
	in := callee.want("INVITE sip:bob@" + callee.addr)
	if got := headers(in.text, "Route"); got != nil {
		t.Errorf("the callee got Route %q", got)
	}
	if got := header(in.text, "Record-Route"); got != "<sip:"+s.Addr()+";lr>" {
		t.Errorf("the callee got Record-Route %q", got)
	}
	in.answer(response(in.text, "200 OK", "Contact: <sip:bob@"+callee.addr+">"))
	caller.want("SIP/2.0 200 ")
	for _, method := range []string{"ACK", "BYE"} {
		seq := map[string]int{"ACK": 1, "BYE": 2}[method]
		caller.send(s.Addr(), caller.request(method, "sip:bob@"+callee.addr, "call", seq, "To: <sip:bob@example.com>;tag=b", route))
		got := callee.want(method + " sip:bob@" + callee.addr)
		if headers(got.text, "Route") != nil || headers(got.text, "Record-Route") != nil {
			t.Errorf("the callee got\n%s", got.text)
		}
	}
	// A Route on to somebody else is where the request goes next.
	next := newUDP(t)
	caller.send(s.Addr(), caller.request("MESSAGE", "sip:x@203.0.113.1", "on", 1, route, "Route: <sip:"+next.addr+";lr>"))
	if got := next.want("MESSAGE sip:x@203.0.113.1"); header(got.text, "Route") != "<sip:"+next.addr+";lr>" {
		t.Errorf("the next hop got\n%s", got.text)
	}
}

// TestAbsentUser checks the way to the application server on the wire.
func TestAbsentUser(t *testing.T) {
	s, caller, _, app := endpoints(t, newUDP, newUDP, Config{})
	caller.send(s.Addr(), caller.request("INVITE", "sip:carol@example.com", "call", 1, "To: <sip:carol@example.com>"))
	caller.want("SIP/2.0 100 ")
	in := app.want("INVITE sip:carol@example.com")
	if header(in.text, "To") != "<sip:carol@example.com>" {
		t.Errorf("the application server got\n%s", in.text)
	}
	in.answer(response(in.text, "486 Busy Here"))
	app.want("ACK ")
	caller.want("SIP/2.0 486 ")
	app.send(s.Addr(), app.request("INVITE", "sip:carol@example.com", "back", 1, "Contact: <sip:offline@192.0.2.1>"))
	if got := app.want("SIP/2.0 "); !strings.HasPrefix(got.text, "SIP/2.0 480 ") {
		t.Errorf("the application server's own call got\n%s", got.text)
	}
}
