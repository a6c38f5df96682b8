package store

import "time"

// maxGather is the longest that a batch waits to become fuller.
const maxGather = 2 * time.Millisecond

// A lastBatch estimates how many jobs come at once. gather waits briefly, so that callers
// that were just answered can join the next transaction, which costs almost the same with
// all of them in it. With two senders or more this nearly halves the commits, see
// BenchmarkPut; a single sender never waits.
type lastBatch struct {
	size  int           // the jobs of the last transaction, and those that came meanwhile
	took  time.Duration // by the last transaction
	timer *time.Timer
}

// committed is called before the callers of a transaction hear of it.
func (c *lastBatch) committed(size int, took time.Duration) { c.size, c.took = size, took }

// wait returns a channel that receives when the batch must be committed as it is.
func (c *lastBatch) wait() <-chan time.Time {
	d := min(c.took, maxGather)
	if c.timer == nil {
		c.timer = time.NewTimer(d)
	} else {
		c.timer.Reset(d)
	}
	return c.timer.C
}

// commitLoop is the one goroutine that writes. It takes all that waits, up to
// the limits of a batch, into one transaction.
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

// gather makes a batch of first and what waits behind it. While it is smaller
// than the lastBatch of the last time, it waits for the rest, as long as the last
// transaction took at the most.
func (s *Store) gather(first job) []job {
	batch, size := make([]job, 1, max(s.lastBatch.size, 1)), first.size()
	batch[0] = first
	var enough <-chan time.Time
	for len(batch) < MaxBatch && size < MaxBatchBytes {
		j := s.another(len(batch), &enough)
		if j == nil {
			break
		}
		batch = append(batch, j)
		size += j.size()
	}
	s.queued.Add(-int64(size))
	return s.withLeftovers(batch)
}

// another returns the next job of a batch that has n, or nil if it is to go on
// without. enough is set when the waiting begins.
func (s *Store) another(n int, enough *<-chan time.Time) job {
	select {
	case j := <-s.jobs:
		return j
	default:
	}
	if n >= s.lastBatch.size {
		return nil
	}
	if *enough == nil {
		*enough = s.lastBatch.wait()
	}
	select {
	case j := <-s.jobs:
		return j
	case <-*enough:
	case <-s.stop:
	}
	return nil
}
