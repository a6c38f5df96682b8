package as

import (
	"errors"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/gomscp/gomscp/internal/testutil"
)

// TestSilentNeighbours starts beside a proxy that does not answer, and one that does:
// one line of the log says so, however often it is asked, and one that it is there
// when it answers, if only with a refusal.
func TestSilentNeighbours(t *testing.T) {
	proxy, presence := newWire(t), newWire(t)
	s := startAS(t, func(c *Config) { c.OutboundProxy, c.Presence.Server = proxy.Addr(), presence.Addr() }, newFakeMS(t))
	next := func(w *wire) (m, from string) {
		m, from = w.Next("OPTIONS sip:" + w.Addr() + " SIP/2.0\r\n")
		if testutil.Field(m, "Max-Forwards") != "70" || !strings.HasSuffix(testutil.Field(m, "CSeq"), " OPTIONS") || testutil.Field(m, "Contact") == "" || !strings.Contains(testutil.Field(m, "From"), "tag=") {
			t.Errorf("the request is\n%s", m)
		}
		return m, from
	}
	m, from := next(presence)
	presence.reply(m, from, "200 OK", "")
	next(proxy) // at the start, without an answer
	var log testutil.Buffer
	quick := &Server{cfg: s.cfg, log: slog.New(slog.NewTextHandler(&log, nil)), legs: s.legs, life: newLifetime()}
	quick.pingNeighbours(pingTimes{wait: 50 * time.Millisecond, min: time.Millisecond, max: 4 * time.Millisecond})
	m, from = next(presence)
	presence.reply(m, from, "404 Not Found", "")
	calls := map[string]bool{}
	for len(calls) < 4 {
		m, _ = next(proxy)
		calls[testutil.Field(m, "Call-ID")] = true
	}
	over := make(chan struct{})
	go func() {
		defer close(over)
		quick.life.tasks.Wait()
		proxy.PacketConn.Close()
	}()
	_ = proxy.PacketConn.SetReadDeadline(time.Now().Add(10 * time.Second))
	for buf := make([]byte, 65536); ; { // one answer comes in time
		n, addr, err := proxy.PacketConn.ReadFrom(buf)
		if errors.Is(err, net.ErrClosed) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		proxy.reply(string(buf[:n]), addr.String(), "405 Method Not Allowed", "")
	}
	<-over
	if log.Count("level=WARN") != 1 || log.Count("level=INFO") != 1 || log.Count("setting=outbound_proxy destination="+proxy.Addr()) != 2 {
		t.Errorf("the log is\n%s", log.String())
	}
}
