package sipua

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gomscp/gomscp/internal/testutil"
)

// A memory is a notifier that remembers its subscriptions, and may forget them.
type memory struct {
	mu    sync.Mutex
	known map[string]int // the last CSeq by Call-ID
	lost  bool           // it refuses to answer at all
	fresh int            // subscriptions that were made
}

func (m *memory) answer(p *playedNotifier, _ int, subscribe string) []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	id := testutil.Field(subscribe, "Call-ID")
	if m.lost {
		return nil
	}
	if strings.Contains(testutil.Field(subscribe, "To"), "tag=") && m.known[id] == 0 {
		return []string{p.response(subscribe, "481 Subscription does not exist", "x")}
	}
	if m.known[id] == 0 {
		m.fresh++
	}
	m.known[id]++
	return []string{
		p.response(subscribe, "200 OK", "pres", "Expires: "+testutil.Field(subscribe, "Expires")),
		p.notify(subscribe, "pres", m.known[id], "", "Subscription-State: active"),
	}
}

func (m *memory) forget() {
	m.mu.Lock()
	defer m.mu.Unlock()
	clear(m.known)
}

func (m *memory) made() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.fresh
}

// await waits until so many subscriptions were made.
func (m *memory) await(t *testing.T, n int) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); m.made() < n; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d subscriptions were made, want %d", m.made(), n)
		}
	}
}

// TestLostSubscriptions has a notifier forget its subscriptions, which it shows in
// each way that there is: all of them are made anew at once, although their refreshes
// are not due for minutes.
func TestLostSubscriptions(t *testing.T) {
	t.Parallel()
	const count = 50
	for name, tc := range map[string]struct {
		network string
		lose    func(t *testing.T, p *playedNotifier, m *memory, some *Subscription)
	}{
		"one refresh gets 481": {"udp", func(t *testing.T, p *playedNotifier, m *memory, some *Subscription) {
			m.forget()
			Notification{subscription: some}.AskAgain()
		}},
		"the connection ends": {"tcp", func(t *testing.T, p *playedNotifier, m *memory, _ *Subscription) {
			m.forget()
			p.drop()
		}},
		"silence over UDP": {"udp", func(t *testing.T, p *playedNotifier, m *memory, _ *Subscription) {
			m.forget()
			n := p.ua.notifierAt(p.destination())
			n.silent(time.Now().Add(quickTimers().retryMin), false, nil) // as if a transaction had timed out
			n.answer("")
		}},
		"silence": {"tcp", func(t *testing.T, p *playedNotifier, m *memory, some *Subscription) {
			addr := strings.TrimSuffix(p.destination(), ";transport=tcp")
			p.close()
			Notification{subscription: some}.AskAgain()
			for p.ua.notifierAt(p.destination()).isUp() {
				time.Sleep(time.Millisecond)
			}
			m.forget()
			playNotifier(t, "tcp", addr, func(q *playedNotifier, n int, s string) []string {
				q.serve(p.agent())
				return m.answer(q, n, s)
			})
		}},
	} {
		t.Run(name, func(t *testing.T) {
			m := &memory{known: map[string]int{}}
			p := playNotifier(t, tc.network, "127.0.0.1:0", m.answer)
			var paced atomic.Int64
			var all []*Subscription
			tm := quickTimers()
			for i := range count {
				s, _ := watchOver(t, p, tm, func(r *SubscribeRequest) {
					r.URI = fmt.Sprintf("sip:u%d@example.com", i)
					r.Pace = func(ctx context.Context) bool { paced.Add(1); return ctx.Err() == nil }
				})
				all = append(all, s)
			}
			m.await(t, count)
			for range count {
				<-p.statuses
			}
			began := time.Now()
			tc.lose(t, p, m, all[7])
			m.await(t, 2*count)
			t.Logf("%d subscriptions were there again after %v", count, time.Since(began))
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("they were there again after %v", took)
			}
			if n := int(paced.Load()); n < len(p.all()) {
				t.Errorf("%d SUBSCRIBEs, %d of them at their pace", len(p.all()), n)
			}
			var wg sync.WaitGroup
			for _, s := range all {
				wg.Go(func() { s.Close() })
			}
			wg.Wait()
		})
	}
}

func (ua *UA) notifierAt(destination string) *notifier {
	to, _ := parseDestination(destination)
	ua.subs.mu.Lock()
	defer ua.subs.mu.Unlock()
	return ua.subs.notifiers[to]
}

// TestOneAsksForAll has a notifier be away: one of many subscriptions asks at a time,
// and when it is back all are made.
func TestOneAsksForAll(t *testing.T) {
	const count = 100
	m := &memory{known: map[string]int{}}
	p := playNotifier(t, "tcp", "127.0.0.1:0", m.answer)
	destination, addr := p.destination(), p.listener.Addr().String()
	p.close()
	var log testutil.Buffer
	ua, err := New(Config{Addr: "127.0.0.1:0", User: "test", Logger: slog.New(slog.NewTextHandler(&log, nil)), timers: quickTimers()}, Handlers{})
	if err != nil {
		t.Fatal(err)
	}
	defer ua.Close()
	var asked atomic.Int64
	for i := range count {
		if _, err := ua.Subscribe(t.Context(), SubscribeRequest{
			URI: fmt.Sprintf("sip:u%d@example.com", i), From: "sip:as@example.com", Event: "presence", Destination: destination,
			OnNotify: func(Notification) {}, Pace: func(context.Context) bool { asked.Add(1); return true },
		}); err != nil {
			t.Fatal(err)
		}
	}
	for ua.notifierAt(destination).isUp() {
		time.Sleep(time.Millisecond)
	}
	time.Sleep(100 * time.Millisecond) // those that were under way
	before := asked.Load()
	time.Sleep(600 * time.Millisecond) // what must not come has no event
	if n := asked.Load() - before; n < 2 || n > 12 {
		t.Errorf("%d SUBSCRIBEs in 0.6 s to a notifier that is not there, with pauses of 0.2 s", n)
	}
	again := playNotifier(t, "tcp", addr, m.answer)
	again.serve(ua)
	m.await(t, count)
	text := log.String()
	if strings.Count(text, "\n") > 2*changeLines || !strings.Contains(text, "notifier does not answer") || !strings.Contains(text, "notifier answers again") {
		t.Errorf("the log is\n%s", text)
	}
}

// TestOneIsNotAnswered has a notifier that answers no SUBSCRIBE for one user: the
// others do not wait for that.
func TestOneIsNotAnswered(t *testing.T) {
	ua := &agent{log: slog.New(slog.DiscardHandler), lifetime: lifetime{ctx: t.Context()}}
	n := &notifier{log: changeLog{ua: ua}, outage: outage{probe: make(chan struct{}, 1)}}
	defer n.log.close()
	tm := quickTimers()
	n.outage.pauses.timers = &tm
	sent := time.Now()
	n.answer("")
	if n.silent(sent, false, nil); !n.isUp() {
		t.Error("one request without an answer counts, though others have got one since")
	}
	if n.silent(time.Now().Add(tm.retryMin), false, nil); n.isUp() {
		t.Error("nobody is answered, and that does not count")
	}
	n.outage.timer.Stop()
}

// TestBusyNotifier keeps the Retry-After of one subscription's 503 for the others,
// for a minute at the most.
func TestBusyNotifier(t *testing.T) {
	ua := &agent{log: slog.New(slog.DiscardHandler), lifetime: lifetime{ctx: t.Context()}}
	n := &notifier{log: changeLog{ua: ua}, outage: outage{probe: make(chan struct{}, 1)}}
	defer n.log.close()
	tm := quickTimers()
	n.outage.pauses.timers = &tm // whose longest pause is 0.2 s
	began := time.Now()
	n.busy(time.Hour, false)
	if probing, ok := n.turn(t.Context()); !probing || !ok || time.Since(began) < tm.retryMax || time.Since(began) > 5*time.Second {
		t.Errorf("asked after %v, probing %v", time.Since(began), probing)
	}
	n.answer("")
	if probing, ok := n.turn(t.Context()); probing || !ok {
		t.Error("the notifier answers, and is not asked")
	}
}

// TestChangesAreLoggedInSum has many subscriptions fail at once, again and again: the
// log has a few lines.
func TestChangesAreLoggedInSum(t *testing.T) {
	const count = 200
	var log testutil.Buffer
	ua, err := New(Config{Addr: "127.0.0.1:0", User: "test", Logger: slog.New(slog.NewTextHandler(&log, nil)), timers: quickTimers()}, Handlers{})
	if err != nil {
		t.Fatal(err)
	}
	defer ua.Close()
	p := playNotifier(t, "udp", "127.0.0.1:0", func(p *playedNotifier, n int, m string) []string {
		return []string{p.response(m, "500 Trouble", "x")}
	})
	for i := range count {
		if _, err := ua.Subscribe(t.Context(), SubscribeRequest{
			URI: fmt.Sprintf("sip:u%d@example.com", i), From: "sip:as@example.com", Event: "presence", Destination: p.destination(), OnNotify: func(Notification) {},
		}); err != nil {
			t.Fatal(err)
		}
	}
	p.await(4 * count)
	if lines := strings.Split(strings.TrimSpace(log.String()), "\n"); len(lines) != changeLines || !strings.Contains(lines[0], "cause=500") {
		t.Errorf("%d lines for %d subscriptions that fail with 500, %d times in all:\n%s", len(lines), count, len(p.all()), log.String())
	}
	changes := &ua.notifierAt(p.destination()).log
	for counted := 0; counted < count-changeLines; time.Sleep(time.Millisecond) {
		changes.mu.Lock()
		counted = changes.more["subscription fails; trying again later"]
		changes.mu.Unlock()
	}
	changes.flush()
	if text := log.String(); !strings.Contains(text, fmt.Sprint("more=", count-changeLines)) {
		t.Errorf("the sum is missing:\n%s", text)
	}
}
