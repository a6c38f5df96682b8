package conform

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gomscp/gomscp/interop/conform/draft"
	"github.com/gomscp/gomscp/sipua"
)

// A mediaPeer is a media server of the bench: SIP, a control channel and media legs of
// which nothing is ever sent.
type mediaPeer struct {
	b    *bench
	ua   *sipua.UA
	host string

	legs     chan *leg       // media legs as they are asked for
	controls chan *control   // control dialogs as they are asked for
	asks     chan *asked     // requests that no rule of the case answers
	notes    chan *draft.PDU // notifications
	came     chan *asChannel

	mu      sync.Mutex
	current *asChannel
	refuse  bool                      // refuse control dialogs
	answer  func(*control)            // a case's own way to answer one; nil for the right one
	onLeg   func(*leg) (handled bool) // a case's own way with a media leg
}

// A leg is one call in which the application server, or the user's side of it, is the caller.
type leg struct {
	in     *sipua.IncomingCall
	at     time.Time
	answer string        // what was sent in the 200
	ack    []byte        // the body of the ACK; valid once acked is closed
	acked  chan struct{} // closed with the ACK
	call   *sipua.Call   // valid once acked is closed
	ended  chan struct{}
}

// A control is one control dialog.
type control struct {
	p        *mediaPeer
	in       *sipua.IncomingCall
	at       time.Time
	offers   chan []byte   // of re-INVITEs
	ready    chan struct{} // closed when call is set
	ended    chan struct{}
	accepted atomic.Int32 // connections to any of its listeners
	requests atomic.Int32 // that have come on them
	tls      bool         // the offer is of TLS
	info     bool         // the offer has no media: the channel goes over INFO
	patient  atomic.Bool  // the application server is to close the connection, after BYE, too
	stop     context.CancelFunc
	ctx      context.Context
	once     sync.Once
	call     *sipua.Call
}

// newMediaPeer opens the sockets of a media server, which may refuse control dialogs.
func newMediaPeer(b *bench, addr string, refuse bool) (*mediaPeer, error) {
	p := &mediaPeer{
		b: b, refuse: refuse, legs: make(chan *leg, maxEvents), controls: make(chan *control, maxEvents), asks: make(chan *asked, maxEvents), notes: make(chan *draft.PDU, maxEvents), came: make(chan *asChannel, maxEvents),
	}
	p.host, _, _ = net.SplitHostPort(addr)
	var err error
	p.ua, err = sipua.New(sipua.Config{Addr: addr, User: "ms", UserAgent: "mscp-interop", Logger: slog.New(slog.DiscardHandler), Trace: b.sipTrace}, sipua.Handlers{Invite: p.invite})
	return p, err
}

func (p *mediaPeer) close() {
	p.mu.Lock()
	c := p.current
	p.refuse = true
	p.mu.Unlock()
	if c != nil && c.conn != nil {
		c.conn.Close()
	}
	p.ua.Close()
}

// reset forgets what a case has wanted, and events. A channel that is up stays, unless
// channels are refused: then it is ended, and dropped is true.
func (p *mediaPeer) reset(refuse bool) (dropped bool) {
	p.mu.Lock()
	p.refuse, p.answer, p.onLeg = refuse, nil, nil
	c := p.current
	p.mu.Unlock()
	if dropped = refuse && c != nil && !c.over(); dropped {
		hangUp(c.call)
	}
	for len(p.legs)+len(p.controls)+len(p.asks)+len(p.notes)+len(p.came) > 0 {
		select {
		case <-p.legs:
		case <-p.controls:
		case <-p.asks:
		case <-p.notes:
		case <-p.came:
		default:
		}
	}
	return dropped
}

// forgetLegs drops the media legs so far, at which no case has looked.
func (p *mediaPeer) forgetLegs() {
	for len(p.legs) > 0 {
		select {
		case <-p.legs:
		default:
		}
	}
}

// hangUp ends a dialog that the application server has made; nil is none.
func hangUp(call *sipua.Call) {
	if call == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), DefaultTimeout)
	defer cancel()
	_ = call.Bye(ctx) // the peer may be gone
}

// await waits for a channel that is up; nil if none comes.
func (p *mediaPeer) await(t *T, d time.Duration) *asChannel {
	deadline := time.NewTimer(d)
	defer deadline.Stop()
	for {
		p.mu.Lock()
		c := p.current
		p.mu.Unlock()
		if c != nil && !c.over() {
			return c
		}
		select {
		case <-p.came:
		case <-deadline.C:
			return nil
		case <-t.ctx.Done():
			return nil
		}
	}
}

// invite takes an INVITE of the application server.
func (p *mediaPeer) invite(in *sipua.IncomingCall) {
	if body := string(in.Body); strings.Contains(body, "m=application") || body != "" && !strings.Contains(body, "\nm=") {
		p.control(in)
		return
	}
	l := newLeg(in)
	push(p.legs, l)
	p.mu.Lock()
	own := p.onLeg
	p.mu.Unlock()
	if own != nil && own(l) {
		return
	}
	l.serve(mediaDescription(p.host, "passive"))
}

// push adds an event; if nobody has looked at maxEvents, it is lost.
func push[E any](events chan E, e E) {
	select {
	case events <- e:
	default:
	}
}

func newLeg(in *sipua.IncomingCall) *leg {
	return &leg{in: in, at: time.Now(), acked: make(chan struct{}), ended: make(chan struct{})}
}

// serve answers a leg, and lasts as long as it does.
func (l *leg) serve(sdp string) {
	defer close(l.ended)
	l.answer = sdp
	call, ack, err := l.in.Answer(context.Background(), []byte(sdp), sdpType)
	if err != nil {
		return
	}
	l.call, l.ack = call, ack
	close(l.acked)
	<-call.Done()
}

var descriptions atomic.Int64

// mediaDescription is a session description of MSRP.
func mediaDescription(host, setup string) string {
	n := descriptions.Add(1)
	return fmt.Sprintf("v=0\r\no=- %d 1 IN IP4 %s\r\ns=-\r\nc=IN IP4 %[2]s\r\nt=0 0\r\nm=message 2855 TCP/MSRP text/plain *\r\n"+
		"a=accept-types:text/plain *\r\na=setup:%s\r\na=path:msrp://%[2]s:2855/conform%[1]d;tcp\r\n", n, host, setup)
}

// control takes a control dialog.
func (p *mediaPeer) control(in *sipua.IncomingCall) {
	p.mu.Lock()
	refuse, own := p.refuse, p.answer
	p.mu.Unlock()
	if refuse {
		_ = in.Reject(503, "")
		return
	}
	c := &control{p: p, in: in, at: time.Now(), offers: make(chan []byte, maxEvents), ready: make(chan struct{}), ended: make(chan struct{})}
	c.ctx, c.stop = context.WithCancel(context.Background())
	defer c.end()
	if m, ok := draft.SDP(in.Body); ok {
		c.tls = m.TLS
	}
	push(p.controls, c)
	if c.info = !strings.Contains(string(in.Body), "\nm="); c.info {
		p.takeInfo(c)
		c.accept(infoAnswer(p.host))
		return
	}
	in.OnReinvite(func(_ context.Context, offer []byte) ([]byte, error) {
		push(c.offers, offer)
		return []byte(c.listen(p.host, "passive")), nil
	})
	if own != nil {
		own(c)
		return
	}
	c.accept(c.listen(p.host, "passive"))
}

// end ends what belongs to the dialog.
func (c *control) end() { c.once.Do(func() { c.stop(); close(c.ended) }) }

// accept answers with a session description, and lasts as long as the dialog.
func (c *control) accept(sdp string) {
	call, _, err := c.in.Answer(context.Background(), []byte(sdp), sdpType)
	if err != nil {
		return
	}
	c.call = call
	close(c.ready)
	<-call.Done()
}

var versions atomic.Int64

// listen opens a port for a channel and returns the answer that names it.
func (c *control) listen(host, setup string) string {
	shown := c.p.b.identity.Certificate
	return c.listenWith(host, setup, shown)
}

// listenWith names, over TLS, the fingerprint of a certificate that need not be ours.
func (c *control) listenWith(host, setup string, named [][]byte) string {
	ln, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		return ""
	}
	context.AfterFunc(c.ctx, func() { ln.Close() })
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			c.accepted.Add(1)
			if c.tls {
				conn = tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{c.p.b.identity}, ClientAuth: tls.RequireAnyClientCert, MinVersion: tls.VersionTLS12})
			}
			go c.p.serve(c, conn)
		}
	}()
	answer := controlAnswer(host, ln.Addr().(*net.TCPAddr).Port, setup)
	if c.tls {
		answer = strings.Replace(answer, "TCP/MS", "TCP/TLS/MS", 1) + "a=fingerprint:" + fingerprint("sha-256", named[0]) + "\r\n"
	}
	return answer
}

func controlAnswer(host string, port int, setup string) string {
	return fmt.Sprintf("v=0\r\no=ms 1435262 %d IN IP4 %s\r\ns=-\r\nc=IN IP4 %[2]s\r\nt=0 0\r\nm=application %[3]d TCP/MS *\r\na=setup:%s\r\na=connection:new\r\n",
		versions.Add(1), host, port, setup)
}
