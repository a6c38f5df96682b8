package e2e

import (
	"context"
	"crypto/sha256"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/gomscp/gomscp/interop/internal/softphone"
	"github.com/gomscp/gomscp/msrp"
)

var largeSize = flag.Int64("large", 1<<20, "how many bytes each message of TestLargeMessages has")

const (
	largeSenders = 64
	largeMemory  = 256 << 20 // the most that a server may ever have, in bytes
)

// TestLargeMessages has 64 senders leave one large message each, at the same
// time, for one recipient, who then gets them all with their bytes. Neither
// server ever has much memory of its own, whatever the size: -large 100000000 is 6.4 GB in
// all.
func TestLargeMessages(t *testing.T) {
	// A second for each 10 MB, both ways.
	e := newEnv(t, envOptions{time: patience + time.Duration(largeSenders*2**largeSize/10e6)*time.Second})
	memory := e.watchMemory()
	var senders sync.WaitGroup
	began := time.Now()
	for i := range largeSenders {
		phone := e.phone(softphone.Config{User: fmt.Sprintf("sip:s%d@%s", i, domain)})
		senders.Go(func() {
			if err := leaveLarge(e.ctx, phone, i); err != nil {
				t.Errorf("sender %d: %v", i, err)
			}
		})
	}
	senders.Wait()
	t.Logf("stored: %.0f MB/s", largeSenders*float64(*largeSize)/1e6/time.Since(began).Seconds())

	sums := make(chan [sha256.Size]byte, largeSenders)
	began = time.Now()
	e.register(softphone.Config{User: bob, OnMessage: func(_ context.Context, m *softphone.Message) error {
		h := sha256.New()
		if _, err := io.Copy(h, m); err != nil {
			return err
		}
		sums <- [sha256.Size]byte(h.Sum(nil))
		return nil
	}}, nil)
	want := map[[sha256.Size]byte]bool{}
	for i := range largeSenders {
		h := sha256.New()
		if _, err := io.Copy(h, largeBody(i)); err != nil {
			t.Fatal(err)
		}
		want[[sha256.Size]byte(h.Sum(nil))] = true
	}
	for len(want) > 0 {
		select {
		case sum := <-sums:
			delete(want, sum)
		case <-e.ctx.Done():
			t.Fatalf("%d messages have not come", len(want))
		}
	}
	t.Logf("delivered: %.0f MB/s", largeSenders*float64(*largeSize)/1e6/time.Since(began).Seconds())
	for name, most := range memory() {
		t.Logf("%s had %d MB at most", name, most>>20)
		if most > largeMemory {
			t.Errorf("%s is over %d MB", name, largeMemory>>20)
		}
	}
	e.wantKept(0)
}

// watchMemory looks at the servers' own memory again and again, until the
// function it returns is called: that tells the most it has seen, by name. The
// pages of the store's file, which is mapped, are not among it: they belong to
// the system, which takes them back when it needs them.
func (e *env) watchMemory() func() map[string]int {
	most := map[string]int{}
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			for _, p := range e.cluster.Processes() {
				most[p.Name] = max(most[p.Name], statusBytes(e.t, p.Pid(), "RssAnon:"))
			}
			select {
			case <-tick.C:
			case <-stop:
				return
			case <-e.ctx.Done():
				return
			}
		}
	}()
	return func() map[string]int {
		close(stop)
		<-done
		return most
	}
}

func leaveLarge(ctx context.Context, phone *softphone.Phone, i int) error {
	chat, err := phone.Call(ctx, bob)
	if err != nil {
		return err
	}
	if _, err := chat.Send(ctx, msrp.Message{ContentType: "application/octet-stream", Body: largeBody(i), Size: *largeSize}); err != nil {
		return err
	}
	return chat.Close(ctx)
}

// largeBody is a sender's message: always the same bytes.
func largeBody(i int) io.Reader {
	var seed [32]byte
	seed[0] = byte(i)
	return io.LimitReader(rand.NewChaCha8(seed), *largeSize)
}
