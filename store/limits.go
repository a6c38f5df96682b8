package store

import (
	"bytes"
	"errors"
	"fmt"
)

// Limits bound what a store keeps. Zero means no limit. What is already there
// when a limit is lowered stays.
type Limits struct {
	MaxBody              int64 // bytes of one message's body
	MaxRecipientMessages int   // messages kept for one recipient
	MaxRecipientBytes    int64 // bytes of bodies kept for one recipient
	MaxSenderMessages    int   // messages of one sender kept for one recipient
	MaxSenderBytes       int64 // bytes of bodies of one sender kept for one recipient
	MaxTotalBytes        int64 // bytes of bodies in the store, with those of unfinished messages on disk
	MaxIndexBytes        int64 // bytes of memory that the index takes, as [Stats] tells them; one transaction may go beyond
	MinFree              int64 // bytes that stay free on the file system; looked at by Begin and at every segment, on Linux only
}

// SetLimits puts other limits in force. Messages that are being written are held
// against them as well.
func (s *Store) SetLimits(l Limits) { s.limits.Store(&l) }

// Limits are those in force.
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

// ErrLimit is what every [LimitError] is.
var ErrLimit = errors.New("store: over a limit")

// A LimitError says that a message was refused, and nothing of it kept, for a
// limit. LimitBody is the message's own fault (413 of MSRP), the others may pass
// with time.
type LimitError struct {
	Limit Limit
	Max   int64 // messages or bytes, as the limit counts
}

func (e *LimitError) Error() string {
	return fmt.Sprintf("store: over the limit: %s (%d)", e.Limit, e.Max)
}

// Is reports whether target is [ErrLimit].
func (e *LimitError) Is(target error) bool { return target == ErrLimit }

// A load is an amount of messages.
type load struct {
	count int
	bytes int64
}

func (l load) plus(o load) load { return load{l.count + o.count, l.bytes + o.bytes} }

// admit returns a LimitError if a message must not be added to what is there.
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

// admitNow is the early look of Begin and Write at a message of which size bytes
// have come, and ahead of them been written: the committer decides. It reserves
// more bytes of the total for a segment that is to be written.
func (s *Store) admitNow(m Meta, size, ahead, more int64) error {
	if err := s.checkDisk(); err != nil {
		return err
	}
	if more == 0 { // Begin, which must not stand in anyone's way
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
	free, err := freeBytes(s.db.Path())
	if err != nil {
		return fmt.Errorf("store: free space: %w", err)
	}
	if free < limits.MinFree {
		return &LimitError{LimitDisk, limits.MinFree}
	}
	return nil
}

// A Pair names whose messages for whom, by URI. Write its fields' names in a literal: the
// other way round, messages would go to their sender.
type Pair struct{ Recipient, Sender string }

type duplicateKey struct {
	Pair
	tag uint64
}

// A decision is what the committer knows of the batch before it is written.
type decision struct {
	s          *Store
	duplicates map[duplicateKey]*messageJob
	recipients map[string]load
	senders    map[Pair]load
	total      int64
	index      int64 // bytes of memory
}

// admit applies the limits to a message, with all that the batch adds before it.
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

// repeats reports whether the message is kept already, or comes before in the
// batch: the same Message-ID from the same sender to the same recipient, with
// the same body. The tag only leads to it; the file is what is asked.
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
