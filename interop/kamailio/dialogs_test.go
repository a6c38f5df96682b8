package kamailio

import (
	"context"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/gomscp/gomscp/interop/cluster"
	"github.com/gomscp/gomscp/interop/strictpeer"
)

const (
	audioOnly = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n"
	messages  = "m=message 2855 TCP/MSRP *\r\na=path:msrp://127.0.0.1:2855/a;tcp\r\na=accept-types:*\r\n"
)

// A station is a place that speaks SIP by hand.
type station struct {
	*strictpeer.Endpoint
	t *testing.T
}

func newStation(t *testing.T, transport string) station {
	t.Helper()
	e, err := strictpeer.Listen(transport)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	return station{e, t}
}

// next returns the next message of that method, or the next final response to it.
func (s station) next(method string) strictpeer.Packet {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 10*time.Second)
	defer cancel()
	for {
		p, err := s.Receive(ctx)
		if err != nil {
			s.t.Fatalf("no %s: %v", method, err)
		}
		if p.Err != nil {
			s.t.Fatal(p.Err)
		}
		if p.Method() == method || p.Status() >= 200 && strings.HasSuffix(p.Get("CSeq"), " "+method) {
			return p
		}
	}
}

func (s station) send(to string, m *strictpeer.Message) {
	s.t.Helper()
	if err := s.Send(to, m); err != nil {
		s.t.Fatal(err)
	}
}

// request makes a request outside dialogs.
func (s station) request(method, uri, from, to string, more ...strictpeer.Field) *strictpeer.Message {
	m := &strictpeer.Message{Start: method + " " + uri + " SIP/2.0"}
	m.Add("Via", s.Via())
	m.Add("Max-Forwards", "70")
	m.Add("From", from)
	m.Add("To", to)
	m.Add("Call-ID", fmt.Sprint(method, time.Now().UnixNano(), "@127.0.0.1"))
	m.Add("CSeq", "1 "+method)
	m.Fields = append(m.Fields, more...)
	return m
}

// inDialog makes the next request of the side that has sent, or got, an INVITE.
func (s station) inDialog(method, target string, invite, ok *strictpeer.Message, caller bool, routes ...string) *strictpeer.Message {
	from, to := invite.Get("From"), ok.Get("To")
	if !caller {
		from, to = to, from
	}
	m := s.request(method, target, from, to)
	for i, f := range m.Fields {
		if f.Name == "Call-ID" {
			m.Fields[i].Value = invite.Get("Call-ID")
		}
		if f.Name == "CSeq" && method != "ACK" {
			m.Fields[i].Value = "2 " + method
		}
	}
	for _, r := range routes {
		m.Add("Route", r)
	}
	return m
}

// routes are the routes of a request or response, in the order in which the
// other side of the dialog uses them; reversed for the caller.
func routes(m *strictpeer.Message, reversed bool) (list []string) {
	for _, v := range m.All("Record-Route") {
		for r := range strings.SplitSeq(v, ",") {
			if r = strings.TrimSpace(r); reversed {
				list = append([]string{r}, list...)
			} else {
				list = append(list, r)
			}
		}
	}
	return list
}

// register registers a device that has an instance, and returns its GRUU.
func (s station) register(k, user, domain, instance string, more ...strictpeer.Field) string {
	s.t.Helper()
	aor := "<sip:" + user + "@" + domain + ">"
	contact := "<" + s.Contact(user) + ">"
	if instance != "" {
		contact += `;+sip.instance="<` + instance + `>"`
	}
	s.send(k, s.request("REGISTER", "sip:"+domain, aor+";tag=r", aor, append(more,
		strictpeer.Field{Name: "Supported", Value: "gruu, path"}, strictpeer.Field{Name: "Contact", Value: contact}, strictpeer.Field{Name: "Expires", Value: "60"})...))
	ok := s.next("REGISTER")
	if ok.Status() != 200 {
		s.t.Fatalf("REGISTER got\n%s", ok.Message)
	}
	for _, c := range ok.All("Contact") {
		if _, rest, found := strings.Cut(c, `pub-gruu="`); found && strings.Contains(c, instance) {
			gruu, _, _ := strings.Cut(rest, `"`)
			return gruu
		}
	}
	return ""
}

func startWith(t *testing.T, app string, moreDomains ...string) string {
	t.Helper()
	need(t)
	addr, err := cluster.FreeAddr()
	if err != nil {
		t.Fatal(err)
	}
	k, err := Start(t.Context(), Options{Addr: addr, Domain: "example.com", MoreDomains: moreDomains, AppServer: app, Dir: t.TempDir(), Log: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Stop)
	return addr
}

// TestKamailioDialogs calls registered devices whose Contact is their GRUU, over
// every pair of transports: requests within the dialog arrive in both directions,
// with the recorded routes and, from a caller that ignores these, without.
func TestKamailioDialogs(t *testing.T) {
	app := newStation(t, "UDP")
	k := startWith(t, app.Addr())
	stations := map[string][2]station{}
	for _, transport := range []string{"UDP", "TCP"} {
		caller := app
		if transport == "TCP" {
			caller = newStation(t, "TCP")
		}
		stations[transport] = [2]station{caller, newStation(t, transport)}
	}
	other := newStation(t, "UDP")
	otherGRUU := other.register(k, "bob", "example.com", "urn:uuid:00000000-0000-4000-8000-000000000001")
	for callee, pair := range stations {
		bob := pair[1]
		gruu := bob.register(k, "bob"+strings.ToLower(callee), "example.com", "urn:uuid:8cca151e-275a-4b49-a468-3ef1a10242df")
		if !strings.HasPrefix(gruu, "sip:bob") || !strings.Contains(gruu, ";gr=urn:uuid:8cca") || gruu == otherGRUU {
			t.Fatalf("the GRUU is %q", gruu)
		}
		for caller, pair := range stations {
			for _, routed := range []bool{true, false} {
				t.Run(fmt.Sprintf("%s to %s, routed %v", caller, callee, routed), func(t *testing.T) {
					a, b := pair[0], bob
					a.t, b.t = t, t
					invite := a.request("INVITE", "sip:bob"+strings.ToLower(callee)+"@example.com", "<sip:alice@example.com>;tag=a", "<sip:bob@example.com>",
						strictpeer.Field{Name: "Contact", Value: "<" + a.Contact("offline") + ">"})
					a.send(k, invite)
					got := b.next("INVITE")
					ok := got.Reply("200 OK", "b", strictpeer.Field{Name: "Contact", Value: "<" + gruu + ">"})
					b.send(got.From, ok)
					res := a.next("INVITE")
					if res.Status() != 200 || len(routes(res.Message, true)) == 0 {
						t.Fatalf("no Record-Route in\n%s", res.Message)
					}
					set := routes(res.Message, true)
					if !routed {
						set = nil
					}
					a.send(k, a.inDialog("ACK", gruu, invite, ok, true, set...))
					if ack := b.next("ACK"); ack.URI() != b.Contact("bob"+strings.ToLower(callee)) {
						t.Errorf("the ACK is for %s", ack.URI())
					}
					a.send(k, a.inDialog("INFO", gruu, invite, ok, true, set...))
					info := b.next("INFO")
					b.send(info.From, info.Reply("200 OK", ""))
					if res := a.next("INFO"); res.Status() != 200 {
						t.Errorf("the INFO got\n%s", res.Message)
					}
					b.send(k, b.inDialog("BYE", a.Contact("offline"), invite, ok, false, routes(got.Message, false)...))
					bye := a.next("BYE")
					if bye.URI() != a.Contact("offline") || len(bye.All("Route")) > 0 {
						t.Errorf("the BYE is\n%s", bye.Message)
					}
					a.send(bye.From, bye.Reply("200 OK", ""))
					if res := b.next("BYE"); res.Status() != 200 {
						t.Errorf("the BYE got\n%s", res.Message)
					}
				})
			}
		}
	}
	t.Run("two devices", func(t *testing.T) {
		first, second := other, newStation(t, "UDP")
		first.t = t
		second.register(k, "bob", "example.com", "urn:uuid:00000000-0000-4000-8000-000000000002")
		app.send(k, app.inDialog("BYE", otherGRUU, &strictpeer.Message{Fields: []strictpeer.Field{
			{Name: "From", Value: "<sip:alice@example.com>;tag=a"}, {Name: "Call-ID", Value: "two-devices"},
		}}, &strictpeer.Message{Fields: []strictpeer.Field{{Name: "To", Value: "<sip:bob@example.com>;tag=b"}}}, true))
		bye := first.next("BYE")
		first.send(bye.From, bye.Reply("200 OK", ""))
		app.next("BYE")
	})
}

// TestKamailioKeepsMessagesOnly calls a user who is not there with every kind of
// offer: the application server gets what may be messages, and for anything else
// the proxy says itself that nobody is there.
func TestKamailioKeepsMessagesOnly(t *testing.T) {
	app, caller := newStation(t, "UDP"), newStation(t, "UDP")
	k := startWith(t, app.Addr())
	multipart := func(offer string) string {
		return "--b\r\nContent-Type: text/plain\r\n\r\nm=message is no offer here\r\n--b\r\nContent-Type: application/sdp\r\n\r\n" + offer + "\r\n--b--\r\n"
	}
	for name, tc := range map[string]struct {
		body, contentType string
		kept              bool
	}{
		"messages":              {strings.Replace(audioOnly, "m=audio 4000 RTP/AVP 0\r\n", messages, 1), "application/sdp", true},
		"audio and messages":    {audioOnly + messages, "application/sdp", true},
		"messages in multipart": {multipart(audioOnly + messages), "multipart/mixed;boundary=b", true},
		"no offer":              {"", "", true},
		"audio":                 {audioOnly, "application/sdp", false},
		"audio in multipart":    {multipart(audioOnly), "multipart/mixed;boundary=b", false},
		"messages at port 0":    {audioOnly + strings.Replace(messages, "2855", "0", 1), "application/sdp", false},
		"a word of messages":    {strings.Replace(audioOnly, "s=-", "s=about m=message 1", 1), "application/sdp", false},
	} {
		t.Run(name, func(t *testing.T) {
			caller, app := caller, app
			caller.t, app.t = t, t
			invite := caller.request("INVITE", "sip:carol@example.com", "<sip:alice@example.com>;tag=a", "<sip:carol@example.com>",
				strictpeer.Field{Name: "Contact", Value: "<" + caller.Contact("alice") + ">"})
			if invite.Body = tc.body; tc.body != "" {
				invite.Add("Content-Type", tc.contentType)
			}
			caller.send(k, invite)
			want := 480
			if tc.kept {
				want = 486
				got := app.next("INVITE")
				app.send(got.From, got.Reply("486 Busy Here", "as"))
				app.next("ACK")
			}
			res := caller.next("INVITE")
			if res.Status() != want {
				t.Errorf("got %s", res.Start)
			}
			ack := caller.inDialog("ACK", invite.URI(), invite, res.Message, true)
			ack.Fields[0].Value = invite.Get("Via")
			caller.send(k, ack)
		})
	}
}

// TestKamailioPath registers a device through an edge proxy: a call goes there,
// with a Route.
func TestKamailioPath(t *testing.T) {
	app, edge := newStation(t, "UDP"), newStation(t, "UDP")
	k := startWith(t, app.Addr())
	edge.register(k, "bob", "example.com", "", strictpeer.Field{Name: "Path", Value: "<sip:" + edge.Addr() + ";lr>"})
	app.send(k, app.request("INVITE", "sip:bob@example.com", "<sip:alice@example.com>;tag=a", "<sip:bob@example.com>",
		strictpeer.Field{Name: "Route", Value: "<sip:" + k + ";lr>"}, strictpeer.Field{Name: "Contact", Value: "<" + app.Contact("offline") + ">"}))
	got := edge.next("INVITE")
	if r := got.All("Route"); len(r) != 1 || r[0] != "<sip:"+edge.Addr()+";lr>" {
		t.Errorf("the routes are %q", r)
	}
	edge.send(got.From, got.Reply("486 Busy Here", "b"))
	app.next("INVITE")
}

// TestKamailioTwoDomains has users of one name in two domains: a registration of
// the one is none of the other.
func TestKamailioTwoDomains(t *testing.T) {
	app, bob := newStation(t, "UDP"), newStation(t, "UDP")
	k := startWith(t, app.Addr(), "example.net")
	bob.register(k, "bob", "example.com", "")
	for domain, where := range map[string]station{"example.com": bob, "example.net": app} {
		caller := newStation(t, "UDP")
		caller.send(k, caller.request("INVITE", "sip:bob@"+domain, "<sip:alice@example.com>;tag=a", "<sip:bob@"+domain+">",
			strictpeer.Field{Name: "Contact", Value: "<" + caller.Contact("alice") + ">"}))
		got := where.next("INVITE")
		where.send(got.From, got.Reply("486 Busy Here", "b"))
		caller.next("INVITE")
	}
}

// TestKamailioSubscribesAtDevices subscribes to what the presence server does not
// know: the device gets it, and the refresh as well.
func TestKamailioSubscribesAtDevices(t *testing.T) {
	app, bob := newStation(t, "UDP"), newStation(t, "UDP")
	k := startWith(t, app.Addr())
	gruu := bob.register(k, "bob", "example.com", "urn:uuid:8cca151e-275a-4b49-a468-3ef1a10242df")
	event := []strictpeer.Field{{Name: "Event", Value: "dialog"}, {Name: "Contact", Value: "<" + app.Contact("offline") + ">"}, {Name: "Expires", Value: "60"}}
	first := app.request("SUBSCRIBE", "sip:bob@example.com", "<sip:alice@example.com>;tag=a", "<sip:bob@example.com>", event...)
	app.send(k, first)
	got := bob.next("SUBSCRIBE")
	if len(routes(got.Message, false)) == 0 {
		t.Errorf("no Record-Route in\n%s", got.Message)
	}
	ok := got.Reply("200 OK", "b", strictpeer.Field{Name: "Contact", Value: "<" + gruu + ">"}, strictpeer.Field{Name: "Expires", Value: "60"})
	bob.send(got.From, ok)
	app.next("SUBSCRIBE")
	refresh := app.inDialog("SUBSCRIBE", gruu, first, ok, true, routes(ok, true)...)
	refresh.Fields = append(refresh.Fields, event...)
	app.send(k, refresh)
	got = bob.next("SUBSCRIBE")
	bob.send(got.From, got.Reply("200 OK", "", strictpeer.Field{Name: "Expires", Value: "60"}))
	if res := app.next("SUBSCRIBE"); res.Status() != 200 || res.Get("CSeq") != "2 SUBSCRIBE" {
		t.Errorf("the refresh got\n%s", res.Message)
	}
}
