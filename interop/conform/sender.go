package conform

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gomscp/gomscp/msrp"
	"github.com/gomscp/gomscp/msrp/msrptest"
	"github.com/gomscp/gomscp/sipua"
)

// SenderTarget is a sender of messages that calls the runner.
type SenderTarget struct {
	Listen string // host:port where the runner takes SIP
	// Send makes the peer under test call the SIP URI to and send text in one message of
	// text/plain. It may return before that is done; ctx ends with the case. An error is
	// ignored if the peer's message was refused.
	Send func(ctx context.Context, to, text string) error
}

// A senderBench is what the sender under test calls. It is set up with the first case.
type senderBench struct {
	target SenderTarget
	ua     *sipua.UA
	calls  chan *arrived

	// wrap changes what comes, so that tests have a sender with a fault, and spoilSDP its
	// offers; nil changes nothing.
	wrap     func(net.Conn) net.Conn
	spoilSDP func(sdp string) string

	mu   sync.Mutex
	wire *wire // of the case that runs
}

// An arrived call stays until it is over.
type arrived struct {
	*sipua.IncomingCall
	over chan struct{}
}

// MSRPSender returns the cases for a sender of messages, in the order of the sections of
// RFC 4975. end closes the servers that the first case starts.
func MSRPSender(s SenderTarget) (cases []Case, end func()) {
	b := &senderBench{target: s}
	return b.cases(), b.close
}

// maxCalls bounds the calls that wait for a case.
const maxCalls = 16

func (b *senderBench) start() (err error) {
	if b.ua != nil {
		return nil
	}
	b.calls = make(chan *arrived, maxCalls)
	b.ua, err = sipua.New(sipua.Config{Addr: b.target.Listen, User: "conform", Logger: slog.New(slog.DiscardHandler), Trace: b.trace},
		sipua.Handlers{Invite: func(in *sipua.IncomingCall) {
			a := &arrived{in, make(chan struct{})}
			select {
			case b.calls <- a:
				<-a.over
			default:
				_ = in.Reject(486, "Busy Here")
			}
		}})
	return err
}

func (b *senderBench) close() {
	if b.ua != nil {
		for len(b.calls) > 0 {
			close((<-b.calls).over)
		}
		b.ua.Close()
		b.ua = nil
	}
}

func (b *senderBench) trace(e sipua.TraceEvent) {
	dir := "<"
	if e.Sent {
		dir = ">"
	}
	b.mu.Lock()
	w := b.wire
	b.mu.Unlock()
	if w != nil {
		w.note(dir, e.Raw)
	}
}

func (b *senderBench) record(w *wire) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.wire = w
}

// A taken is a session in which the peer under test sends, and what it has offered.
type taken struct {
	*msrptest.Peer
	t     *T
	probe *T // of the Peer, which fails when the connection ends
	call  *sipua.Call
	sdp   string // the offer
	offer *msrp.Media
	own   string // our URI
	tids  map[string]bool
	id    string
	sent  chan error // how Send has ended
}

// on makes what runs a case in a session in which the peer is to send a text. attributes
// are lines of our answer's m-line.
func (b *senderBench) on(text string, attributes string, run func(t *T, s *taken)) func(*T) {
	return func(t *T) {
		if err := b.start(); err != nil {
			t.notSetUp(err)
		}
		b.record(&t.wire)
		t.Cleanup(func() { b.record(nil) })
		b.dropCalls()
		s := &taken{t: t, tids: map[string]bool{}, sent: make(chan error, 1)}
		ctx, cancel := context.WithCancel(t.ctx)
		t.Cleanup(cancel)
		go func() { s.sent <- b.target.Send(ctx, b.ua.Contact(), text) }()
		b.take(s, attributes)
		run(t, s)
	}
}

// dropCalls refuses those of earlier cases.
func (b *senderBench) dropCalls() {
	for len(b.calls) > 0 {
		late := <-b.calls
		_ = late.Reject(480, "Too Late")
		close(late.over)
	}
}

// take answers the call that comes and waits for the connection.
func (b *senderBench) take(s *taken, attributes string) {
	t := s.t
	t.Helper()
	in := b.called(s)
	t.Cleanup(func() { close(in.over) })
	s.sdp = string(in.Body)
	if b.spoilSDP != nil {
		s.sdp = b.spoilSDP(s.sdp)
	}
	var err error
	if s.offer, err = msrp.ParseSDP([]byte(s.sdp)); err != nil {
		_ = in.Reject(488, "Not Acceptable Here")
		t.Fatalf("the offer: %v\n%s", err, s.sdp)
	}
	host, _, _ := net.SplitHostPort(b.ua.Addr())
	ln, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	port := ln.Addr().(*net.TCPAddr).Port
	s.own = fmt.Sprintf("msrp://%s/conform%d;tcp", net.JoinHostPort(host, strconv.Itoa(port)), time.Now().UnixNano())
	if !strings.Contains(attributes, "a=accept-types:") {
		attributes = "a=accept-types:*\r\n" + attributes
	}
	answer := strings.Replace(describe(host, s.own), fmt.Sprintf("m=message %d", ourPort), fmt.Sprintf("m=message %d", port), 1)
	answer = strings.NewReplacer("a=setup:active\r\n", setupAnswer(s.offer), "a=accept-types:*\r\n", attributes).Replace(answer)
	ctx, cancel := t.within()
	defer cancel()
	call, _, err := in.Answer(ctx, []byte(answer), sdpType)
	if err != nil {
		t.Fatalf("the answer is not acknowledged: %v", err)
	}
	s.call = call
	t.Cleanup(func() { hangUp(call) })
	conn := b.connection(s, ln)
	if b.wrap != nil {
		conn = b.wrap(conn)
	}
	s.probe = &T{ctx: t.ctx, timeout: t.timeout}
	s.Peer = msrptest.New(s.probe, conn)
	if s.offer.Setup == msrp.SetupPassive {
		s.bind()
	}
}

// bind binds the session by an empty SEND, as we have connected. See RFC 4975, section 5.4.
func (s *taken) bind() {
	s.t.Helper()
	const tid = "conformbind"
	s.Write("MSRP " + tid + " SEND\r\nTo-Path: " + s.offer.Path.String() + "\r\nFrom-Path: " + s.own + "\r\nMessage-ID: conform.bind\r\n-------" + tid + "$\r\n")
	if f := s.Next(); f.TID != tid || f.Code != 200 && f.Code != 481 { // 481: it has ended the session already
		s.t.Fatalf("%s%d came where the response to our first SEND was awaited", f.Method, f.Code)
	}
}

// called waits for the call.
func (b *senderBench) called(s *taken) *arrived {
	s.t.Helper()
	for {
		select {
		case in := <-b.calls:
			return in
		case err := <-s.sent:
			if err != nil {
				s.t.Fatalf("the peer cannot be had to send: %v", err)
			}
			s.sent = make(chan error, 1)
		case <-time.After(s.t.timeout):
			s.t.unreached = errors.New("no call has come")
			s.t.Fatalf("within %v no call has come to %s", s.t.timeout, b.ua.Contact())
		}
	}
}

// setupAnswer has the peer connect, unless it offers only to be connected to.
func setupAnswer(offer *msrp.Media) string {
	switch offer.Setup {
	case msrp.SetupPassive:
		return "a=setup:active\r\n"
	case "":
		return ""
	}
	return "a=setup:passive\r\n"
}

// connection is the one that comes, or that we make.
func (b *senderBench) connection(s *taken, ln net.Listener) net.Conn {
	t := s.t
	t.Helper()
	if s.offer.Setup == msrp.SetupPassive {
		u := s.offer.Path[0]
		return t.dial(net.JoinHostPort(u.Host, strconv.Itoa(u.Port)))
	}
	_ = ln.(*net.TCPListener).SetDeadline(time.Now().Add(t.timeout))
	c, err := ln.Accept()
	if err != nil {
		t.Fatalf("the peer does not connect to %s: %v", s.own, err)
	}
	t.Cleanup(func() { c.Close() })
	return recorded{c, t}
}

// read waits for the next frame, or the end of the connection.
func (s *taken) read() (f *msrptest.Frame, err error) {
	s.probe.protect(func() { f = s.Next() })
	if s.probe.failed {
		return nil, errors.New(strings.Join(s.probe.notes, "; "))
	}
	return f, nil
}

// next waits for the next request, and judges it whole.
func (s *taken) next() *msrptest.Frame {
	s.t.Helper()
	f, err := s.read()
	if err != nil {
		s.t.Fatal(err)
	}
	s.judge(f)
	return f
}

// judge reports what is wrong with a frame by sections 7.1 and 9.
func (s *taken) judge(f *msrptest.Frame) {
	s.t.Helper()
	wrong := func(section, format string, args ...any) {
		s.t.Errorf("%s [RFC 4975, section %s]", fmt.Sprintf(format, args...), section)
	}
	if n := len(f.TID); n < 4 || n > 32 {
		wrong("9", "the transaction id %q has %d characters", f.TID, n)
	}
	if len(f.Header) < 2 || !strings.HasPrefix(f.Header[0], "To-Path: ") || !strings.HasPrefix(f.Header[1], "From-Path: ") {
		wrong("9", "To-Path and From-Path are not the first headers: %q", f.Header)
	}
	if f.Method == "" {
		return
	}
	if s.tids[f.TID] {
		wrong("7.1", "the transaction id %q is there twice", f.TID)
	}
	s.tids[f.TID] = true
	if got := f.Get("To-Path"); got != s.own {
		wrong("7.1", "To-Path is %q, not %q", got, s.own)
	}
	if got := f.Get("From-Path"); got != s.offer.Path.String() {
		wrong("7.1", "From-Path is %q, and the path of the offer %q", got, s.offer.Path)
	}
	if f.Method == "SEND" {
		s.judgeSend(f, wrong)
	}
}

func (s *taken) judgeSend(f *msrptest.Frame, wrong func(section, format string, args ...any)) {
	if f.Get("Message-ID") == "" {
		wrong("7.1", "a SEND has no Message-ID")
	}
	if f.Body == nil {
		return
	}
	if f.Get("Byte-Range") == "" {
		wrong("7.1.1", "a SEND with a body has no Byte-Range")
	}
	if last := f.Header[len(f.Header)-1]; len(f.Body) > 0 && !strings.HasPrefix(last, "Content-Type: ") {
		wrong("9", "the last header is %q, not Content-Type", last)
	}
}

// message takes SENDs with their bodies, answers each with 200, and returns the chunks of
// the first message to its end. SENDs without a body are answered alone.
func (s *taken) message() (chunks []*msrptest.Frame) {
	s.t.Helper()
	for {
		f := s.next()
		if f.Method != "SEND" {
			continue
		}
		if f.Get("Failure-Report") != "no" {
			s.Answer(f, 200, "OK")
		}
		if f.Body == nil || len(chunks) > 0 && f.Get("Message-ID") != s.id {
			continue
		}
		s.id = f.Get("Message-ID")
		if chunks = append(chunks, f); f.Flag != '+' {
			return chunks
		}
	}
}
