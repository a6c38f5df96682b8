package sipua

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/gomscp/gomscp/internal/admit"
	"github.com/gomscp/gomscp/internal/testutil"
)

// peersOnly has 127.0.0.1 as the one peer.
func peersOnly(a netip.Addr, _ []string) bool { return a == netip.MustParseAddr("127.0.0.1") }

func forbid(req *sip.Request, _ Peer) *sip.Response {
	return sip.NewResponseFromRequest(req, 403, "Forbidden", nil)
}

// newStranger is a raw peer at another loopback address; without one the test is skipped.
func newStranger(t *testing.T, host string) *rawPeer {
	t.Helper()
	c, err := net.ListenPacket("udp", host+":0")
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { c.Close() })
	return &rawPeer{testutil.SIPSocket{T: t, PacketConn: c}, t}
}

// dialFrom connects from a loopback address of its own.
func dialFrom(t *testing.T, host, addr string) net.Conn {
	t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(host)}, Timeout: 10 * time.Second}
	c, err := d.Dial("tcp", addr)
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	return c
}

// all are the datagrams that come until none has come for so long.
func (p *rawPeer) all(quiet time.Duration) (all []string) {
	buf := make([]byte, 65536)
	for {
		_ = p.SetReadDeadline(time.Now().Add(quiet))
		n, _, err := p.ReadFrom(buf)
		if err != nil {
			return all
		}
		all = append(all, string(buf[:n]))
	}
}

// TestStrangersGetOneSmallAnswer sends requests of all kinds that are refused, as one does
// who forges the address of somebody else: each gets one datagram that is little larger
// than itself, and sipgo keeps nothing of any. See RFC 3261, section 26.3.2.4.
func TestStrangersGetOneSmallAnswer(t *testing.T) {
	ua := newUAWith(t, Config{IsPeer: peersOnly}, Handlers{Admit: forbid})
	to := "<sip:test@example.com>"
	for name, tc := range map[string]struct {
		make func(p *rawPeer) string
		want string // "" is no answer
	}{
		"INVITE": {func(p *rawPeer) string { return p.request("INVITE", name1(p), "f", to, "") }, "403"},
		"INVITE without Max-Forwards": {func(p *rawPeer) string {
			return strings.Replace(p.request("INVITE", name1(p), "f", to, ""), "Max-Forwards: 70\r\n", "", 1)
		}, "403"},
		"OPTIONS":                {func(p *rawPeer) string { return p.request("OPTIONS", name1(p), "f", to, "") }, "403"},
		"REGISTER":               {func(p *rawPeer) string { return p.request("REGISTER", name1(p), "f", to, "") }, "403"},
		"SUBSCRIBE":              {func(p *rawPeer) string { return p.request("SUBSCRIBE", name1(p), "f", to, "") }, "403"},
		"unknown method":         {func(p *rawPeer) string { return p.request("FOO", name1(p), "f", to, "") }, "403"},
		"NOTIFY within a dialog": {func(p *rawPeer) string { return p.request("NOTIFY", name1(p), "f", to+";tag=x", "") }, "403"},
		"BYE of no dialog":       {func(p *rawPeer) string { return p.request("BYE", name1(p), "f", to+";tag=x", "") }, "481"},
		"INVITE of no dialog":    {func(p *rawPeer) string { return p.request("INVITE", name1(p), "f", to+";tag=x", "") }, "481"},
		"CANCEL of nothing":      {func(p *rawPeer) string { return p.request("CANCEL", name1(p), "f", to, "") }, "481"},
		"ACK of nothing":         {func(p *rawPeer) string { return p.request("ACK", name1(p), "f", to, "") }, ""},
		"no From tag": {func(p *rawPeer) string {
			return strings.Replace(p.request("INVITE", name1(p), "f", to, ""), ";tag=f", "", 1)
		}, "400"},
		"two Call-IDs": {func(p *rawPeer) string {
			return strings.Replace(p.request("INVITE", name1(p), "f", to, ""), "Call-ID:", "Call-ID: y\r\nCall-ID:", 1)
		}, "400"},
		"bad CSeq": {func(p *rawPeer) string {
			return strings.Replace(p.request("INVITE", name1(p), "f", to, ""), "1 INVITE", "1 BYE", 1)
		}, "400"},
		"no SIP/2.0": {func(p *rawPeer) string {
			return strings.Replace(p.request("INVITE", name1(p), "f", to, ""), "SIP/2.0\r\nVia", "SIP/3.0\r\nVia", 1)
		}, "505"},
		"long URI": {func(p *rawPeer) string {
			return strings.Replace(p.request("INVITE", name1(p), "f", to, ""), "test@x", strings.Repeat("u", 2*MaxURI)+"@x", 1)
		}, "403"},
		"unknown extension": {func(p *rawPeer) string { return p.request("INVITE", name1(p), "f", to, "Require: foo\r\n") }, "403"},
		"unknown scheme": {func(p *rawPeer) string {
			return strings.Replace(p.request("INVITE", name1(p), "f", to, ""), "sip:test@x", "foo:test", 1)
		}, "403"},
		"half a message": {func(p *rawPeer) string { return "INVITE sip:test@x SIP/2.0\r\nVia: SIP/2.0/UDP " + p.Addr() }, ""},
		"no request":     {func(*rawPeer) string { return "hello\r\n\r\n" }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newStranger(t, "127.0.0.2")
			m := tc.make(p)
			for range 2 { // what is sent again is answered again, with the same tag
				p.Send(ua.Addr(), m)
			}
			answers := p.all(1200 * time.Millisecond) // timer G fires after 500 ms
			if tc.want == "" {
				if len(answers) > 0 {
					t.Errorf("answered: %.60q", answers[0])
				}
				return
			}
			if len(answers) != 2 {
				t.Fatalf("%d answers to 2 requests: %.60q", len(answers), answers)
			}
			for _, a := range answers {
				if !strings.HasPrefix(a, "SIP/2.0 "+tc.want) || a != answers[0] {
					t.Errorf("answered %.60q", a)
				}
				if len(a) > len(m)+120 {
					t.Errorf("%d bytes for %d", len(a), len(m))
				}
			}
		})
	}
	t.Cleanup(func() {
		if n := ua.sipgo.TransportLayer().Pool("udp").Size(); n > 2 {
			t.Errorf("sipgo remembers %d addresses", n)
		}
	})
}

// name1 is a Call-ID of a test's own.
func name1(p *rawPeer) string { return strings.ReplaceAll(p.t.Name(), "/", "-") }

// TestStrangerThatIsLetIn calls as a stranger whom Admit lets in: it is asked once, and the
// request that is sent again, the CANCEL, the ACK and what is within the dialog come
// through. What another address says of the call does not.
func TestStrangerThatIsLetIn(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	calls, ringing := make(chan *Call, 1), make(chan *IncomingCall, 2)
	ua := newUAWith(t, Config{IsPeer: peersOnly}, Handlers{
		Admit: func(req *sip.Request, from Peer) *sip.Response {
			if asked.Add(1); !from.Addr.Addr().IsLoopback() || from.Transport != "UDP" {
				t.Errorf("from %+v", from)
			}
			if req.Method != sip.INVITE {
				return forbid(req, from)
			}
			return nil
		},
		Invite: func(in *IncomingCall) {
			if strings.HasPrefix(in.ID().CallID, "answered") {
				answering(t, calls, nil)(in)
				return
			}
			ringing <- in
			<-in.Cancelled()
		},
	})
	p, other := newStranger(t, "127.0.0.2"), newStranger(t, "127.0.0.3")
	to := "<sip:test@example.com>"

	invite := p.request("INVITE", "cancelled", "f", to, "Content-Length: 0\r\n")
	p.Send(ua.Addr(), invite)
	p.next("SIP/2.0 100")
	p.Send(ua.Addr(), invite)
	p.next("SIP/2.0 100")
	<-ringing
	cancel := strings.NewReplacer("INVITE sip", "CANCEL sip", "1 INVITE", "1 CANCEL").Replace(invite)
	other.Send(ua.Addr(), strings.Replace(cancel, ";branch", ";rport;branch", 1))
	other.next("SIP/2.0 481")
	p.Send(ua.Addr(), cancel)
	p.next("SIP/2.0 200")
	refused := p.next("SIP/2.0 487")
	p.Send(ua.Addr(), strings.NewReplacer("INVITE sip", "ACK sip", "1 INVITE", "1 ACK", "To: "+to, "To: "+testutil.Field(refused, "To")).Replace(invite))
	if more := p.all(1200 * time.Millisecond); len(more) > 0 {
		t.Errorf("after the ACK: %.60q", more)
	}

	invite = p.request("INVITE", "answered", "f", to, "Content-Length: 0\r\n")
	p.Send(ua.Addr(), invite)
	ok := p.next("SIP/2.0 200")
	p.Send(ua.Addr(), strings.NewReplacer("INVITE sip", "ACK sip", "1 INVITE", "1 ACK", "To: "+to, "To: "+testutil.Field(ok, "To"), "z9hG4bK", "z9hG4bKack").Replace(invite))
	call := <-calls
	p.Send(ua.Addr(), strings.NewReplacer("INVITE sip", "BYE sip", "1 INVITE", "2 BYE", "To: "+to, "To: "+testutil.Field(ok, "To"), "z9hG4bK", "z9hG4bKbye").Replace(invite))
	p.next("SIP/2.0 200")
	<-call.Done()
	if n := asked.Load(); n != 2 {
		t.Errorf("Admit was asked %d times, want 2", n)
	}
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) { // the handler's end gives it back
		c := ua.Unanswered()
		if c.Strangers == 0 && c.Peers == 0 {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("left: %+v", c)
		}
	}
}

// TestStrangersRate floods with datagrams from one address: what is too much gets no
// answer, and another's does.
func TestStrangersRate(t *testing.T) {
	ua := newUAWith(t, Config{IsPeer: peersOnly}, Handlers{Admit: forbid})
	p, other := newStranger(t, "127.0.0.2"), newStranger(t, "127.0.0.3")
	sent := 0
	for began := time.Now(); time.Since(began) < time.Second/2; sent++ {
		p.Send(ua.Addr(), p.request("OPTIONS", "flood", "f", "<sip:test@example.com>", ""))
	}
	request := other.request("OPTIONS", "other", "f", "<sip:test@example.com>", "")
	for tries := 0; ; tries++ { // the system may have dropped it, as the flood filled its buffer
		other.Send(ua.Addr(), request)
		if got := other.all(time.Second / 2); len(got) > 0 && strings.HasPrefix(got[0], "SIP/2.0 403") {
			break
		}
		if tries == 10 { // timer F, in requests
			t.Fatal("another stranger got no answer")
		}
	}
	if answers := len(p.all(300 * time.Millisecond)); answers > 2*MaxStrangerRateSource+MaxStrangerRateSource || answers == 0 {
		t.Errorf("%d answers to %d requests", answers, sent)
	}
	if n := ua.Connections().Refused[admit.ReasonRate]; n == 0 && sent > 1000 {
		t.Errorf("none of %d counted", sent)
	}
}

// TestManySourcesOverUDP has calls come from more addresses than sipgo is to remember at a
// time. Every one is served, and it forgets.
func TestManySourcesOverUDP(t *testing.T) {
	ua := newUAWith(t, Config{sources: 5}, Handlers{})
	for i := range 64 {
		p := newRawPeer(t)
		p.Send(ua.Addr(), p.request("OPTIONS", fmt.Sprint("many", i), "f", "<sip:test@example.com>", ""))
		p.next("SIP/2.0 200")
	}
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		n := ua.sipgo.TransportLayer().Pool("udp").Size()
		if n <= 7 { // with our own address, and those of one reader
			break
		}
		if time.Now().After(end) {
			t.Fatalf("sipgo remembers %d addresses", n)
		}
	}
	p := newRawPeer(t)
	p.Send(ua.Addr(), p.request("OPTIONS", "after", "f", "<sip:test@example.com>", ""))
	p.next("SIP/2.0 200")
	if err := ua.Ping(testContext(t), ua.Addr(), "sip:a@example.com"); err != nil {
		t.Error(err)
	}
}

// awaitConnections waits until there are that many connections.
func awaitConnections(t *testing.T, ua *UA, peers, strangers int) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		c := ua.Connections()
		if c.Peers == peers && c.Strangers == strangers {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%+v, want %d of peers and %d of strangers", c, peers, strangers)
		}
	}
}

// isClosed waits for the end of a connection.
func isClosed(t *testing.T, c net.Conn) {
	t.Helper()
	if _, err := io.Copy(io.Discard, c); errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error("not closed")
	}
}

// options asks over a connection and wants that answer.
func options(t *testing.T, c net.Conn, id, want string) {
	t.Helper()
	fmt.Fprintf(c, "OPTIONS sip:test@x SIP/2.0\r\nVia: SIP/2.0/TCP %s;branch=z9hG4bK%s\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\nCall-ID: %s\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n", c.LocalAddr(), id, id)
	buf := make([]byte, 4096)
	n, err := c.Read(buf)
	if err != nil || !strings.HasPrefix(string(buf[:n]), "SIP/2.0 "+want) {
		t.Fatalf("%v, %.40q, want %s", err, buf[:n], want)
	}
}

// TestStrangersConnections fills the strangers' places with connections that are idle, or
// stop in the middle. Peers connect and are served all the while, the flood pushes out
// its own, and in time all are closed.
func TestStrangersConnections(t *testing.T) {
	t.Parallel()
	ua := newUAWith(t, Config{IsPeer: peersOnly, MaxStrangers: 10, MaxStrangersSource: 8, timers: timers{stranger: 2 * time.Second}}, Handlers{Admit: forbid})
	early := dialFrom(t, "127.0.0.1", ua.Addr())
	awaitConnections(t, ua, 1, 0)
	quiet := dialFrom(t, "127.0.0.3", ua.Addr())
	var flood []net.Conn
	for i := range 8 {
		c := dialFrom(t, "127.0.0.2", ua.Addr())
		fmt.Fprint(c, "INVITE sip:x@y SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.2"[:7*i])
		flood = append(flood, c)
	}
	awaitConnections(t, ua, 1, 9)
	isClosed(t, dialFrom(t, "127.0.0.2", ua.Addr())) // over its share
	for i := range 3 {
		options(t, dialFrom(t, fmt.Sprintf("127.0.0.%d", 4+i), ua.Addr()), fmt.Sprint("n", i), "403") // a newcomer is heard
	}
	isClosed(t, flood[0])
	isClosed(t, flood[1])
	options(t, quiet, "q", "403")
	options(t, dialFrom(t, "127.0.0.1", ua.Addr()), "p", "200")
	options(t, early, "e", "200")
	awaitConnections(t, ua, 2, 10)
	awaitConnections(t, ua, 2, 0) // the strangers' time is over
	options(t, early, "e2", "200")
	r := ua.Connections().Refused
	if r[admit.ReasonSource] != 1 || r[admit.ReasonEvicted] != 2 || r[admit.ReasonLate] != 10 {
		t.Errorf("counted: %v", r)
	}
}

// TestAMessageHasItsTime sends a peer's message byte by byte, and never ends it: its time
// does not begin anew with each. Between messages, the connection may be silent.
func TestAMessageHasItsTime(t *testing.T) {
	ua := newUAWith(t, Config{timers: timers{message: 300 * time.Millisecond}}, Handlers{})
	c, err := net.Dial("tcp", ua.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	options(t, c, "first", "200")
	time.Sleep(500 * time.Millisecond)
	options(t, c, "second", "200")
	began := time.Now()
	for i := 0; err == nil && i < 200; i++ {
		_, err = c.Write([]byte("INVITE sip:x@y SIP/2.0\r\nSubject: " + strings.Repeat("x", 200))[i : i+1])
		time.Sleep(20 * time.Millisecond)
	}
	if took := time.Since(began); err == nil || took > 3*time.Second {
		t.Errorf("ended after %v: %v", took, err)
	}
}

// TestPeerByCertificate has a peer that is known by its certificate alone come in while
// strangers stop in their handshakes.
func TestPeerByCertificate(t *testing.T) {
	ca := newAuthority(t)
	server := ca.config(ca.issue("127.0.0.1"))
	ua := newUAWith(t, Config{
		TLS: server, MaxStrangers: 6, MaxStrangersSource: 4,
		IsPeer: func(_ netip.Addr, names []string) bool { return len(names) == 1 && names[0] == "as.example.com" },
	}, Handlers{Admit: forbid})
	for i := range 6 {
		c := dialFrom(t, fmt.Sprintf("127.0.0.%d", 2+i%2), ua.TLSAddr())
		fmt.Fprint(c, "\x16\x03\x01\x02\x00\x01")
	}
	awaitConnections(t, ua, 0, 6)
	dial := func(name string) net.Conn {
		cert := ca.issue(name)
		nc := dialFrom(t, "127.0.0.9", ua.TLSAddr())
		c := tls.Client(nc, &tls.Config{InsecureSkipVerify: true, Certificates: []tls.Certificate{cert}})
		if err := c.Handshake(); err != nil {
			t.Fatal(err)
		}
		return c
	}
	options(t, dial("as.example.com"), "tls", "200")
	options(t, dial("other.example.com"), "tls2", "403")
	awaitConnections(t, ua, 1, 6)
}
