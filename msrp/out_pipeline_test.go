package msrp

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/gomscp/gomscp/msrp/msrptest"
)

// pipeline sends messages in order, up to window of them unanswered.
func pipeline(s *Session, window int, messages []Message) error {
	errs := make(chan error, len(messages))
	places := make(chan struct{}, window)
	for _, m := range messages {
		places <- struct{}{}
		queued := make(chan struct{})
		m.Queued = func() { close(queued) }
		go func() {
			_, err := s.Send(context.Background(), m)
			errs <- err
			<-places
		}()
		<-queued
	}
	var all []error
	for range messages {
		all = append(all, <-errs)
	}
	return errors.Join(all...)
}

// TestPipelineOrder has a peer whose requests make ours cut long chunks, and
// looks at the order in which messages are complete.
func TestPipelineOrder(t *testing.T) {
	const n, window = 600, 16
	s, p := sender(t, Config{Window: window})
	sizes := []int{0, 1, 900, 900, 2049, 900, bodySegment, bodySegment + 1, 900, DefaultChunkSize, 5, 150_000}
	var messages []Message
	for i := range n {
		m := binaryMessage(noise(sizes[i%len(sizes)]))
		m.MessageID = fmt.Sprintf("number%d", i)
		messages = append(messages, m)
	}
	sent := make(chan error, 1)
	go func() { sent <- pipeline(s, window, messages) }()
	cut, most := 0, 0
	var waiting []*msrptest.Frame
	for whole := 0; whole < n; {
		f := p.Next()
		if f.Code != 0 {
			continue
		}
		if f.Flag == '$' {
			if want := fmt.Sprintf("number%d", whole); f.Get("Message-ID") != want {
				t.Fatalf("%s is complete before %s", f.Get("Message-ID"), want)
			}
			whole++
		} else if len(f.Body) < DefaultChunkSize {
			cut++
		}
		waiting = append(waiting, f)
		if most = max(most, len(waiting)); len(waiting) == window || whole > n-window {
			for _, f := range waiting {
				p.Answer(f, 200, "OK")
			}
			waiting = waiting[:0]
			p.Send("MSRP ping"+f.TID[:5]+" SEND", "To-Path: "+f.Get("From-Path"), "From-Path: "+f.Get("To-Path"),
				"Message-ID: ping", "-------ping"+f.TID[:5]+"$")
		}
	}
	if err := next(t, sent); err != nil {
		t.Fatal(err)
	}
	if most != window {
		t.Errorf("%d messages unanswered at a time, want %d", most, window)
	}
	t.Logf("%d chunks were cut", cut)
}

// gatedConn counts writes and holds them up until told.
type gatedConn struct {
	net.Conn
	entered chan struct{} // gets a token for each write that has begun
	gate    chan struct{}

	mu     sync.Mutex
	writes [][]byte
}

func (g *gatedConn) Write(b []byte) (int, error) {
	g.mu.Lock()
	g.writes = append(g.writes, bytes.Clone(b))
	g.mu.Unlock()
	g.entered <- struct{}{}
	<-g.gate
	return g.Conn.Write(b)
}

// gated is a session whose writes wait for the gate.
func gated(t *testing.T) (*Session, *gatedConn, *msrptest.Peer) {
	t.Helper()
	x, y := net.Pipe()
	g := &gatedConn{Conn: x, entered: make(chan struct{}, 100), gate: make(chan struct{}, 100)}
	cfg, err := Config{Logger: quiet, Window: 16}.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	s, err := newSession(cfg, SessionConfig{Local: testURI(t, "msrp://127.0.0.1:9/us;tcp"),
		Remote: Path{testURI(t, "msrp://127.0.0.1:9/them;tcp")}}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	c := newConn(g, cfg, nil)
	if se := s.bindAndOpen(c); se != nil {
		t.Fatal(se)
	}
	c.startReader()
	p := msrptest.New(t, y)
	t.Cleanup(func() { close(g.gate); p.Conn.Close(); s.Close() })
	return s, g, p
}

// start sends in the background and returns when the message is queued.
func start(ctx context.Context, s *Session, m Message) chan error {
	queued, err := make(chan struct{}), make(chan error, 1)
	m.Queued = func() { close(queued) }
	go func() {
		_, e := s.Send(ctx, m)
		err <- e
	}()
	<-queued
	return err
}

// TestPipelineSharesWrites holds up the write of the first message; those
// queued meanwhile must then go out together, without the one cancelled.
func TestPipelineSharesWrites(t *testing.T) {
	s, g, p := gated(t)
	ctx, cancel := context.WithCancel(testCtx(t))
	defer cancel()
	sends := []chan error{start(testCtx(t), s, textMessage("0"))}
	next(t, g.entered)
	for i := range 10 {
		sends = append(sends, start(testCtx(t), s, textMessage(fmt.Sprint(i+1))))
		if i == 4 {
			cancelled := start(ctx, s, textMessage("cancelled"))
			cancel()
			if err := next(t, cancelled); !errors.Is(err, context.Canceled) {
				t.Fatalf("got %v", err)
			}
		}
	}
	g.gate <- struct{}{}
	g.gate <- struct{}{}
	for i, ec := range sends {
		f := p.Next()
		if string(f.Body) != fmt.Sprint(i) {
			t.Fatalf("got %q for number %d", f.Body, i)
		}
		p.Answer(f, 200, "OK")
		if err := next(t, ec); err != nil {
			t.Fatal(err)
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.writes) != 2 {
		t.Fatalf("%d writes, want 2", len(g.writes))
	}
	if n := strings.Count(string(g.writes[1]), " SEND\r\n"); n != 10 {
		t.Fatalf("%d messages in the second write, want 10", n)
	}
}

// TestQueuedWhenSendFails: it is called if the message was queued, and else not.
func TestQueuedWhenSendFails(t *testing.T) {
	s, p := sender(t, Config{})
	try := func(name string, ctx context.Context, m Message, want int) {
		t.Helper()
		calls := 0
		m.Queued = func() { calls++ }
		if _, err := s.Send(ctx, m); err == nil {
			t.Errorf("%s: Send did not fail", name)
		}
		if calls != want {
			t.Errorf("%s: called %d times, want %d", name, calls, want)
		}
	}
	over, cancel := context.WithCancel(context.Background())
	cancel()
	try("no content type", context.Background(), Message{Body: strings.NewReader("x"), Size: 1}, 0)
	try("wrong size", context.Background(), Message{ContentType: "text/plain", Body: strings.NewReader("x"), Size: 2}, 0)
	try("cancelled", over, textMessage("x"), 0)
	go func() { p.Answer(p.Next(), 413, "") }()
	try("refused", context.Background(), textMessage("x"), 1)
	s.Close()
	try("closed", context.Background(), textMessage("x"), 0)
}
