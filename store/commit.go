package store

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"
)

// commit writes a batch and updates the index, before the callers are answered.
func (s *Store) commit(batch []job) {
	if batch = s.refuseStale(batch); len(batch) == 0 {
		return
	}
	began := time.Now()
	s.setUnderWay(batch)
	defer s.setUnderWay(nil)
	s.decide(batch)
	s.decideFreelist()
	changed := s.outsidePairs(batch, false)
	var w *layoutTx
	known, err := s.update(func(tx *bolt.Tx) error {
		w = s.newLayoutTx(tx)
		for _, j := range batch {
			if err := j.write(w); err != nil {
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
		b := j.base()
		b.err = err
		if m, ok := j.(*messageJob); ok {
			m.conclude()
		}
		close(b.done)
	}
	s.tellChanged(changed)
}

// setUnderWay notes the batch that is being written. A message that is in the index and
// not in the file is damaged, unless this batch deletes it.
func (s *Store) setUnderWay(batch []job) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.underWay = batch
}

// conclude sets the result of a message after that of its transaction.
func (j *messageJob) conclude() {
	j.err = cmp.Or(j.err, j.refused)
	if j.repeats != nil {
		j.id = j.repeats.id
		j.err = cmp.Or(j.err, j.repeats.err)
	}
}

// decide finds out, before a batch is written, which messages are kept: a message is not
// kept if it is a duplicate, is over a limit, or was withdrawn. Messages that the batch
// itself deletes count as kept.
func (s *Store) decide(batch []job) {
	d := decision{s: s, duplicates: make(map[duplicateKey]*messageJob, len(batch)), recipients: map[string]load{}, senders: map[Pair]load{}}
	d.total, d.index = s.index.kept.bytes+s.openBytes(), s.index.memory()
	for _, j := range batch {
		m, ok := j.(*messageJob)
		if !ok || !m.kept() { // decided in a batch that has failed
			continue
		}
		switch {
		case !m.take():
			m.refused = ErrWithdrawn
		case d.repeats(m):
			m.duplicate = true
		default:
			m.refused = d.admit(m)
		}
	}
}

// openBytes returns the bytes of bodies in the file whose messages are not committed yet.
func (s *Store) openBytes() int64 {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.index.open
}

// refuseStale fails, and removes from a batch, the jobs of bodies that were begun before
// the file was reopened, because reopening has removed their segments.
func (s *Store) refuseStale(batch []job) []job {
	return slices.DeleteFunc(batch, func(j job) bool {
		b := j.base()
		if b.opened == 0 || b.opened == s.opened.Load() {
			return false
		}
		b.err = ErrFailing
		close(b.done)
		return true
	})
}

// oneByOne commits the jobs of a batch that has met a damaged page, so that only the jobs
// that need this page fail.
func (s *Store) oneByOne(batch []job) {
	for _, j := range batch {
		s.commit([]job{j})
	}
}

// markBroken notes that a message could not be added because of damage. Only an operator
// can repair that.
func (s *Store) markBroken(batch []job, err error) {
	if errors.Is(err, ErrDamaged) && slices.ContainsFunc(batch, adds) {
		s.broken.Store(true)
	}
}

// adds reports whether a job adds data to the file.
func adds(j job) bool {
	switch j := j.(type) {
	case *segmentJob:
		return true
	case *messageJob:
		return j.kept()
	}
	return false
}

// settle finds out whether a batch is on disk after a commit whose result is unknown.
func (s *Store) settle(batch []job, cause error) error {
	for _, j := range batch {
		if j, ok := j.(*removeJob); ok {
			j.removed = s.index.countHeld(j.ids)
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
			if j, ok := j.(*removeJob); ok {
				j.removed = 0
			}
		}
		s.counts.Failed++
		return cause
	}
	for _, j := range batch {
		j.count(&s.counts)
	}
	return nil
}

// failed notes the bodies of a batch that failed. Later batches remove their segments
// from the file. If the segment of a message failed, its Writer discards the message.
func (s *Store) failed(batch []job) {
	s.mu.Lock()
	s.counts.Failed++
	s.mu.Unlock()
	for _, j := range batch {
		switch j := j.(type) {
		case *messageJob:
			if j.ahead > 0 {
				s.leftover = append(s.leftover, j.unfinished())
			}
		case *discardJob:
			s.leftover = append(s.leftover, j.bodies...)
		}
	}
}

// publish updates the index and the counts.
func (s *Store) publish(batch []job, w *layoutTx, took time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, j := range batch {
		j.publish(s)
		j.count(&s.counts)
	}
	w.publish()
	s.index.trimDue()
	s.counts.commit(len(batch), took)
}
