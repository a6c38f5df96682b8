package mscp

import (
	"slices"
	"sync"
	"sync/atomic"
)

// A sequencer runs jobs side by side, but those about one connection, dialog or
// conference one after the other, in the order of submit. See section 7.2: the
// channel keeps the sequence of what is sent.
type sequencer struct {
	work *sync.WaitGroup
	done <-chan struct{} // its end stops idle workers

	idle        chan *job // to workers that have nothing to do
	idleWorkers atomic.Int32

	mu   sync.Mutex
	last map[string]*job // the job about each target that was submitted last
}

// A job is what one PDU asks for.
type job struct {
	run     func()
	note    bool // run hands j to a queue of its own, which calls done at its end
	queued  bool // a note whose run has returned
	targets []string
	waits   int    // jobs before it that are not finished
	next    []*job // jobs that wait for it
}

func newSequencer(work *sync.WaitGroup, done <-chan struct{}) *sequencer {
	return &sequencer{work: work, done: done, idle: make(chan *job), last: map[string]*job{}}
}

// submit runs j when every earlier job about one of docs' targets is finished.
// One goroutine at a time may call it.
func (s *sequencer) submit(j *job, docs []received) {
	for _, d := range docs {
		if d.doc != nil {
			j.targets = appendTargets(j.targets, d.doc.Element)
		}
	}
	s.mu.Lock()
	for _, target := range j.targets {
		before := s.last[target]
		inQueue := before != nil && j.note && before.queued // j comes after it there
		if before != nil && !inQueue {                      // [MSCP-7.2-1]
			before.next = append(before.next, j)
			j.waits++
		}
		s.last[target] = j
	}
	ready := j.waits == 0
	s.mu.Unlock()
	if ready {
		s.start(j)
	}
}

// start runs j, and what waits for it, in another goroutine.
func (s *sequencer) start(j *job) {
	if j.note {
		j.run()
		s.mu.Lock()
		j.queued = true
		s.mu.Unlock()
		return
	}
	select {
	case s.idle <- j:
	default:
		s.work.Go(func() { s.worker(j) })
	}
}

// worker runs j, and then further jobs, since a goroutine whose stack has grown
// is worth keeping.
func (s *sequencer) worker(j *job) {
	for {
		for j != nil {
			j.run()
			j = s.finished(j)
		}
		if s.idleWorkers.Add(1) > MaxIdleWorkers {
			s.idleWorkers.Add(-1)
			return
		}
		select {
		case j = <-s.idle:
			s.idleWorkers.Add(-1)
		case <-s.done:
			return
		}
	}
}

// finished starts what has waited for nothing but j, and returns one job of it
// for the caller to run.
func (s *sequencer) finished(j *job) (next *job) {
	s.mu.Lock()
	for _, target := range j.targets {
		if s.last[target] == j {
			delete(s.last, target)
		}
	}
	var others []*job
	for _, n := range j.next {
		if n.waits--; n.waits > 0 {
			continue
		}
		if next == nil && !n.note {
			next = n
		} else {
			others = append(others, n)
		}
	}
	s.mu.Unlock()
	for _, n := range others {
		s.start(n)
	}
	return next
}

// noteDone is for the queue of a note.
func (s *sequencer) noteDone(j *job) {
	if next := s.finished(j); next != nil {
		s.start(next)
	}
}

// targetNames are the attributes that name a connection, dialog or conference.
var targetNames = []string{"connectionid", "conferenceid", "dialogid", "prepareddialogid", "id1", "id2", "connection-id"}

// Targets returns the ids of the connections, dialogs and conferences that e is about,
// each once. Requests that share one are handled in the order of their arrival.
func Targets(e Element) []string { return appendTargets(nil, e) }

// appendTargets appends the targets of e that are not there yet.
func appendTargets(ids []string, e Element) []string {
	add := func(id string) {
		if id != "" && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	switch e := e.(type) {
	case typedElement:
		attrs := e.shape().attrs
		for i := range attrs {
			if slices.Contains(targetNames, attrs[i].name) {
				add(*e.attr(i))
			}
		}
	case *Other:
		for _, name := range targetNames {
			add(e.Attrs[name])
		}
	}
	return ids
}
