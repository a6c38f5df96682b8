package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	bolt "go.etcd.io/bbolt"
)

// A job is what one transaction does for one caller: write a segment, make a
// message visible, remove messages, set them aside.
type job struct {
	segments []segment
	message  *MessageInfo // becomes visible; its ID is given by the committer
	meta     []byte       // message, encoded
	tag      uint64       // of message
	ahead    int64        // bytes of message that are in the file already
	remove   []ID
	expired  bool       // why they are removed
	outside  bool       // Options.Changed is called for it
	aside    []ID       // to set aside
	mark     *asideMark // why they, or message, are; nil: they are put back
	discard  []unfinished
	state    atomic.Int32 // of a message: one of jobQueued and so on
	opened   uint64       // Store.opened when the body was begun whose segments are in the file; 0: there are none

	done      chan struct{} // closed when the fields below are set
	id        ID            // of message, or of the one it repeats
	duplicate *job          // what it repeats is in the same batch
	again     bool          // message repeats one that is kept
	refused   error         // why the committer did not take the message
	removed   int           // messages
	err       error
}

// unfinished is a body that is in the file without its message.
type unfinished struct {
	body  uint64
	bytes int64
}

type segment struct {
	body   uint64
	number uint32
	data   []byte
}

// removeCost is the part of MaxBatchBytes that removing a message counts for.
const removeCost = 64

// A message that waits in the queue can be withdrawn until the committer takes it.
const (
	jobQueued int32 = iota
	jobTaken
	jobWithdrawn
)

// take has the committer write the job; it reports false if the job was withdrawn.
func (j *job) take() bool {
	return j.state.CompareAndSwap(jobQueued, jobTaken) || j.state.Load() == jobTaken
}

// withdraw reports false if the committer has taken the job.
func (j *job) withdraw() bool {
	return j.state.CompareAndSwap(jobQueued, jobWithdrawn) || j.state.Load() == jobWithdrawn
}

func newJob() *job { return &job{done: make(chan struct{})} }

func (j *job) size() int {
	n := len(j.meta) + removeCost*len(j.remove)
	for _, s := range j.segments {
		n += len(s.data)
	}
	return n
}

// do submits a job and waits for it.
func (s *Store) do(ctx context.Context, j *job) error {
	if err := s.submit(ctx, j); err != nil {
		return err
	}
	return s.wait(ctx, j)
}

// wait waits until the job is on disk. A ctx that ends first does not take the
// job back.
func (s *Store) wait(ctx context.Context, j *job) error {
	select {
	case <-j.done:
		return j.err
	case <-ctx.Done():
		return ctx.Err()
	case <-s.stopped:
	}
	select {
	case <-j.done:
		return j.err
	default:
		return ErrClosed // it came into the queue after the committer's last look
	}
}

// submit puts the job into the committer's queue, and waits for a place there.
func (s *Store) submit(ctx context.Context, j *job) error {
	if s.readOnly {
		return ErrReadOnly
	}
	select {
	case <-s.stop:
		return ErrClosed
	default:
	}
	if s.failing.Load() {
		return ErrFailing
	}
	size := int64(j.size())
	s.queued.Add(size)
	var err error
	select {
	case s.jobs <- j:
		return nil
	case <-s.stop:
		err = ErrClosed
	case <-ctx.Done():
		err = ctx.Err()
	}
	s.queued.Add(-size)
	return err
}

// submitLater puts the job into the queue without a wait for a place there.
func (s *Store) submitLater(j *job) {
	s.queued.Add(int64(j.size()))
	select {
	case s.jobs <- j:
	default:
		s.queued.Add(-int64(j.size()))
		go func() { _ = s.submit(context.Background(), j) }() // ends with the store
	}
}

// withLeftovers adds some of the bodies that could not be removed before.
func (s *Store) withLeftovers(batch []*job) []*job {
	if len(s.leftover) == 0 {
		return batch
	}
	n := min(len(s.leftover), maxLeftovers)
	j := newJob()
	j.discard = slices.Clone(s.leftover[:n])
	s.leftover = slices.Delete(s.leftover, 0, n)
	return append(batch, j)
}

// maxLeftovers bounds the bodies of failed messages that one batch removes.
const maxLeftovers = 4

// commit writes a batch, and brings the index up to date before its callers
// hear of it.
func (s *Store) commit(batch []*job) {
	if batch = s.refuseStale(batch); len(batch) == 0 {
		return
	}
	began := time.Now()
	s.decide(batch)
	s.decideFreelist()
	changed := s.outsidePairs(batch, false)
	var w *layoutTx
	known, err := s.update(func(tx *bolt.Tx) error {
		w = s.newLayoutTx(tx)
		for _, j := range batch {
			if err := s.apply(w, j); err != nil {
				return err
			}
		}
		return w.finish()
	})
	switch {
	case err == nil:
		s.publish(batch, w, time.Since(began))
	case !known:
		changed = s.outsidePairs(batch, true)
		err = s.settle(batch, err)
	case errors.Is(err, ErrDamaged) && len(batch) > 1:
		s.oneByOne(batch)
		return
	default:
		s.log.Error("store: commit failed", "jobs", len(batch), "err", err)
		s.failed(batch)
		s.markBroken(batch, err)
	}
	s.lastBatch.committed(len(batch)+len(s.jobs), time.Since(began))
	for _, j := range batch {
		if j.err = err; err == nil {
			j.err = j.refused
		}
		if j.duplicate != nil {
			j.id = j.duplicate.id
			j.err = cmp.Or(j.err, j.duplicate.err)
		}
		close(j.done)
	}
	s.tellChanged(changed)
}

// decide goes through a batch before it is written. A message that is kept
// already, is over a limit, or was withdrawn, becomes the removal of its body. What the batch
// itself deletes counts as still there.
func (s *Store) decide(batch []*job) {
	d := decision{s: s, duplicates: make(map[duplicateKey]*job, len(batch)), recipients: map[string]load{}, senders: map[Pair]load{}}
	d.total, d.index = s.index.kept.bytes+s.openBytes(), s.index.memory()
	for _, j := range batch {
		if j.message == nil {
			continue
		}
		if !j.take() {
			j.refused = ErrWithdrawn
		} else if d.repeats(j) {
			j.again = true
		} else if j.refused = d.admit(j); j.refused == nil {
			continue
		}
		if j.ahead > 0 {
			j.discard = append(j.discard, unfinished{j.message.Body, j.ahead})
		}
		j.message, j.segments = nil, nil
	}
}

// openBytes are the bytes of bodies that are written ahead of their messages.
func (s *Store) openBytes() int64 {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.index.open
}

// apply writes what a job asks for.
func (s *Store) apply(w *layoutTx, j *job) error {
	if len(j.segments) > 0 && j.message == nil { // its message may never come
		if err := w.begin(j.segments[0].body); err != nil {
			return err
		}
	}
	if j.message == nil || j.ahead > 0 {
		for _, g := range j.segments {
			if err := w.putSegment(g); err != nil {
				return err
			}
		}
	}
	if j.message != nil {
		if err := w.putMessage(j); err != nil {
			return err
		}
		if j.mark != nil {
			if err := w.setAside(j.id, j.mark); err != nil {
				return err
			}
		}
	}
	for _, id := range j.remove {
		if _, e := s.index.find(id); e != nil && !w.gone[id] {
			if err := w.remove(e); err != nil {
				return err
			}
		}
	}
	for _, id := range j.aside {
		if s.index.holds(id) && !w.gone[id] && !(j.mark.waits() && s.index.isAside(id)) {
			if err := w.setAside(id, j.mark); err != nil {
				return err
			}
		}
	}
	for _, u := range j.discard {
		if err := w.discard(u.body); err != nil {
			return err
		}
	}
	return nil
}

// refuseStale takes the jobs out of a batch that belong to a body which was begun
// before the file was opened anew: what is in the file of it went then.
func (s *Store) refuseStale(batch []*job) []*job {
	return slices.DeleteFunc(batch, func(j *job) bool {
		if j.opened == 0 || j.opened == s.opened.Load() {
			return false
		}
		j.err = ErrFailing
		close(j.done)
		return true
	})
}

// oneByOne commits the jobs of a batch that has met a damaged page, so that only
// those fail that need it.
func (s *Store) oneByOne(batch []*job) {
	for _, j := range batch {
		s.commit([]*job{j})
	}
}

// markBroken notes that a message could not be added because of damage, which does
// not heal by itself.
func (s *Store) markBroken(batch []*job, err error) {
	if errors.Is(err, ErrDamaged) && slices.ContainsFunc(batch, func(j *job) bool { return j.message != nil || len(j.segments) > 0 }) {
		s.broken.Store(true)
	}
}

// settle finds out what has become of a batch whose commit may be on disk or not.
func (s *Store) settle(batch []*job, cause error) error {
	for _, j := range batch {
		for _, id := range j.remove {
			if s.index.holds(id) {
				j.removed++
			}
		}
	}
	committed, err := s.recover(s.writing, cause)
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case err != nil:
		return fmt.Errorf("%w: %w", ErrUnknown, cause)
	case !committed:
		for _, j := range batch {
			j.removed = 0
		}
		s.counts.Failed++
		return cause
	}
	for _, j := range batch {
		if j.message != nil {
			s.counts.Stored++
		}
		s.counts.job(j)
	}
	return nil
}

// failed notes the bodies of a batch that failed: what is in the file of
// them is tried again with later batches. A message whose segment failed is
// given up by its writer.
func (s *Store) failed(batch []*job) {
	s.mu.Lock()
	s.counts.Failed++
	s.mu.Unlock()
	for _, j := range batch {
		if j.message != nil && j.ahead > 0 {
			s.leftover = append(s.leftover, unfinished{j.message.Body, j.ahead})
		}
		s.leftover = append(s.leftover, j.discard...)
	}
}

// publish brings index and counts up to date.
func (s *Store) publish(batch []*job, w *layoutTx, took time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, j := range batch {
		if j.message != nil {
			s.index.add(j.message, j.tag)
			if j.mark != nil {
				s.index.setAside(j.id, j.mark)
			}
			s.index.open -= j.ahead
			s.counts.Stored++
		}
		for _, id := range j.remove {
			if s.index.remove(id) {
				j.removed++
				s.waste(id)
			}
		}
		for _, id := range j.aside {
			s.index.setAside(id, j.mark)
		}
		for _, u := range j.discard {
			s.index.open -= u.bytes
		}
		s.counts.job(j)
	}
	w.publish()
	s.index.trimDue()
	s.counts.commit(len(batch), took)
}
