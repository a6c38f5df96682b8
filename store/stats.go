package store

import (
	"errors"
	"maps"
	"os"
	"slices"
	"time"
)

// A Histogram counts values by size, in the form of Prometheus.
type Histogram struct {
	Bounds []float64 // upper bounds, without the infinite one
	Counts []uint64  // values up to each bound; each count includes the lower ones
	Count  uint64    // all values
	Sum    float64   // of all values
}

func newHistogram(bounds ...float64) Histogram {
	return Histogram{Bounds: bounds, Counts: make([]uint64, len(bounds))}
}

// observe counts a value in its own bucket only; snapshot adds the lower buckets.
func (h *Histogram) observe(v float64) {
	if i, _ := slices.BinarySearch(h.Bounds, v); i < len(h.Counts) {
		h.Counts[i]++
	}
	h.Count++
	h.Sum += v
}

func (h *Histogram) snapshot() Histogram {
	c := *h
	c.Counts = slices.Clone(h.Counts)
	for i := 1; i < len(c.Counts); i++ {
		c.Counts[i] += c.Counts[i-1]
	}
	return c
}

// Stats are the present contents of a store, and the counts since it was opened.
type Stats struct {
	Messages  int       // kept, with those that are set aside
	Bytes     int64     // of their bodies
	Aside     int       // messages that are set aside
	Open      int64     // bytes of bodies in the file whose messages are not committed yet
	Oldest    time.Time // when the oldest kept message arrived; zero if there is none
	FileBytes int64     // size of the file
	Index     int64     // bytes of memory of the index, estimated
	Queue     int       // jobs that wait for the next transaction
	QueueSize int64     // bytes of these jobs

	Counts
}

// Counts are the numbers of events since the store was opened.
type Counts struct {
	Stored     uint64           // messages
	Deleted    uint64           // messages, with the expired ones
	Expired    uint64           // messages
	Duplicates uint64           // messages that repeated a kept one
	Refused    uint64           // messages over a limit
	RefusedBy  map[Limit]uint64 // messages over a limit, by limit
	Unreadable uint64           // messages that Open could not decode
	Commits    uint64           // transactions
	Jobs       uint64           // jobs of callers; on average Jobs/Commits jobs share one fsync
	Failed     uint64           // transactions that failed
	CommitTime time.Duration    // of all transactions

	CommitSeconds Histogram // duration of a transaction, in seconds
	GroupSize     Histogram // jobs of a transaction
}

// counts are the Counts of a store that is open.
type counts struct{ Counts }

func newCounts() counts {
	return counts{Counts{
		RefusedBy:     map[Limit]uint64{},
		CommitSeconds: newHistogram(.0001, .0002, .0005, .001, .002, .005, .01, .02, .05, .1, .2, .5, 1, 2, 5),
		GroupSize:     newHistogram(1, 2, 4, 8, 16, 32, 64, 128, 256, 512, MaxBatch),
	}}
}

func (c *counts) refused(err error) {
	if err == nil {
		return
	}
	if over := (*LimitError)(nil); errors.As(err, &over) {
		c.Refused++
		c.RefusedBy[over.Limit]++
	}
}

func (c *counts) commit(jobs int, took time.Duration) {
	c.Commits++
	c.Jobs += uint64(jobs)
	c.CommitTime += took
	c.CommitSeconds.observe(took.Seconds())
	c.GroupSize.observe(float64(jobs))
}

func (s *Store) countRefused(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts.refused(err)
}

// Stats returns the present contents and the counts.
func (s *Store) Stats() Stats {
	var size int64
	if info, err := os.Stat(s.path); err == nil {
		size = info.Size()
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	st := Stats{Counts: s.counts.Counts}
	st.RefusedBy = maps.Clone(st.RefusedBy)
	st.CommitSeconds, st.GroupSize = st.CommitSeconds.snapshot(), st.GroupSize.snapshot()
	st.Messages, st.Bytes = s.index.kept.count, s.index.kept.bytes
	st.Aside, st.Open, st.Oldest = len(s.index.aside), s.index.open, s.index.oldest()
	st.Index = s.index.memory()
	st.FileBytes, st.Queue, st.QueueSize = size, len(s.jobs), s.queued.Load()
	return st
}
