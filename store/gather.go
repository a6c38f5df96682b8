package store

import "time"

// maxGather is the longest time for which gather waits for more jobs.
const maxGather = 2 * time.Millisecond

// A lastBatch estimates how many jobs come at once. gather waits briefly, so that callers
// that were just answered can join the next transaction, which costs almost the same with
// all of them in it. With two senders or more this nearly halves the commits, see
// BenchmarkPut; a single sender never waits.
type lastBatch struct {
	size  int           // jobs of the last transaction, and jobs that arrived during it
	took  time.Duration // duration of the last transaction
	timer *time.Timer
}

// committed notes a transaction, before its callers are answered.
func (c *lastBatch) committed(size int, took time.Duration) { c.size, c.took = size, took }

// wait returns a channel that receives when gather must not wait any longer.
func (c *lastBatch) wait() <-chan time.Time {
	d := min(c.took, maxGather)
	if c.timer == nil {
		c.timer = time.NewTimer(d)
	} else {
		c.timer.Reset(d)
	}
	return c.timer.C
}

// commitLoop is the goroutine that writes. It commits all waiting jobs in one
// transaction, up to the limits of a batch.
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

// drain commits the jobs that were submitted before Close.
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

// gather makes a batch of the job first and the jobs in the queue. While the batch is
// smaller than the last one, it waits for more jobs, at most for the duration of the last
// transaction.
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

// another returns the next job of a batch that has n jobs, or nil if the batch is
// complete. It sets enough when it begins to wait.
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
