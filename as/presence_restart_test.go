package as

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gomscp/gomscp/as/internal/mailbox"
)

// A presenceServer is a notifier over TCP that is written by hand. It keeps its
// subscriptions in memory only.
type presenceServer struct {
	t    *testing.T
	addr string

	mu       sync.Mutex
	listener net.Listener
	conns    map[net.Conn]bool
	known    map[string]int // the last CSeq by Call-ID
	present  bool           // all users are there
	asked    []time.Time    // SUBSCRIBEs
	ended    int            // of them, with Expires: 0
	refused  []string       // responses to NOTIFYs other than 200
}

func startPresence(t *testing.T) *presenceServer {
	p := &presenceServer{t: t, addr: "127.0.0.1:0"}
	p.start()
	t.Cleanup(p.stop)
	return p
}

func (p *presenceServer) start() {
	p.t.Helper()
	l, err := net.Listen("tcp", p.addr)
	if err != nil {
		p.t.Fatal(err)
	}
	p.mu.Lock()
	p.addr, p.listener, p.conns, p.known = l.Addr().String(), l, map[net.Conn]bool{}, map[string]int{}
	p.mu.Unlock()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			p.mu.Lock()
			if p.listener != l {
				c.Close()
			} else {
				p.conns[c] = true
				go p.serve(c)
			}
			p.mu.Unlock()
		}
	}()
}

func (p *presenceServer) stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.listener.Close()
	for c := range p.conns {
		c.Close()
	}
	p.listener, p.conns = nil, nil
}

func (p *presenceServer) serve(c net.Conn) {
	r := bufio.NewReader(c)
	for {
		h := map[string]string{}
		first := ""
		for {
			line, err := r.ReadString('\n')
			if err != nil {
				return
			}
			line = strings.TrimRight(line, "\r\n")
			if line == "" {
				break
			}
			if name, value, ok := strings.Cut(line, ": "); ok && first != "" {
				h[name] = value
			} else if first == "" {
				first = line
			}
		}
		p.take(c, first, h)
	}
}

const openPIDF = `<presence xmlns="urn:ietf:params:xml:ns:pidf" entity="sip:u@example.com"><tuple id="a"><status><basic>open</basic></status></tuple></presence>`

func (p *presenceServer) take(c net.Conn, first string, h map[string]string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.conns[c] {
		return // of a connection of the server before
	}
	if strings.HasPrefix(first, "SIP/2.0") {
		if !strings.HasPrefix(first, "SIP/2.0 200") {
			p.refused = append(p.refused, first)
		}
		if strings.HasPrefix(first, "SIP/2.0 481") {
			delete(p.known, h["Call-ID"]) // RFC 6665, section 4.2.2
		}
		return
	}
	if strings.HasPrefix(first, "OPTIONS ") {
		fmt.Fprintf(c, "SIP/2.0 200 OK\r\nVia: %s\r\nFrom: %s\r\nTo: %s;tag=pres\r\nCall-ID: %s\r\nCSeq: %s\r\nContent-Length: 0\r\n\r\n", h["Via"], h["From"], h["To"], h["Call-ID"], h["CSeq"])
		return
	}
	p.asked = append(p.asked, time.Now())
	id, to := h["Call-ID"], h["To"]
	status := "200 OK"
	if strings.Contains(to, "tag=") && p.known[id] == 0 {
		status = "481 Subscription does not exist"
	} else if !strings.Contains(to, "tag=") {
		to += ";tag=pres"
	}
	fmt.Fprintf(c, "SIP/2.0 %s\r\nVia: %s\r\nFrom: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %s\r\nContact: <sip:%s;transport=tcp>\r\nExpires: %s\r\nContent-Length: 0\r\n\r\n",
		status, h["Via"], h["From"], to, id, h["CSeq"], p.addr, h["Expires"])
	if status != "200 OK" {
		return
	}
	p.known[id]++
	state, body := "active;expires="+h["Expires"], ""
	if p.present {
		body = openPIDF
	}
	seq := p.known[id]
	if h["Expires"] == "0" {
		p.ended++
		state = "terminated;reason=timeout"
		delete(p.known, id)
	}
	fmt.Fprintf(c, "NOTIFY %s SIP/2.0\r\nVia: SIP/2.0/TCP %s;branch=z9hG4bK%s-%d\r\nMax-Forwards: 70\r\nFrom: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %d NOTIFY\r\nContact: <sip:%s;transport=tcp>\r\nEvent: presence\r\nSubscription-State: %s\r\nContent-Type: application/pidf+xml\r\nContent-Length: %d\r\n\r\n%s",
		strings.Trim(h["Contact"], "<>"), p.addr, id, seq, to, h["From"], id, seq, p.addr, state, len(body), body)
}

// change changes what the server knows.
func (p *presenceServer) change(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f()
}

func (p *presenceServer) subscriptions() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.known)
}

// TestPresenceServerRestarts has the presence server go away, and come back without
// its subscriptions, while a thousand recipients wait whose refreshes are not due for
// minutes. All are called within the time that the pace leaves, and each
// subscription is ended behind its call.
func TestPresenceServerRestarts(t *testing.T) {
	const count, rate = 1000, 1000
	p := startPresence(t)
	m := newFakeMS(t)
	s := startAS(t, func(c *Config) {
		c.Presence.Server, c.Presence.Rate = p.addr+";transport=tcp", rate
		c.Push.Delay = time.Millisecond
		c.Log.Level = "warn"
	}, m)
	called := make(chan string, 2*count)
	var pairs []Pair
	for i := range count {
		pairs = append(pairs, Pair{Recipient: fmt.Sprintf("sip:u%d@example.com", i), Sender: "sip:alice@example.com", Server: m.ua.Addr(), Since: time.Now()})
	}
	if _, err := s.dir.AddAll(pairs); err != nil {
		t.Fatal(err)
	}
	boxes := s.newMailboxes(nil, s.presence, fakePusher{s.newPushService(), func(_ context.Context, p mailbox.Pair) error { called <- p.Recipient; return nil }})
	boxes.Start(s.life.ctx)
	if err := boxes.Follow(map[string]bool{m.ua.Addr(): true}, nil); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the subscriptions", func() bool { return p.subscriptions() == count })
	p.stop()
	p.change(func() { p.present, p.asked = true, nil })
	p.start()
	began := time.Now()
	seen := map[string]bool{}
	for len(seen) < count {
		select {
		case who := <-called:
			seen[who] = true
		case <-time.After(20 * time.Second):
			p.mu.Lock()
			defer p.mu.Unlock()
			t.Fatalf("%d of %d recipients were called; %d subscriptions, %d SUBSCRIBEs; refused: %q", len(seen), count, len(p.known), len(p.asked), p.refused)
		}
	}
	took := time.Since(began)
	p.mu.Lock()
	asked := len(p.asked)
	p.mu.Unlock()
	t.Logf("%d recipients were called %v and %d SUBSCRIBEs after the presence server was back", count, took, asked)
	// A refresh that gets 481 and a new subscription for each, and some again. The pace
	// is held below; how fast the machine follows it is not the matter here.
	if asked > 5*count {
		t.Errorf("that took %d SUBSCRIBEs", asked)
	}
	for end := time.Now().Add(time.Minute); p.subscriptions() > 0 && time.Now().Before(end); { // they end at the pace, too
		time.Sleep(10 * time.Millisecond)
	}
	waitFor(t, "the end of the subscriptions", func() bool { return p.subscriptions() == 0 })
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range p.asked {
		if j := i + 2*rate + rate/10; j < len(p.asked) && p.asked[j].Sub(p.asked[i]) < time.Second {
			t.Fatalf("more than %d SUBSCRIBEs in a second", j-i)
		}
	}
	if p.ended < count {
		t.Errorf("%d of %d subscriptions were ended", p.ended, count)
	}
	t.Logf("%d NOTIFYs were refused", len(p.refused))
	if n := len(p.refused); n > count/20 { // of SUBSCRIBEs whose response was lost with its connection
		t.Errorf("%d NOTIFYs were refused: %q", n, p.refused[:3])
	}
}
