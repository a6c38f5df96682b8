package store

import (
	"context"
	"slices"
)

// do submits a job and waits until it is done.
func (s *Store) do(ctx context.Context, j job) error {
	if err := s.submit(ctx, j); err != nil {
		return err
	}
	return s.wait(ctx, j)
}

// wait waits until the job is on disk. The end of ctx does not cancel the job.
func (s *Store) wait(ctx context.Context, j job) error {
	b := j.base()
	select {
	case <-b.done:
		return b.err
	case <-ctx.Done():
		return ctx.Err()
	case <-s.stopped:
	}
	select {
	case <-b.done:
		return b.err
	default:
		return ErrClosed // the job was submitted after the committer's last look
	}
}

// submit puts the job into the committer's queue. It waits while the queue is full.
func (s *Store) submit(ctx context.Context, j job) error {
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

// submitLater puts the job into the queue without waiting.
func (s *Store) submitLater(j job) {
	s.queued.Add(int64(j.size()))
	select {
	case s.jobs <- j:
	default:
		s.queued.Add(-int64(j.size()))
		go func() { _ = s.submit(context.Background(), j) }() // ends with the store
	}
}

// withLeftovers adds a job that removes some of the bodies that could not be removed
// before.
func (s *Store) withLeftovers(batch []job) []job {
	if len(s.leftover) == 0 {
		return batch
	}
	n := min(len(s.leftover), maxLeftovers)
	j := &discardJob{jobBase: newBase(), bodies: slices.Clone(s.leftover[:n])}
	s.leftover = slices.Delete(s.leftover, 0, n)
	return append(batch, j)
}

// maxLeftovers is the largest number of bodies of failed messages that one batch removes.
const maxLeftovers = 4
