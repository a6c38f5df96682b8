package store

import (
	"sync/atomic"
)

// A job is what the committer does in a transaction for one caller. Each kind of job is a
// type of its own.
type job interface {
	// base returns what all kinds have.
	base() *jobBase
	// size is the part of MaxBatchBytes that the job takes.
	size() int
	// write writes the job in the transaction.
	write(w *layoutTx) error
	// publish brings the index up to date after the transaction is on disk. The caller
	// holds s.mu.
	publish(s *Store)
	// count adds the job's result to the counts, after publish.
	count(c *counts)
	// changes calls add for each message pair whose messages the job changes. It is called
	// before publish, with s.mu held for reading.
	changes(x *index, add func(recipient, sender string))
}

// jobBase is what all kinds of jobs have.
type jobBase struct {
	// outside reports whether Options.Changed is called for the job.
	outside bool
	// opened is Store.opened when the body was begun that has segments in the file; 0 if
	// the job is about no such body.
	opened uint64
	done   chan struct{} // closed when err and the results of the job are set
	err    error
}

func newBase() jobBase { return jobBase{done: make(chan struct{})} }

func (j *jobBase) base() *jobBase { return j }

// An unfinished is a body that is in the file without its message.
type unfinished struct {
	body  uint64
	bytes int64
}

// A segment is a part of a body.
type segment struct {
	body   uint64
	number uint32
	data   []byte // at most SegmentSize bytes
}

// A segmentJob writes a segment of a body whose message is not committed yet.
type segmentJob struct {
	jobBase
	segment segment
}

func (j *segmentJob) size() int { return len(j.segment.data) }

func (j *segmentJob) write(w *layoutTx) error {
	if err := w.begin(j.segment.body); err != nil { // its message may never be committed
		return err
	}
	return w.putSegment(j.segment)
}

func (j *segmentJob) publish(*Store)                       {} // Writer.flush has counted the bytes
func (j *segmentJob) count(*counts)                        {}
func (j *segmentJob) changes(*index, func(string, string)) {}

// A messageJob makes a message visible, with its last segment. A message that is not kept
// becomes the removal of its segments in the file.
type messageJob struct {
	jobBase
	message *MessageInfo // the committer gives it its ID
	meta    []byte       // message, encoded
	tag     uint64       // of message, see tagOf
	mark    *asideMark   // why it is set aside from its beginning; nil: it is not
	last    *segment     // nil: the body is empty
	ahead   int64        // bytes of the body that are in the file already
	state   atomic.Int32 // messageQueued, messageTaken or messageWithdrawn

	id        ID          // of message, or of the message that it repeats
	repeats   *messageJob // the message that it repeats is in the same batch
	duplicate bool        // it repeats a message that is kept
	refused   error       // why the message is not kept
}

// A message that waits in the queue can be withdrawn until the committer takes it.
const (
	messageQueued int32 = iota
	messageTaken
	messageWithdrawn
)

// take has the committer write the job; it reports false if the job was withdrawn.
func (j *messageJob) take() bool {
	return j.state.CompareAndSwap(messageQueued, messageTaken) || j.state.Load() == messageTaken
}

// withdraw reports false if the committer has taken the job.
func (j *messageJob) withdraw() bool {
	return j.state.CompareAndSwap(messageQueued, messageWithdrawn) || j.state.Load() == messageWithdrawn
}

// kept reports whether the message is to be written: it is neither a duplicate nor refused.
func (j *messageJob) kept() bool { return !j.duplicate && j.refused == nil }

func (j *messageJob) unfinished() unfinished { return unfinished{j.message.Body, j.ahead} }

func (j *messageJob) size() int {
	n := len(j.meta)
	if j.last != nil {
		n += len(j.last.data)
	}
	return n
}

// inExtent is how many bytes the message adds to its extent.
func (j *messageJob) inExtent() int64 {
	if j.ahead > 0 { // its body is elsewhere
		return int64(len(j.meta))
	}
	return int64(j.size())
}

func (j *messageJob) write(w *layoutTx) error {
	if !j.kept() {
		if j.ahead == 0 {
			return nil
		}
		return w.discard(j.message.Body)
	}
	if j.ahead > 0 && j.last != nil {
		if err := w.putSegment(*j.last); err != nil {
			return err
		}
	}
	if err := w.putMessage(j); err != nil {
		return err
	}
	if j.mark == nil {
		return nil
	}
	return w.setAside(j.id, j.mark)
}

func (j *messageJob) publish(s *Store) {
	s.index.open -= j.ahead
	if !j.kept() {
		return
	}
	s.index.add(j.message, j.tag)
	if j.mark != nil {
		s.index.setAside(j.id, j.mark)
	}
}

func (j *messageJob) count(c *counts) {
	switch {
	case j.duplicate:
		c.Duplicates++
	case j.refused != nil:
		c.refused(j.refused)
	default:
		c.Stored++
	}
}

func (j *messageJob) changes(_ *index, add func(recipient, sender string)) {
	if j.kept() {
		add(j.message.Recipient, j.message.Sender)
	}
}

// A removeJob removes messages. IDs of messages that are not kept are passed over.
type removeJob struct {
	jobBase
	ids     []ID
	expired bool // why they are removed, for the counts
	removed int  // messages
}

// removeCost is the part of MaxBatchBytes that removing a message counts for.
const removeCost = 64

func (j *removeJob) size() int { return removeCost * len(j.ids) }

func (j *removeJob) write(w *layoutTx) error {
	for _, id := range j.ids {
		if _, e := w.s.index.find(id); e != nil && !w.gone[id] {
			if err := w.remove(e); err != nil {
				return err
			}
		}
	}
	return nil
}

func (j *removeJob) publish(s *Store) {
	for _, id := range j.ids {
		if s.index.remove(id) {
			j.removed++
			s.waste(id)
		}
	}
}

func (j *removeJob) count(c *counts) {
	c.Deleted += uint64(j.removed)
	if j.expired {
		c.Expired += uint64(j.removed)
	}
}

func (j *removeJob) changes(x *index, add func(recipient, sender string)) { x.pairsOf(j.ids, add) }

// A markJob sets messages aside, notes refusals, or takes both back.
type markJob struct {
	jobBase
	ids  []ID
	mark *asideMark // nil: the marks are removed
}

func (j *markJob) size() int { return 0 }

func (j *markJob) write(w *layoutTx) error {
	x := &w.s.index
	for _, id := range j.ids {
		if x.holds(id) && !w.gone[id] && !(j.mark.waits() && x.isAside(id)) {
			if err := w.setAside(id, j.mark); err != nil {
				return err
			}
		}
	}
	return nil
}

func (j *markJob) publish(s *Store) {
	for _, id := range j.ids {
		s.index.setAside(id, j.mark)
	}
}

func (j *markJob) count(*counts) {}

func (j *markJob) changes(x *index, add func(recipient, sender string)) { x.pairsOf(j.ids, add) }

// A discardJob removes the segments of messages that were given up.
type discardJob struct {
	jobBase
	bodies []unfinished
}

func (j *discardJob) size() int { return 0 }

func (j *discardJob) write(w *layoutTx) error {
	for _, u := range j.bodies {
		if err := w.discard(u.body); err != nil {
			return err
		}
	}
	return nil
}

func (j *discardJob) publish(s *Store) {
	for _, u := range j.bodies {
		s.index.open -= u.bytes
	}
}

func (j *discardJob) count(*counts)                        {}
func (j *discardJob) changes(*index, func(string, string)) {}
