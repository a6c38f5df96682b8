package store

import (
	"sync/atomic"
)

// A job is the work of the committer, in one transaction, for one caller. Each kind of
// job has its own type.
type job interface {
	// base returns the part that all kinds have.
	base() *jobBase
	// size returns the bytes of the job that count to MaxBatchBytes.
	size() int
	// write writes the job in the transaction.
	write(w *layoutTx) error
	// publish updates the index after the transaction is on disk. The caller holds s.mu.
	publish(s *Store)
	// count adds the job's result to the counts, after publish.
	count(c *counts)
	// changes calls add for each pair whose messages the job changes. It is called before
	// publish, with s.mu held for reading.
	changes(x *index, add func(recipient, sender string))
}

// jobBase is the part that all kinds of jobs have.
type jobBase struct {
	// outside reports whether Options.Changed is called for the job.
	outside bool
	// opened is Store.opened at the beginning of a body with segments in the file; 0 if
	// the job has no such body.
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

// A messageJob makes a message visible, with its last segment. If the message is not
// kept, the job removes its segments from the file.
type messageJob struct {
	jobBase
	message *MessageInfo // the committer gives it its ID
	meta    []byte       // message, encoded
	tag     uint64       // of message, see tagOf
	mark    *asideMark   // the message is set aside from the beginning; nil: it is not
	last    *segment     // nil: the body is empty
	ahead   int64        // bytes of the body that are in the file already
	state   atomic.Int32 // messageQueued, messageTaken or messageWithdrawn

	id        ID          // of message, or of the message that it repeats
	repeats   *messageJob // the message that it repeats is in the same batch
	duplicate bool        // the message repeats a kept one
	refused   error       // why the message is not kept
}

// The states of a messageJob. A queued message can be withdrawn until the committer takes
// it.
const (
	messageQueued int32 = iota
	messageTaken
	messageWithdrawn
)

// take claims the job for the committer. It reports false if the job was withdrawn.
func (j *messageJob) take() bool {
	return j.state.CompareAndSwap(messageQueued, messageTaken) || j.state.Load() == messageTaken
}

// withdraw withdraws the job. It reports false if the committer has taken it.
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

// inExtent returns the bytes that the message adds to its extent.
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

// A removeJob deletes messages. It ignores IDs of messages that are not kept.
type removeJob struct {
	jobBase
	ids     []ID
	expired bool // they have expired
	removed int  // messages
}

// removeCost is how much a deleted message counts to MaxBatchBytes, in bytes.
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

// A markJob sets messages aside, notes refusals, or removes these marks.
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

// A discardJob removes the segments of discarded messages.
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
