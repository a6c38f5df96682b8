package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"
)

// A job is what one transaction does for one caller: write a segment, make a
// message visible, remove messages.
type job struct {
	segments []segment
	message  *MessageInfo // becomes visible; its ID is given by the committer
	meta     []byte       // message, encoded
	remove   []ID
	discard  []uint64 // bodies of messages that were given up
	refused  error    // why the committer did not take the message
	fault    error    // what is wrong with a message to remove; other jobs go on

	done chan struct{}
	err  error
}

type segment struct {
	body   uint64
	number uint32
	data   []byte
}

func newJob() *job { return &job{done: make(chan struct{})} }

func (j *job) size() int {
	n := len(j.meta)
	for _, s := range j.segments {
		n += len(s.data)
	}
	return n
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
	select {
	case <-s.stop:
		return ErrClosed
	default:
	}
	select {
	case s.jobs <- j:
		return nil
	case <-s.stop:
		return ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
}

// commitLoop is the one goroutine that writes. It takes all that waits, up to
// the limits of a batch, into one transaction, and never waits for more.
func (s *Store) commitLoop() {
	defer close(s.stopped)
	for {
		select {
		case j := <-s.jobs:
			s.commit(s.gather(j))
		case <-s.stop:
			s.drain()
			return
		}
	}
}

// drain commits what was submitted before the end.
func (s *Store) drain() {
	for {
		select {
		case j := <-s.jobs:
			s.commit(s.gather(j))
		default:
			return
		}
	}
}

func (s *Store) gather(first *job) []*job {
	batch, size := []*job{first}, first.size()
	for len(batch) < MaxBatch && size < MaxBatchBytes {
		select {
		case j := <-s.jobs:
			batch = append(batch, j)
			size += j.size()
		default:
			return batch
		}
	}
	return batch
}

// commit writes a batch, and brings the index up to date before its callers
// hear of it.
func (s *Store) commit(batch []*job) {
	began := time.Now()
	s.refuse(batch)
	seq := s.seq
	var removed []MessageInfo
	err := s.db.Update(func(tx *bolt.Tx) error {
		for _, j := range batch {
			gone, err := s.apply(tx, j, &seq)
			if err != nil {
				return err
			}
			removed = append(removed, gone...)
		}
		if seq == s.seq {
			return nil
		}
		return tx.Bucket(messagesBucket).SetSequence(seq)
	})
	if err != nil {
		s.log.Error("store: commit failed", "jobs", len(batch), "err", err)
	} else {
		s.publish(batch, removed, seq, time.Since(began))
	}
	for _, j := range batch {
		if j.err = err; err == nil {
			j.err = errors.Join(j.refused, j.fault)
		}
		close(j.done)
	}
}

func (s *Store) apply(tx *bolt.Tx, j *job, seq *uint64) (removed []MessageInfo, err error) {
	messages, bodies, open := tx.Bucket(messagesBucket), tx.Bucket(bodiesBucket), tx.Bucket(openBucket)
	messages.FillPercent, bodies.FillPercent = 1, 1 // keys only grow
	if len(j.segments) > 0 && j.message == nil {    // its message may never come
		if err := open.Put(messageKey(ID(j.segments[0].body)), nil); err != nil {
			return nil, err
		}
	}
	for _, g := range j.segments {
		if err := bodies.Put(bodyKey(g.body, g.number), g.data); err != nil {
			return nil, err
		}
	}
	if j.message != nil {
		*seq++
		j.message.ID = ID(*seq)
		err := errors.Join(messages.Put(messageKey(j.message.ID), j.meta), open.Delete(messageKey(ID(j.message.Body))))
		if err != nil {
			return nil, err
		}
	}
	for _, id := range j.remove {
		v := messages.Get(messageKey(id))
		if v == nil {
			continue
		}
		m := MessageInfo{ID: id}
		if err := json.Unmarshal(v, &m); err != nil {
			j.fault = errors.Join(j.fault, fmt.Errorf("store: damaged message %d: %w", id, err))
			continue
		}
		if err := messages.Delete(messageKey(id)); err != nil {
			return nil, err
		}
		if _, err := deleteBody(bodies, m.Body); err != nil {
			return nil, err
		}
		removed = append(removed, m)
	}
	for _, body := range j.discard {
		if _, err := deleteBody(bodies, body); err != nil {
			return nil, err
		}
		if err := open.Delete(messageKey(ID(body))); err != nil {
			return nil, err
		}
	}
	return removed, nil
}

func (s *Store) publish(batch []*job, removed []MessageInfo, seq uint64, took time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seq = seq
	for _, j := range batch {
		if j.message != nil {
			s.index.add(*j.message)
			s.stats.Stored++
		}
	}
	for _, m := range removed {
		s.index.remove(m)
		s.stats.Deleted++
	}
	for _, j := range batch {
		if j.refused != nil {
			s.stats.Refused++
		}
	}
	s.stats.Commits++
	s.stats.Jobs += uint64(len(batch))
	s.stats.CommitTime += took
}
