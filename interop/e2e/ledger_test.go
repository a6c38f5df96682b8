package e2e

import (
	"context"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gomscp/gomscp/interop/cluster"
	"github.com/gomscp/gomscp/interop/softphone"
	"github.com/gomscp/gomscp/msrp"
)

var ledgerTime = flag.Duration("ledger", 3*time.Second, "how long TestLedger kills and restarts under load")

// A ledger is what each sender knows to be stored: the numbers of its messages
// that were confirmed, in order.
type ledger struct {
	mu        sync.Mutex
	confirmed map[string][]int
}

// TestLedger has senders leave messages while the servers are killed and
// restarted at random. Then the recipient registers, and is killed off once as
// well: every confirmed message arrives, in its sender's order.
func TestLedger(t *testing.T) {
	e := newEnv(t, envOptions{})
	l := &ledger{confirmed: map[string][]int{}}
	ctx, stop := context.WithTimeout(e.ctx, *ledgerTime)
	defer stop()
	var senders sync.WaitGroup
	for i := range 4 {
		phone := e.phone(softphone.Config{User: fmt.Sprintf("sip:s%d@%s", i, domain)})
		senders.Go(func() { l.write(ctx, phone, fmt.Sprintf("s%d", i)) })
	}
	kills := e.killAtRandom(ctx)
	senders.Wait()
	e.awaitChannels()

	total := 0
	for _, n := range l.confirmed {
		total += len(n)
	}
	t.Logf("%d kills, %d messages confirmed", kills, total)
	if total == 0 || kills == 0 {
		t.Fatal("the test shows nothing")
	}
	l.check(t, e.collectAll())
	e.wantKept(0)
}

// write leaves one message after the other, and begins a new call whenever one
// is lost. A message that was not confirmed is not sent again: it may be stored
// or not.
func (l *ledger) write(ctx context.Context, phone *softphone.Phone, name string) {
	for n := 0; ctx.Err() == nil; {
		cctx, cancel := context.WithTimeout(ctx, 2*time.Second)
		chat, err := phone.Call(cctx, bob)
		cancel()
		if err != nil {
			continue
		}
		for ; err == nil && ctx.Err() == nil; n++ {
			size := 10
			if n%20 == 7 {
				size = 200_000
			}
			text := fmt.Sprintf("%d %s", n, strings.Repeat("x", size))
			sctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
			if err = send(sctx, chat, msrp.Message{SuccessReport: n%2 == 0}, text); err == nil {
				l.mu.Lock()
				l.confirmed[name] = append(l.confirmed[name], n)
				l.mu.Unlock()
			}
			cancel()
		}
		bctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		_ = chat.Close(bctx) // the other side may be gone
		cancel()
	}
}

// killAtRandom kills and restarts a random server again and again until ctx
// ends, and returns how often.
func (e *env) killAtRandom(ctx context.Context) (kills int) {
	e.t.Helper()
	for {
		select {
		case <-time.After(time.Duration(200+rand.IntN(500)) * time.Millisecond):
		case <-ctx.Done():
			return kills
		}
		victims := e.cluster.Processes()
		e.restart(victims[rand.IntN(len(victims))])
		kills++
	}
}

func (e *env) restart(p *cluster.Process) {
	e.t.Helper()
	p.Kill()
	if err := p.Start(); err != nil {
		e.t.Fatal(err)
	}
	if err := p.WaitReady(e.ctx); err != nil {
		e.t.Fatal(err)
	}
}

// collectAll registers bob until nothing is kept any more, and returns the
// numbers that came, by sender. Once, the media server is killed while it
// delivers.
func (e *env) collectAll() map[string][]int {
	e.t.Helper()
	var mu sync.Mutex
	got := map[string][]int{}
	count := 0
	half := make(chan struct{})
	e.register(softphone.Config{User: bob, OnMessage: func(ctx context.Context, m *softphone.Message) error {
		var n int
		if _, err := fmt.Fscan(m, &n); err != nil {
			return err
		}
		if _, err := io.Copy(io.Discard, m); err != nil {
			return err
		}
		release, err := m.InOrder(ctx)
		if err != nil {
			return err
		}
		defer release()
		name := strings.TrimSuffix(strings.TrimPrefix(m.Sender, "sip:"), "@"+domain)
		mu.Lock()
		defer mu.Unlock()
		got[name] = append(got[name], n)
		if count++; count == 20 {
			close(half)
		}
		return nil
	}}, nil)
	select {
	case <-half:
		e.restart(e.cluster.MS[0])
	case <-time.After(patience):
		e.t.Fatal("hardly anything came")
	}
	e.drain()
	mu.Lock()
	defer mu.Unlock()
	return got
}

// drain waits until nothing is kept any more, for as long as there is progress.
func (e *env) drain() {
	e.t.Helper()
	for left := e.kept(); left != 0; left = e.kept() {
		e.eventually(fmt.Sprintf("less than %d messages are kept", left), func() bool {
			n := e.kept()
			return n >= 0 && (n < left || left < 0)
		})
	}
}

// check holds that what was confirmed has come, in order. What came once more
// was delivered and not yet deleted when the media server was killed.
func (l *ledger) check(t *testing.T, got map[string][]int) {
	t.Helper()
	for name, confirmed := range l.confirmed {
		next, last := 0, -1
		for _, n := range got[name] {
			if n < last {
				t.Errorf("%s: message %d came after %d", name, n, last)
			}
			last = n
			if next < len(confirmed) && n == confirmed[next] {
				next++
			}
		}
		if next < len(confirmed) {
			t.Errorf("%s: message %d was confirmed and did not come (%d of %d did)", name, confirmed[next], next, len(confirmed))
		}
	}
}
