//go:build linux

package store

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/gomscp/gomscp/internal/testutil"
)

// BenchmarkDisk is the limit that the others are read against: appends of 4 KB
// to a file, each made durable.
func BenchmarkDisk(b *testing.B) {
	for _, threads := range []int{1, 64} {
		b.Run(fmt.Sprint(threads), func(b *testing.B) {
			f, err := os.Create(filepath.Join(b.TempDir(), "disk"))
			if err != nil {
				b.Fatal(err)
			}
			defer f.Close()
			var wg sync.WaitGroup
			for i := range threads {
				wg.Go(func() {
					page := make([]byte, 4096)
					for n := i; n < b.N; n += threads {
						_, err := f.WriteAt(page, int64(n)*4096)
						if err == nil {
							err = unix.Fdatasync(int(f.Fd()))
						}
						if err != nil {
							b.Error(err)
						}
					}
				})
			}
			wg.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "syncs/s")
		})
	}
}

func report(b *testing.B, s *Store, messages uint64) {
	st := s.Stats()
	b.ReportMetric(float64(messages)/b.Elapsed().Seconds(), "msg/s")
	b.ReportMetric(float64(st.Jobs)/float64(2*st.Commits), "jobs/fsync") // bbolt has two a commit
}

// BenchmarkPut stores messages of 1 KB for 1,000,000 recipients, durably, with
// some writers at once.
func BenchmarkPut(b *testing.B) {
	for _, writers := range []int{1, 64, 256, 1024} {
		b.Run(fmt.Sprint(writers), func(b *testing.B) {
			s := newStore(b)
			body := testutil.Bytes(1024)
			var wg sync.WaitGroup
			for i := range writers {
				wg.Go(func() {
					for n := i; n < b.N; n += writers {
						put(b, s, Meta{
							Recipient: fmt.Sprintf("sip:user%d@example.com", rand.IntN(1_000_000)), Sender: fmt.Sprintf("sip:sender%d@example.com", i),
							MessageID: fmt.Sprintf("%x", rand.Uint64()), ContentType: "text/plain", Received: time.Now(),
						}, body)
					}
				})
			}
			wg.Wait()
			report(b, s, uint64(b.N))
		})
	}
}

// BenchmarkStoreAndDeliver has writers who store messages of 1 KB and, beside
// each, a reader who reads and deletes them.
func BenchmarkStoreAndDeliver(b *testing.B) {
	for _, writers := range []int{1, 64, 256, 1024} {
		b.Run(fmt.Sprint(writers), func(b *testing.B) {
			s := newStore(b)
			body := testutil.Bytes(1024)
			var wg sync.WaitGroup
			for i := range writers {
				to := fmt.Sprint("r", i)
				stored := make(chan struct{}, b.N/writers+1)
				wg.Go(func() {
					defer close(stored)
					for range b.N/writers + 1 {
						put(b, s, Meta{Recipient: to, Sender: "alice"}, body)
						stored <- struct{}{}
					}
				})
				wg.Go(func() {
					for range stored {
						deliverFirst(b, s, to)
					}
				})
			}
			wg.Wait()
			report(b, s, s.Stats().Deleted)
		})
	}
}

// deliverFirst reads and deletes a recipient's first message.
func deliverFirst(b *testing.B, s *Store, to string) {
	m := s.Page(to, "", 0, 1)[0]
	r, err := s.OpenBody(m.ID)
	if err == nil {
		_, err = io.Copy(io.Discard, r)
	}
	if err == nil {
		err = s.Delete(context.Background(), m.ID)
	}
	if err != nil {
		b.Error(err)
	}
}

// BenchmarkDeliver empties a store that is full, some readers at once.
func BenchmarkDeliver(b *testing.B) {
	for _, readers := range []int{64, 1024} {
		b.Run(fmt.Sprint(readers), func(b *testing.B) {
			s := newStore(b)
			fillPlain(b, s, b.N/readers*readers, readers, 1024)
			before := s.Stats()
			b.ResetTimer()
			var wg sync.WaitGroup
			for i := range readers {
				wg.Go(func() {
					for range b.N / readers {
						deliverFirst(b, s, recipient(i))
					}
				})
			}
			wg.Wait()
			st := s.Stats()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "msg/s")
			b.ReportMetric(float64(st.Jobs-before.Jobs)/float64(2*(st.Commits-before.Commits)), "jobs/fsync")
		})
	}
}

// BenchmarkRead reads messages of 1 KB with their bodies.
func BenchmarkRead(b *testing.B) {
	const recipients, each = 100, 200
	s := newStore(b)
	fillPlain(b, s, recipients*each, recipients, 1024)
	b.Run("page-and-body", func(b *testing.B) {
		for n := 0; n < b.N; {
			for _, m := range s.Page(recipient(n/each%recipients), "", 0, each) {
				r, err := s.OpenBody(m.ID)
				if err == nil {
					_, err = io.Copy(io.Discard, r)
				}
				if err != nil {
					b.Fatal(err)
				}
				n++
			}
		}
	})
}

func recipient(i int) string { return fmt.Sprintf("sip:user%d@example.com", i) }

// fillPlain stores n messages for so many recipients in turn, without waiting for
// the disk.
func fillPlain(b testing.TB, s *Store, n, recipients, size int) {
	b.Helper()
	s.db.NoSync = true
	defer func() { s.db.NoSync = false }()
	body := testutil.Bytes(size)
	var waiting []*Pending
	for i := range n {
		w, err := s.Begin(context.Background(), Meta{
			Recipient: recipient(i % recipients), Sender: "sip:alice@example.com", MessageID: fmt.Sprintf("%016x", i),
			ContentType: "text/plain", ConnectionID: "0123456789abcdef;0123456789;0123456789", Received: time.Unix(int64(i), 0),
		})
		if err == nil {
			_, err = w.Write(body)
		}
		if err != nil {
			b.Fatal(err)
		}
		waiting = append(waiting, w.Commit())
		if len(waiting) == MaxBatch || i == n-1 {
			for _, p := range waiting {
				if err := p.Wait(context.Background()); err != nil {
					b.Fatal(err)
				}
			}
			waiting = waiting[:0]
		}
	}
	if err := s.db.Sync(); err != nil {
		b.Fatal(err)
	}
}
