package as

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gomscp/gomscp/as/internal/control"
	"github.com/gomscp/gomscp/mscp"
	"github.com/gomscp/gomscp/sipua"
)

const (
	testOffer = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns= an offer with  odd blanks\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n" +
		"m=message 9 TCP/MSRP *\r\na=accept-types:*\r\na=path:msrp://127.0.0.1:9/caller;tcp\r\na=setup:active\r\n"
	testAnswer = "v=0\r\no=- 2 2 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n" +
		"m=message 7 TCP/MSRP *\r\na=accept-types:*\r\na=path:msrp://127.0.0.1:7/ms;tcp\r\na=setup:passive\r\n"
)

// A fakeMS is a media server whose behaviour a test chooses: SIP and MSCP are
// real, and nothing is behind them.
type fakeMS struct {
	t  *testing.T
	ua *sipua.UA

	// onStore answers an INVITE with an MSRP offer; nil answers testAnswer and
	// waits for the end.
	onStore func(in *sipua.IncomingCall)
	// onRequest answers MSCP; nil says yes to everything.
	onRequest mscp.Handler

	mu       sync.Mutex
	channels int         // control channels so far
	conn     net.Conn    // of the newest
	control  *sipua.Call // dialog of the newest
	channel  *mscp.Server
	up       chan struct{}
	offers   [][]byte
	seen     []string         // messages that came, in their order on the wire
	legs     chan *sipua.Call // store dialogs that were answered
}

func newFakeMS(t *testing.T) *fakeMS {
	t.Helper()
	return newFakeMSAt(t, "127.0.0.1:0")
}

func newFakeMSAt(t *testing.T, addr string) *fakeMS {
	t.Helper()
	m := &fakeMS{t: t, up: make(chan struct{}, 100), legs: make(chan *sipua.Call, 100)}
	ua, err := sipua.New(sipua.Config{Addr: addr, User: "fake", Trace: m.saw}, sipua.Handlers{Invite: m.invite})
	if err != nil {
		t.Fatal(err)
	}
	m.ua = ua
	t.Cleanup(func() { ua.Close() })
	return m
}

func (m *fakeMS) saw(e sipua.TraceEvent) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !e.Sent {
		m.seen = append(m.seen, string(e.Raw))
	}
}

// last is the newest message that came and begins with start.
func (m *fakeMS) last(start string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := len(m.seen) - 1; i >= 0; i-- {
		if strings.HasPrefix(m.seen[i], start) {
			return m.seen[i]
		}
	}
	return ""
}

// change changes the behaviour.
func (m *fakeMS) change(f func(m *fakeMS)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f(m)
}

func (m *fakeMS) invite(in *sipua.IncomingCall) {
	offer, err := mscp.ParseSDP(in.Body)
	if err == nil {
		m.serveControl(in, offer)
		return
	}
	m.mu.Lock()
	m.offers = append(m.offers, in.Body)
	f := m.onStore
	m.mu.Unlock()
	if f != nil {
		f(in)
		return
	}
	call, _, err := in.Answer(context.Background(), []byte(testAnswer), sdpType)
	if err != nil {
		return
	}
	m.legs <- call
	<-call.Done()
}

// serveControl answers and takes one connection for each offer and re-offer.
func (m *fakeMS) serveControl(in *sipua.IncomingCall, offer *mscp.Media) {
	accept := func() ([]byte, error) {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		go func() {
			defer ln.Close()
			c, err := ln.Accept()
			if err != nil {
				return
			}
			srv := mscp.NewServer(c, m.request, mscp.Config{})
			m.mu.Lock()
			m.channels++
			m.conn, m.channel = c, srv
			m.mu.Unlock()
			m.up <- struct{}{}
			<-srv.Done()
			srv.Close()
		}()
		return offer.Answer("127.0.0.1", ln.Addr().(*net.TCPAddr).Port).Marshal()
	}
	answer, err := accept()
	if err != nil {
		m.t.Error(err)
		return
	}
	in.OnReinvite(func(context.Context, []byte) ([]byte, error) { return accept() })
	call, _, err := in.Answer(context.Background(), answer, sdpType)
	if err != nil {
		return
	}
	m.mu.Lock()
	m.control = call
	m.mu.Unlock()
	<-call.Done()
}

func (m *fakeMS) request(ctx context.Context, req mscp.Element) (mscp.Element, error) {
	m.mu.Lock()
	f := m.onRequest
	m.mu.Unlock()
	if f != nil {
		return f(ctx, req)
	}
	switch r := req.(type) {
	case *mscp.RestoreMsg:
		return &mscp.MsgRestored{FromURI: r.FromURI, ToURI: r.ToURI, ConnectionID: r.ConnectionID}, nil
	case *mscp.SendMsg:
		return &mscp.MsgSended{FromURI: r.FromURI, ToURI: r.ToURI, ConnectionID: r.ConnectionID}, nil
	}
	return nil, errors.New("not in this test")
}

// silent is an MSCP handler that answers nothing, and says when it is asked.
func silent(asked func()) mscp.Handler {
	return func(ctx context.Context, _ mscp.Element) (mscp.Element, error) {
		asked()
		<-ctx.Done()
		return nil, ctx.Err()
	}
}

// startAS starts an application server over the fake media servers, and waits
// for their channels. Its presence server is a user agent that answers nothing.
func startAS(t *testing.T, change func(*Config), servers ...*fakeMS) *Server {
	t.Helper()
	nobody, err := sipua.New(sipua.Config{Addr: "127.0.0.1:0"}, sipua.Handlers{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nobody.Close() })
	cfg := DefaultConfig()
	cfg.SIP.Listen = "127.0.0.1:0"
	cfg.OutboundProxy = nobody.Addr()
	cfg.Directory = filepath.Join(t.TempDir(), "as.db")
	cfg.Inventory = inventoryNever
	cfg.Control.RetryMin, cfg.Control.RetryMax = 20*time.Millisecond, 100*time.Millisecond
	for _, m := range servers {
		cfg.MediaServers = append(cfg.MediaServers, MediaServerConfig{URI: "sip:ms@" + m.ua.Addr(), Weight: 1})
	}
	if change != nil {
		change(&cfg)
	}
	s, err := Start(cfg, slog.New(slog.NewTextHandler(t.Output(), nil)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	for _, m := range servers {
		awaitUp(t, s, m)
	}
	return s
}

// awaitUp waits until both sides have a new channel.
func awaitUp(t *testing.T, s *Server, m *fakeMS) {
	t.Helper()
	select {
	case <-m.up:
	case <-time.After(10 * time.Second):
		t.Fatal("no control channel within 10 s")
	}
	waitFor(t, "the channel to be up", func() bool { return s.cluster.Get(m.ua.Addr()).Up() })
}

func waitFor(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited 10 s for %s", what)
		}
	}
}

// A caller is a user agent with everything that it has seen.
type caller struct {
	ua   *sipua.UA
	mu   sync.Mutex
	seen []string
}

func newCaller(t *testing.T) *caller {
	t.Helper()
	c := &caller{}
	ua, err := sipua.New(sipua.Config{Addr: "127.0.0.1:0", User: "alice", Trace: func(e sipua.TraceEvent) {
		c.mu.Lock()
		defer c.mu.Unlock()
		if !e.Sent {
			c.seen = append(c.seen, string(e.Raw))
		}
	}}, sipua.Handlers{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ua.Close() })
	c.ua = ua
	return c
}

func (c *caller) call(ctx context.Context, s *Server, body string) (*sipua.Call, error) {
	call, err := c.ua.Invite(ctx, sipua.InviteRequest{
		URI: "sip:bob@example.com", From: "sip:alice@example.com", To: "sip:bob@example.com",
		Destination: s.Addr(), Body: []byte(body), ContentType: sdpType,
	})
	if err != nil {
		return nil, err
	}
	return call, call.Ack(ctx, nil, "")
}

// heads are the received messages without their bodies.
func (c *caller) heads() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var b strings.Builder
	for _, m := range c.seen {
		head, _, _ := strings.Cut(m, "\r\n\r\n")
		b.WriteString(head + "\n")
	}
	return b.String()
}

func testContext(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// upServer is a media server whose channel counts as up.
func upServer(name string) *control.MediaServer {
	m, err := control.New(context.Background(), control.Config{Name: name, Changed: func() {}})
	if err != nil {
		panic(err)
	}
	m.SetChannel(&mscp.Client{})
	return m
}
