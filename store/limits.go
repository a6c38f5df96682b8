package store

import (
	"bytes"
	"errors"
	"fmt"
)

// Limits bound the contents of a store. Zero means no limit. Lowering a limit removes no
// message.
type Limits struct {
	MaxBody              int64 // bytes of one message's body
	MaxRecipientMessages int   // messages kept for one recipient
	MaxRecipientBytes    int64 // bytes of bodies kept for one recipient
	MaxSenderMessages    int   // messages of one sender kept for one recipient
	MaxSenderBytes       int64 // bytes of bodies of one sender kept for one recipient
	MaxTotalBytes        int64 // bytes of all bodies in the file, with those of messages that are not committed
	MaxIndexBytes        int64 // bytes of memory of the index, as estimated in [Stats]; one transaction may exceed it
	MinFree              int64 // bytes that stay free on the file system; checked by Begin and before each segment, on Linux only
}

// SetLimits replaces the limits. They also apply to messages whose Writer is open.
func (s *Store) SetLimits(l Limits) { s.limits.Store(&l) }

// Limits returns the limits in force.
func (s *Store) Limits() Limits { return *s.limits.Load() }

// Limit names one of the [Limits].
type Limit string

// The limits that a [LimitError] names.
const (
	LimitBody      Limit = "body"
	LimitRecipient Limit = "recipient"
	LimitSender    Limit = "sender"
	LimitTotal     Limit = "total"
	LimitDisk      Limit = "disk"
	LimitIndex     Limit = "index"
)

// ErrLimit matches every [LimitError] with errors.Is.
var ErrLimit = errors.New("store: over a limit")

// A LimitError means that a message is over a limit and was refused. No part of it is
// kept. After LimitBody, the same message will fail again (413 of MSRP). After other
// limits, a later attempt may succeed.
type LimitError struct {
	Limit Limit
	Max   int64 // messages or bytes, in the unit of the limit
}

func (e *LimitError) Error() string {
	return fmt.Sprintf("store: over the limit: %s (%d)", e.Limit, e.Max)
}

// Is reports whether target is [ErrLimit].
func (e *LimitError) Is(target error) bool { return target == ErrLimit }

// A load is a number of messages and of their bytes.
type load struct {
	count int
	bytes int64
}

func (l load) plus(o load) load { return load{l.count + o.count, l.bytes + o.bytes} }

// admit returns a LimitError if a message of size bytes must not be added. recipient and
// sender are their loads, total and index the bytes in use.
func (l *Limits) admit(size int64, recipient, sender load, total, index int64) error {
	one := load{1, size}
	checks := []struct {
		limit Limit
		is    int64
		max   int64
	}{
		{LimitBody, size, l.MaxBody},
		{LimitRecipient, int64(recipient.plus(one).count), int64(l.MaxRecipientMessages)},
		{LimitRecipient, recipient.plus(one).bytes, l.MaxRecipientBytes},
		{LimitSender, int64(sender.plus(one).count), int64(l.MaxSenderMessages)},
		{LimitSender, sender.plus(one).bytes, l.MaxSenderBytes},
		{LimitTotal, total + size, l.MaxTotalBytes},
		{LimitIndex, index + entryCost, l.MaxIndexBytes},
	}
	for _, c := range checks {
		if c.max > 0 && c.is > c.max {
			return &LimitError{c.limit, c.max}
		}
	}
	return nil
}

// admitNow is the early check of Begin and Write; the committer decides later. size is
// the number of bytes of the message that have arrived, and ahead the number of them that
// are in the file. It reserves more bytes of the total for the next segment.
func (s *Store) admitNow(m Meta, size, ahead, more int64) error {
	if err := s.checkDisk(); err != nil {
		return err
	}
	if more == 0 { // Begin, which must not delay other callers
		s.mu.RLock()
		defer s.mu.RUnlock()
	} else {
		s.mu.Lock()
		defer s.mu.Unlock()
	}
	recipient, sender := s.index.loads(m.Recipient, m.Sender)
	err := s.limits.Load().admit(size, recipient, sender, s.index.kept.bytes+s.index.open-ahead, s.index.memory())
	if err == nil && more > 0 {
		s.index.open += more
	}
	return err
}

func (s *Store) checkDisk() error {
	limits := s.limits.Load()
	if limits.MinFree <= 0 {
		return nil
	}
	below, err := s.space.below(s.db.Path(), limits.MinFree)
	if below {
		return &LimitError{LimitDisk, limits.MinFree}
	}
	return err
}

// A Pair is a recipient and a sender, by URI. Write the names of its fields in a literal:
// with exchanged values, messages would be delivered to their sender.
type Pair struct{ Recipient, Sender string }

type duplicateKey struct {
	Pair
	tag uint64
}

// A decision is the state of decide for one batch.
type decision struct {
	s          *Store
	duplicates map[duplicateKey]*messageJob
	recipients map[string]load
	senders    map[Pair]load
	total      int64
	index      int64 // bytes of memory
}

// admit applies the limits to a message, counting the earlier messages of the batch.
func (d *decision) admit(j *messageJob) error {
	m := j.message
	p := Pair{Recipient: m.Recipient, Sender: m.Sender}
	r, f := d.s.index.loads(m.Recipient, m.Sender)
	err := d.s.limits.Load().admit(m.Size, r.plus(d.recipients[p.Recipient]), f.plus(d.senders[p]), d.total-j.ahead, d.index)
	if err != nil {
		return err
	}
	one := load{1, m.Size}
	if limits := d.s.limits.Load(); limits.MaxRecipientMessages > 0 || limits.MaxRecipientBytes > 0 {
		d.recipients[p.Recipient] = d.recipients[p.Recipient].plus(one)
	}
	if limits := d.s.limits.Load(); limits.MaxSenderMessages > 0 || limits.MaxSenderBytes > 0 {
		d.senders[p] = d.senders[p].plus(one)
	}
	d.total += m.Size - j.ahead
	d.index += entryCost
	if j.tag != 0 {
		d.duplicates[duplicateKey{p, j.tag}] = j
	}
	return nil
}

// repeats reports whether the message is a duplicate of a kept message, or of an earlier
// one in the batch: it has the same Message-ID, sender, recipient and body. The tag finds
// candidates, and the record in the file decides.
func (d *decision) repeats(j *messageJob) bool {
	if j.tag == 0 {
		return false
	}
	m := j.message
	if kept := d.duplicates[duplicateKey{Pair{Recipient: m.Recipient, Sender: m.Sender}, j.tag}]; kept != nil && sameMessage(kept.message, m) {
		j.repeats = kept
		return true
	}
	p := d.s.index.thread(m.Recipient, m.Sender)
	if p == nil {
		return false
	}
	id, ok := p.tagged(j.tag)
	if !ok {
		return false
	}
	if kept := d.s.read([]ID{id}); len(kept) == 1 && sameMessage(&kept[0], m) {
		j.id = id
		return true
	}
	return false
}

func sameMessage(a, b *MessageInfo) bool {
	return a.MessageID == b.MessageID && a.Size == b.Size && bytes.Equal(a.Sum, b.Sum)
}
