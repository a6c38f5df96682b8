package as

import (
	"context"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/gomscp/gomscp/as/internal/balance"
	"github.com/gomscp/gomscp/as/internal/control"
	"github.com/gomscp/gomscp/as/internal/mailbox"
)

const testRecipient = "sip:bob@example.com"

// A fakePresence is told by a test what it tells. It is for one recipient.
type fakePresence struct {
	mu   sync.Mutex
	told func(reachable, news bool)
}

func (f *fakePresence) Watch(_ context.Context, _ string, told func(reachable, news bool)) (func(), error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.told = told
	return func() {}, nil
}

func (f *fakePresence) say(reachable, news bool) {
	f.mu.Lock()
	told := f.told
	f.mu.Unlock()
	if told != nil {
		told(reachable, news)
	}
}

// A fakePusher makes the pushes that a test wants, from the server's media servers.
type fakePusher struct {
	*pushService
	push func(ctx context.Context, p mailbox.Pair) error
}

func (f fakePusher) Push(ctx context.Context, p mailbox.Pair, _ string) error { return f.push(ctx, p) }

// push makes one push session.
func (s *Server) push(ctx context.Context, p mailbox.Pair) error {
	return s.newPushService().Push(ctx, p, "")
}

// defaults are read once: models begin thousands of servers in a second.
var defaults = sync.OnceValue(DefaultConfig)

// newOffice is a server without sockets: the directory at path, mailboxes that do nothing
// yet, and one media server, ms1, whose channel counts as up.
func newOffice(t testing.TB, path string, presence mailbox.Presence, push func(context.Context, mailbox.Pair) error) *Server {
	t.Helper()
	cfg := defaults()
	cfg.Push.Delay, cfg.Push.RetryMin, cfg.Push.RetryMax = time.Second, 10*time.Second, 40*time.Second
	s := &Server{cfg: cfg, log: slog.New(slog.DiscardHandler), metrics: newMetrics(), life: newLifetime(), legs: &legs{name: cfg.Name}}
	s.cluster = &cluster{balancer: balance.New(0)}
	s.dir = openDirectory(t, path)
	s.cluster.Set([]*control.MediaServer{upServer("ms1")})
	s.mailboxes = s.newMailboxes(nil, presence, fakePusher{s.newPushService(), push})
	s.reports = s.newReports()
	return s
}

func (s *Server) closeOffice() {
	s.life.end(s.dir.Close)
}

func openDirectory(t testing.TB, path string) *Directory {
	t.Helper()
	d, err := OpenDirectory(path)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// newWatchedOffice is one whose mailboxes run, with a presence source and pushes of a test.
func newWatchedOffice(t testing.TB, push func(context.Context, mailbox.Pair) error) (*Server, *fakePresence) {
	t.Helper()
	presence := &fakePresence{}
	s := newOffice(t, filepath.Join(t.TempDir(), "as.db"), presence, push)
	s.mailboxes.Start(s.life.ctx)
	return s, presence
}
