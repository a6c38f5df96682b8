package store

import (
	"encoding/binary"
	"flag"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"testing"

	bolt "go.etcd.io/bbolt"

	"github.com/gomscp/gomscp/internal/testutil"
)

var layoutScale = flag.Int("layout.scale", 100, "BenchmarkLayouts has 1,000,000 divided by this messages before it begins")

// A layout is a way to keep messages in a bbolt file, as bare as it can be: what
// the store's own was chosen from.
type layout struct {
	name   string
	put    func(tx *bolt.Tx, m kept, meta, body []byte) error
	remove func(tx *bolt.Tx, batch []kept) error
}

// kept is what a layout needs to know of a message.
type kept struct {
	seq uint64
	to  int // recipient
}

func seqKey(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

func layouts() []layout {
	return []layout{layoutRecipients(), layoutArrival(), layoutSegments()}
}

// layoutRecipients has a bucket for each recipient.
func layoutRecipients() layout {
	key := func(m kept) []byte { return fmt.Appendf(nil, "sip:user%d@example.com", m.to) }
	return layout{"recipients",
		func(tx *bolt.Tx, m kept, meta, body []byte) error {
			b, err := tx.CreateBucketIfNotExists([]byte("r"))
			if err == nil {
				b, err = b.CreateBucketIfNotExists(key(m))
			}
			if err != nil {
				return err
			}
			return b.Put(seqKey(m.seq), append(append([]byte(nil), meta...), body...))
		},
		func(tx *bolt.Tx, batch []kept) error {
			for _, m := range batch {
				if err := tx.Bucket([]byte("r")).Bucket(key(m)).Delete(seqKey(m.seq)); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

// layoutArrival has one bucket of metadata and one of bodies, in order of arrival.
func layoutArrival() layout {
	return layout{"arrival",
		func(tx *bolt.Tx, m kept, meta, body []byte) error {
			return putBoth(tx, []string{"m", "b"}, m.seq, meta, body)
		},
		func(tx *bolt.Tx, batch []kept) error {
			for _, m := range batch {
				for _, name := range []string{"m", "b"} {
					if err := tx.Bucket([]byte(name)).Delete(seqKey(m.seq)); err != nil {
						return err
					}
				}
			}
			return nil
		},
	}
}

func putBoth(tx *bolt.Tx, names []string, seq uint64, values ...[]byte) error {
	for i, name := range names {
		b, err := tx.CreateBucketIfNotExists([]byte(name))
		if err != nil {
			return err
		}
		b.FillPercent = 1
		if err := b.Put(seqKey(seq), values[i]); err != nil {
			return err
		}
	}
	return nil
}

// layoutSegments has buckets of some thousand messages in order of arrival; what
// is deleted is written to a log, and a bucket goes when all in it is.
func layoutSegments() layout {
	const length = 1 << 15
	live := map[uint64]int{}
	log := uint64(0)
	return layout{"segments",
		func(tx *bolt.Tx, m kept, meta, body []byte) error {
			for i, v := range [][]byte{meta, body} {
				b, err := tx.CreateBucketIfNotExists([]byte{"mb"[i]})
				if err == nil {
					b, err = b.CreateBucketIfNotExists(seqKey(m.seq / length))
				}
				if err != nil {
					return err
				}
				b.FillPercent = 1
				if err := b.Put(seqKey(m.seq), v); err != nil {
					return err
				}
			}
			live[m.seq/length]++
			return nil
		},
		func(tx *bolt.Tx, batch []kept) error {
			var dead []byte
			for _, m := range batch {
				dead = binary.BigEndian.AppendUint64(dead, m.seq)
				n := m.seq / length
				if live[n]--; live[n] > 0 {
					continue
				}
				for _, name := range []string{"m", "b"} {
					if err := tx.Bucket([]byte(name)).DeleteBucket(seqKey(n)); err != nil {
						return err
					}
				}
			}
			log++
			return putBoth(tx, []string{"d"}, log, dead)
		},
	}
}

// A layoutRun drives a layout with a committer like the store's.
type layoutRun struct {
	db      *bolt.DB
	l       layout
	jobs    chan layoutJob
	seq     uint64
	mu      sync.Mutex
	inboxes [][]uint64 // sequence numbers by recipient
	meta    []byte
	body    []byte

	commits, done int
}

type layoutJob struct {
	to     int
	remove uint64 // 0: put
	done   chan struct{}
}

func newLayoutRun(b *testing.B, l layout, recipients, pageSize int) *layoutRun {
	db, err := bolt.Open(filepath.Join(b.TempDir(), "l.db"), 0o600, &bolt.Options{
		FreelistType: bolt.FreelistMapType, NoFreelistSync: true, InitialMmapSize: 8 << 30, PageSize: pageSize,
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { db.Close() })
	return &layoutRun{
		db: db, l: l, jobs: make(chan layoutJob, MaxBatch), inboxes: make([][]uint64, recipients),
		meta: testutil.Bytes(120), body: testutil.Bytes(1024),
	}
}

// fill stores messages in large transactions without waiting for the disk.
func (r *layoutRun) fill(b *testing.B, n int, to func(i int) int) {
	r.db.NoSync = true
	for i := 0; i < n; {
		batch := make([]layoutJob, 0, 8*MaxBatch)
		for ; i < n && len(batch) < cap(batch); i++ {
			batch = append(batch, layoutJob{to: to(i)})
		}
		r.commit(b, batch)
	}
	r.db.NoSync = false
	r.commits, r.done = 0, 0
}

func (r *layoutRun) commit(b *testing.B, batch []layoutJob) {
	var removed []kept
	err := r.db.Update(func(tx *bolt.Tx) error {
		for _, j := range batch {
			if j.remove != 0 {
				removed = append(removed, kept{j.remove, j.to})
				continue
			}
			r.seq++
			if err := r.l.put(tx, kept{r.seq, j.to}, r.meta, r.body); err != nil {
				return err
			}
			r.mu.Lock()
			r.inboxes[j.to] = append(r.inboxes[j.to], r.seq)
			r.mu.Unlock()
		}
		if len(removed) == 0 {
			return nil
		}
		return r.l.remove(tx, removed)
	})
	if err != nil {
		b.Error(err)
	}
	r.commits++
	r.done += len(batch)
	for _, j := range batch {
		if j.done != nil {
			close(j.done)
		}
	}
}

func (r *layoutRun) commitLoop(b *testing.B) {
	for first := range r.jobs {
		batch := []layoutJob{first}
		for len(batch) < MaxBatch && len(r.jobs) > 0 {
			batch = append(batch, <-r.jobs)
		}
		r.commit(b, batch)
	}
}

// oldest takes the oldest message of a recipient out.
func (r *layoutRun) oldest(to int) (seq uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if inbox := r.inboxes[to]; len(inbox) > 0 {
		seq = inbox[0]
		r.inboxes[to] = inbox[1:]
	}
	return seq
}

// drive has clients put a message each, and then, if they deliver, remove the
// oldest of some recipient.
func (r *layoutRun) drive(b *testing.B, clients int, deliver bool) {
	go r.commitLoop(b)
	do := func(to int, remove uint64) {
		j := layoutJob{to, remove, make(chan struct{})}
		r.jobs <- j
		<-j.done
	}
	b.ResetTimer()
	var wg sync.WaitGroup
	for i := range clients {
		wg.Go(func() {
			for n := i; n < b.N; n += clients {
				do(rand.IntN(len(r.inboxes)), 0)
				for deliver {
					to := rand.IntN(len(r.inboxes))
					if seq := r.oldest(to); seq != 0 {
						do(to, seq)
						break
					}
				}
			}
		})
	}
	wg.Wait()
	b.StopTimer()
	close(r.jobs)
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "msg/s")
	b.ReportMetric(float64(r.done)/float64(2*r.commits), "jobs/fsync") // bbolt has two a commit
}

// BenchmarkLayouts compares layouts on the same jobs, 1024 clients at once; with
// -layout.scale 1 on as many messages as the names say.
func BenchmarkLayouts(b *testing.B) {
	million := 1_000_000 / *layoutScale
	jobs := []struct {
		name             string
		recipients, fill int
		deliver          bool
	}{
		{"1000000-recipients", million, 0, false},
		{"10x100000", 10, million, false},
		{"1000000x1", million, million, false},
		{"deliver-1000000x1", million, million, true},
		{"deliver-2000", 2000, million / 5, true},
	}
	for _, job := range jobs {
		for _, pageSize := range []int{4 << 10, 16 << 10} {
			for _, l := range layouts() {
				b.Run(fmt.Sprintf("%s/page%d/%s", job.name, pageSize, l.name), func(b *testing.B) {
					r := newLayoutRun(b, l, job.recipients, pageSize)
					r.fill(b, job.fill, func(i int) int { return i % job.recipients })
					r.drive(b, MaxBatch, job.deliver)
				})
			}
		}
	}
}
