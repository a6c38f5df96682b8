package e2e

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gomscp/gomscp/interop/cluster"
	"github.com/gomscp/gomscp/interop/internal/softphone"
	"github.com/gomscp/gomscp/ms"
	"github.com/gomscp/gomscp/msrp"
)

var (
	ledgerTime    = flag.Duration("ledger", 3*time.Second, "how long TestLedger kills and restarts under load")
	ledgerSenders = flag.Int("ledger-senders", 4, "how many senders TestLedger has")
)

// A ledger is what each sender knows of its messages, by their numbers: those
// that were confirmed, in order, and those that were refused.
type ledger struct {
	mu        sync.Mutex
	confirmed map[string][]int
	refused   map[string]map[int]bool
}

// ledgerMax is the largest message that is taken, in bytes.
const ledgerMax = 250_000

// ledgerBody is the body of a sender's message, which tells its number and all
// of whose bytes follow from that. Some are of several chunks, some too large.
func ledgerBody(name string, n int) string {
	size := 10
	switch n % 20 {
	case 7:
		size = ledgerMax - 100
	case 13:
		size = ledgerMax + 50_000
	}
	unit := fmt.Sprintf("%s/%d.", name, n)
	return fmt.Sprintf("%d %s", n, strings.Repeat(unit, size/len(unit)+1))
}

// TestLedger has senders leave messages while the servers are killed and
// restarted at random. Then the recipient registers, and the media server is
// killed once more, while it delivers: every confirmed message arrives with
// all its bytes, in its sender's order, and none that was refused.
func TestLedger(t *testing.T) {
	e := newEnv(t, envOptions{configMS: func(_ int, c *ms.Config) { c.MSRP.MaxSize = ledgerMax }})
	l := &ledger{confirmed: map[string][]int{}, refused: map[string]map[int]bool{}}
	ctx, stop := context.WithTimeout(e.ctx, *ledgerTime)
	defer stop()
	var senders sync.WaitGroup
	for i := range *ledgerSenders {
		phone := e.phone(softphone.Config{User: fmt.Sprintf("sip:s%d@%s", i, domain)})
		senders.Go(func() { l.write(ctx, phone, fmt.Sprintf("s%d", i)) })
	}
	kills := e.killAtRandom(ctx)
	senders.Wait()
	e.awaitChannels()

	total, refused := 0, 0
	for name, n := range l.confirmed {
		total += len(n)
		refused += len(l.refused[name])
	}
	t.Logf("%d senders, %d kills, %d messages confirmed, %d refused", *ledgerSenders, kills, total, refused)
	if total == 0 || kills == 0 || refused == 0 {
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
			sctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), ledgerPatience)
			err = l.note(name, n, send(sctx, chat, msrp.Message{SuccessReport: n%2 == 0}, ledgerBody(name, n)))
			cancel()
		}
		bctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		_ = chat.Close(bctx) // the other side may be gone
		cancel()
	}
}

// ledgerPatience is how long a sender waits for one message.
const ledgerPatience = 5 * time.Second

// note takes down what became of a message; a refusal for its size is what it
// was made for, and no error.
func (l *ledger) note(name string, n int, err error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	var status *msrp.StatusError
	switch {
	case err == nil:
		l.confirmed[name] = append(l.confirmed[name], n)
	case errors.As(err, &status) && status.Code == 413:
		if l.refused[name] == nil {
			l.refused[name] = map[int]bool{}
		}
		l.refused[name][n] = true
		return nil
	}
	return err
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
		body, release, err := readInOrder(ctx, m)
		if err != nil {
			return err
		}
		defer release()
		name := strings.TrimSuffix(strings.TrimPrefix(m.Sender, "sip:"), "@"+domain)
		number, _, _ := strings.Cut(string(body), " ")
		n, err := strconv.Atoi(number)
		if err != nil || string(body) != ledgerBody(name, n) {
			e.t.Errorf("%s: the bytes of message %s are not its own", name, short(number))
		}
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

// check holds that what was confirmed has come, in order, and nothing that was
// refused. What came once more was delivered and not yet deleted when the media
// server was killed.
func (l *ledger) check(t *testing.T, got map[string][]int) {
	t.Helper()
	for name, confirmed := range l.confirmed {
		next, last := 0, -1
		seen := map[int]bool{}
		for _, n := range got[name] {
			if n < last && !seen[n] {
				t.Errorf("%s: message %d came after %d", name, n, last)
			}
			if l.refused[name][n] {
				t.Errorf("%s: message %d was refused and came", name, n)
			}
			last = n
			seen[n] = true
			for next < len(confirmed) && seen[confirmed[next]] {
				next++
			}
		}
		if next < len(confirmed) {
			t.Errorf("%s: message %d was confirmed and did not come (%d of %d did)", name, confirmed[next], next, len(confirmed))
		}
	}
}
