package ms

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gomscp/gomscp/mscp"
	"github.com/gomscp/gomscp/msrp"
	"github.com/gomscp/gomscp/store"
)

const benchSize = 1024 // bytes of a message

// appends measures what the disk can do: so many appends of 4 KB each, made
// durable one by one, by several threads on files of their own.
func appends(b *testing.B, threads, n int) float64 {
	dir := b.TempDir()
	page := make([]byte, 4096)
	var wg sync.WaitGroup
	began := time.Now()
	for i := range threads {
		f, err := os.Create(filepath.Join(dir, fmt.Sprint(i)))
		if err != nil {
			b.Fatal(err)
		}
		defer f.Close()
		wg.Go(func() {
			for range n / threads {
				_, err := f.Write(page)
				if err == nil {
					err = f.Sync()
				}
				if err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	return float64(n) / time.Since(began).Seconds()
}

// BenchmarkStore leaves 1 KB messages through the whole media server: MSRP in,
// 200 out when they are on disk. Beside it, in the same run, is the rate of
// durable appends of one thread; "per-append" is how many messages each of
// those would have to carry.
func BenchmarkStore(b *testing.B) {
	for _, tc := range []struct{ senders, window int }{{1, 1}, {64, 1}, {64, 16}} {
		b.Run(fmt.Sprintf("%dx%d", tc.senders, tc.window), func(b *testing.B) {
			a := newFakeAS(b, quiet)
			var sessions []*msrp.Session
			for i := range tc.senders {
				call, session := a.storeLeg()
				a.restore(call, fmt.Sprintf("sip:sender%d@example.com", i), fmt.Sprintf("sip:recipient%d@example.com", i))
				sessions = append(sessions, session)
			}
			limit := appends(b, 1, 500)
			b.ResetTimer()
			sendAll(b, sessions, tc.window, b.N)
			rate := float64(b.N) / b.Elapsed().Seconds()
			b.StopTimer()
			st := a.ms.Store().Stats()
			b.ReportMetric(rate, "messages/s")
			b.ReportMetric(rate/limit, "per-append")
			b.ReportMetric(float64(st.Stored)/float64(max(st.Commits, 1)), "per-commit")
		})
	}
}

func quiet(c *Config) { c.Log.Level = "error"; c.Limits.MinFree = 0 }

// sendAll sends n messages, each session with so many at a time.
func sendAll(b *testing.B, sessions []*msrp.Session, window, n int) {
	var left atomic.Int64
	left.Store(int64(n))
	body := bytes.Repeat([]byte{'x'}, benchSize)
	var wg sync.WaitGroup
	for _, s := range sessions {
		for range window {
			wg.Go(func() {
				for left.Add(-1) >= 0 {
					if _, err := s.Send(b.Context(), msrp.Message{ContentType: "text/plain", Body: bytes.NewReader(body), Size: benchSize}); err != nil {
						b.Error(err)
						return
					}
				}
			})
		}
	}
	wg.Wait()
}

// BenchmarkStoreLarge leaves messages of 10 MB, eight at a time. The limit is a
// file of that size, written and made durable, in the same run.
func BenchmarkStoreLarge(b *testing.B) {
	const size, senders = 10_000_000, 8
	a := newFakeAS(b, quiet)
	var sessions []*msrp.Session
	for i := range senders {
		call, session := a.storeLeg()
		a.restore(call, fmt.Sprintf("sip:sender%d@example.com", i), bob)
		sessions = append(sessions, session)
	}
	body := bytes.Repeat([]byte{'x'}, size)
	limit := writes(b, body, 10)
	b.SetBytes(size)
	b.ResetTimer()
	var left atomic.Int64
	left.Store(int64(b.N))
	var wg sync.WaitGroup
	for _, s := range sessions {
		wg.Go(func() {
			for left.Add(-1) >= 0 {
				if _, err := s.Send(b.Context(), msrp.Message{ContentType: "text/plain", Body: bytes.NewReader(body), Size: size}); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	rate := size * float64(b.N) / b.Elapsed().Seconds()
	b.ReportMetric(limit/1e6, "limit-MB/s")
	b.ReportMetric(100*rate/limit, "%-of-limit")
}

// writes is the rate, in bytes a second, at which files of that body are written
// and made durable one after the other.
func writes(b *testing.B, body []byte, n int) float64 {
	dir := b.TempDir()
	began := time.Now()
	for i := range n {
		f, err := os.Create(filepath.Join(dir, fmt.Sprint(i)))
		if err == nil {
			_, err = f.Write(body)
		}
		if err == nil {
			err = f.Sync()
		}
		if err != nil {
			b.Fatal(err)
		}
		f.Close()
	}
	return float64(n) * float64(len(body)) / time.Since(began).Seconds()
}

// BenchmarkLatency leaves messages at half the rate that 64 sessions can have,
// which is measured just before, and tells how long a message takes from its
// first byte to the answer that it is on disk.
func BenchmarkLatency(b *testing.B) {
	const senders = 64
	a := newFakeAS(b, quiet)
	var sessions []*msrp.Session
	for i := range senders {
		call, session := a.storeLeg()
		a.restore(call, fmt.Sprintf("sip:sender%d@example.com", i), fmt.Sprintf("sip:recipient%d@example.com", i))
		sessions = append(sessions, session)
	}
	const trial = 20_000
	began := time.Now()
	sendAll(b, sessions, 1, trial)
	rate := trial / time.Since(began).Seconds() / 2
	b.ResetTimer()
	var mu sync.Mutex
	var took []time.Duration
	body := bytes.Repeat([]byte{'x'}, benchSize)
	var wg sync.WaitGroup
	for i, s := range sessions {
		wg.Go(func() {
			pause := time.Duration(float64(senders) / rate * float64(time.Second))
			next := time.Now().Add(pause * time.Duration(i) / senders)
			for n := i; n < b.N; n += senders {
				time.Sleep(time.Until(next))
				began := time.Now()
				if _, err := s.Send(b.Context(), msrp.Message{ContentType: "text/plain", Body: bytes.NewReader(body), Size: benchSize}); err != nil {
					b.Error(err)
					return
				}
				mu.Lock()
				took = append(took, time.Since(began))
				mu.Unlock()
				next = next.Add(pause)
			}
		})
	}
	wg.Wait()
	slices.Sort(took)
	b.ReportMetric(float64(len(took))/b.Elapsed().Seconds(), "messages/s")
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
}

// BenchmarkDeliver pushes what is kept, with durable deletion: all of it for one
// recipient; or ten messages for each of many, 16 push sessions at a time. The
// rate of durable appends in the same run is beside it.
func BenchmarkDeliver(b *testing.B) {
	for _, tc := range []struct {
		name  string
		each  int // messages of a recipient; 0: all
		users int // at a time
	}{{"one recipient", 0, 1}, {"ten each", 10, 16}} {
		b.Run(tc.name, func(b *testing.B) {
			a := newFakeAS(b, quiet)
			each := tc.each
			if each == 0 {
				each = b.N
			}
			fill(b, a.ms.Store(), each)
			limit := appends(b, 1, 500)
			b.ResetTimer()
			var next atomic.Int64
			var wg sync.WaitGroup
			for range tc.users {
				wg.Go(func() {
					for {
						i := int(next.Add(1)) - 1
						if i*each >= b.N {
							return
						}
						took, resp := a.pushTo(alice, benchRecipient(i), []string{"*"}, nil)
						if _, ok := resp.(*mscp.MsgSended); !ok || len(took) != min(each, b.N-i*each) {
							b.Errorf("%d messages: %+v", len(took), resp)
							return
						}
					}
				})
			}
			wg.Wait()
			rate := float64(b.N) / b.Elapsed().Seconds()
			b.ReportMetric(rate, "messages/s")
			b.ReportMetric(rate/limit, "per-append")
		})
	}
}

func benchRecipient(i int) string { return fmt.Sprintf("sip:recipient%d@example.com", i) }

// fill stores b.N messages, so many for each recipient.
func fill(b *testing.B, st *store.Store, each int) {
	body := bytes.Repeat([]byte{'x'}, benchSize)
	var last *store.Pending
	for i := range b.N {
		w, err := st.Begin(b.Context(), store.Meta{Recipient: benchRecipient(i / each), Sender: alice, ContentType: "text/plain", Received: time.Now()})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := w.Write(body); err != nil {
			b.Fatal(err)
		}
		last = w.Commit()
	}
	if err := last.Wait(b.Context()); err != nil {
		b.Fatal(err)
	}
}

// logTo logs to the test, or nowhere in a benchmark.
func logTo(t testing.TB) *slog.Logger {
	if _, ok := t.(*testing.B); ok {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(slog.NewTextHandler(t.Output(), nil))
}
