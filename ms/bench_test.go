package ms

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
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
				if _, err := f.Write(page); err == nil {
					err = f.Sync()
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

// BenchmarkDeliver pushes what is kept for one recipient, with durable
// deletion.
func BenchmarkDeliver(b *testing.B) {
	a := newFakeAS(b, quiet)
	body := bytes.Repeat([]byte{'x'}, benchSize)
	var last *store.Pending
	for range b.N {
		w, err := a.ms.Store().Begin(b.Context(), store.Meta{Recipient: bob, Sender: alice, ContentType: "text/plain", Received: time.Now()})
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
	b.ResetTimer()
	took, resp := a.push([]string{"*"}, nil)
	b.StopTimer()
	if _, ok := resp.(*mscp.MsgSended); !ok || len(took) != b.N {
		b.Fatalf("%d of %d: %+v", len(took), b.N, resp)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "messages/s")
}

// logTo logs to the test, or nowhere in a benchmark.
func logTo(t testing.TB) *slog.Logger {
	if _, ok := t.(*testing.B); ok {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(slog.NewTextHandler(t.Output(), nil))
}
