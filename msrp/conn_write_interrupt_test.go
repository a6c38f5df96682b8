package msrp

import (
	"net"
	"sync/atomic"
	"testing"
	"time"
)

// slowConn writes a little at a time, as a thin line does.
type slowConn struct {
	net.Conn
	delay time.Duration
	slow  *atomic.Bool
}

func (c slowConn) Write(p []byte) (int, error) {
	n := 0
	for n < len(p) {
		if c.slow.Load() {
			time.Sleep(c.delay)
		}
		m, err := c.Conn.Write(p[n:min(n+8192, len(p))])
		n += m
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// A long chunk on a thin line gives way to a short message, and goes on.
func TestInterruption(t *testing.T) {
	near, far := net.Pipe()
	var slow atomic.Bool
	slow.Store(true)
	l := testListener(t, Config{})
	h, ch := collect(2)
	local := testURI(t, "msrp://127.0.0.1:9/me;tcp")
	b, err := l.Accept(SessionConfig{Local: l.NewURI(""), Remote: Path{local}, Handler: h})
	if err != nil {
		t.Fatal(err)
	}
	l.serveConn(far)
	var flags [256]atomic.Int32
	cfg, err := Config{Logger: quiet, ChunkSize: MaxChunkSize, Trace: func(e TraceEvent) {
		if e.Sent && e.Size > 5000 {
			flags[e.Raw[len(e.Raw)-3]].Add(1)
		}
	}, TraceBody: MaxChunkSize}.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	a, err := newSession(cfg, SessionConfig{Local: local, Remote: Path{b.Local()}}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	c := newConn(slowConn{near, 10 * time.Millisecond, &slow}, cfg, nil)
	a.bindAndOpen(c)
	c.startReader()
	defer a.Close()
	if err := a.sendBinding(testCtx(t)); err != nil {
		t.Fatal(err)
	}
	long := make(chan error, 1)
	go func() {
		_, err := a.Send(testCtx(t), binaryMessage(noise(MaxChunkSize)))
		long <- err
	}()
	for c.pending() == 0 || c.offered.Load() > 0 {
		time.Sleep(time.Millisecond)
	}
	if _, err := a.Send(testCtx(t), textMessage("short")); err != nil {
		t.Fatal(err)
	}
	select {
	case <-long:
		t.Fatal("the long one was first")
	default:
	}
	slow.Store(false)
	if err := next(t, long); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if g := next(t, ch); g.err != nil || len(g.body) != 5 && string(g.body) != string(noise(MaxChunkSize)) {
			t.Fatalf("%d bytes, %v", len(g.body), g.err)
		}
	}
	if flags['+'].Load() == 0 || flags['$'].Load() != 1 {
		t.Fatalf("%d chunks with '+', %d with '$'", flags['+'].Load(), flags['$'].Load())
	}
}

// pending is the number of requests that wait for their responses.
func (c *conn) pending() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.trans.byID)
}
