package as

import (
	"bytes"
	"errors"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

// A lockedBuffer keeps what is logged.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) count(s string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.b.String(), s)
}

// TestSilentNeighbours starts beside a proxy that does not answer, and one that does:
// one line of the log says so, however often it is asked, and one that it is there
// when it answers, if only with a refusal.
func TestSilentNeighbours(t *testing.T) {
	proxy, presence := newWire(t), newWire(t)
	s := startAS(t, func(c *Config) { c.OutboundProxy, c.Presence.Server = proxy.addr(), presence.addr() }, newFakeMS(t))
	next := func(w *wire) (m, from string) {
		m, from = w.next("OPTIONS sip:" + w.addr() + " SIP/2.0\r\n")
		if field(m, "Max-Forwards") != "70" || !strings.HasSuffix(field(m, "CSeq"), " OPTIONS") || field(m, "Contact") == "" || !strings.Contains(field(m, "From"), "tag=") {
			t.Errorf("the request is\n%s", m)
		}
		return m, from
	}
	m, from := next(presence)
	presence.reply(m, from, "200 OK", "")
	next(proxy) // at the start, without an answer
	var log lockedBuffer
	quick := &Server{cfg: s.cfg, log: slog.New(slog.NewTextHandler(&log, nil)), legs: s.legs, life: newLifetime()}
	quick.pingNeighbours(pingTimes{wait: 50 * time.Millisecond, min: time.Millisecond, max: 4 * time.Millisecond})
	m, from = next(presence)
	presence.reply(m, from, "404 Not Found", "")
	calls := map[string]bool{}
	for len(calls) < 4 {
		m, _ = next(proxy)
		calls[field(m, "Call-ID")] = true
	}
	over := make(chan struct{})
	go func() {
		defer close(over)
		quick.life.tasks.Wait()
		proxy.c.Close()
	}()
	_ = proxy.c.SetReadDeadline(time.Now().Add(10 * time.Second))
	for buf := make([]byte, 65536); ; { // one answer comes in time
		n, addr, err := proxy.c.ReadFrom(buf)
		if errors.Is(err, net.ErrClosed) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		proxy.reply(string(buf[:n]), addr.String(), "405 Method Not Allowed", "")
	}
	<-over
	if log.count("level=WARN") != 1 || log.count("level=INFO") != 1 || log.count("setting=outbound_proxy destination="+proxy.addr()) != 2 {
		t.Errorf("the log is\n%s", log.b.String())
	}
}
