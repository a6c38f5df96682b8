//go:build linux

package store

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/gomscp/gomscp/internal/testutil"
)

var (
	bigBytes = flag.Int64("big", 0, "TestBig makes a file of so many bytes of bodies, and measures; 0: it is left out")
	bigSize  = flag.Int("big.size", 1024, "bytes of each body in TestBig")
	bigCold  = flag.Bool("big.cold", false, "TestBig drops the system's page cache before it opens the file (as root, on Linux)")
)

// TestBig measures what grows with the file: storing at 100 MB and at the full
// size, opening it after Close and after a crash, and a recipient's first message.
// The file goes at the end.
func TestBig(t *testing.T) {
	if *bigBytes == 0 {
		t.Skip("no -big")
	}
	path := filepath.Join(t.TempDir(), "big.db")
	s := openStore(t, path)
	const small = 100 << 20
	fillPlain(t, s, small / *bigSize, 1_000_000, *bigSize)
	storeSome(t, s, "at 100 MB")
	fillPlain(t, s, int((*bigBytes-small)/int64(*bigSize)), 1_000_000, *bigSize)
	storeSome(t, s, fmt.Sprintf("at %d MB", *bigBytes>>20))
	st := s.Stats()
	t.Logf("%d messages, file %d MB", st.Messages, st.FileBytes>>20)
	for _, crash := range []bool{false, true} {
		if crash { // what Close would have written is missing
			<-s.stopCommitter()
			if err := s.db.Close(); err != nil {
				t.Fatal(err)
			}
		} else if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = nil
		before := heapInUse()
		dropCache(t)
		began, cpu := time.Now(), cpuTime()
		s = openStore(t, path)
		t.Logf("opened, crash %t, cold %t: %v, of processors %v", crash, *bigCold, time.Since(began), cpuTime()-cpu)
		if n := s.Stats().Messages; n != st.Messages {
			t.Errorf("%d messages, want %d", n, st.Messages)
		}
		t.Logf("index: %d bytes a message", (heapInUse()-before)/uint64(st.Messages))
		dropCache(t)
		var worst, sum time.Duration
		const looks = 1000
		for range looks {
			began := time.Now()
			bodyOf(t, s, s.Page(recipient(rand.IntN(100_000)), "", 0, 1)[0].ID)
			took := time.Since(began)
			worst, sum = max(worst, took), sum+took
		}
		t.Logf("first message of a recipient: %v, at worst %v of %d", sum/looks, worst, looks)
		commitOf(t, s, Meta{Recipient: "bob"}, nil) // makes the saved list of free pages void
		if err := s.Delete(t.Context(), s.Messages("bob", "")[0].ID); err != nil {
			t.Fatal(err)
		}
	}
}

// stopCommitter ends the store without what Close writes.
func (s *Store) stopCommitter() <-chan struct{} {
	s.once.Do(func() { close(s.stop) })
	return s.stopped
}

// cpuTime is what the process has used: on a busy machine it says more than the
// clock.
func cpuTime() time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func heapInUse() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func dropCache(t *testing.T) {
	t.Helper()
	if !*bigCold {
		return
	}
	if err := os.WriteFile("/proc/sys/vm/drop_caches", []byte("1"), 0); err != nil {
		t.Skip(err)
	}
}

// storeSome has 1024 writers store messages, durably.
func storeSome(t *testing.T, s *Store, when string) {
	t.Helper()
	const writers, each = 1024, 100
	before, cpu := s.Stats(), cpuTime()
	body := testutil.Bytes(*bigSize)
	began := time.Now()
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			for range each {
				put(t, s, Meta{Recipient: recipient(rand.IntN(1_000_000)), Sender: "sip:alice@example.com", MessageID: fmt.Sprint(rand.Uint64())}, body)
			}
		})
	}
	wg.Wait()
	took, st := time.Since(began), s.Stats()
	t.Logf("%s: %.0f messages/s, %.0f per fsync, %.1f ms a commit, %v of processors a message", when, writers*each/took.Seconds(),
		float64(st.Jobs-before.Jobs)/float64(2*(st.Commits-before.Commits)), 1000*(st.CommitTime-before.CommitTime).Seconds()/float64(st.Commits-before.Commits), (cpuTime()-cpu)/(writers*each))
}
