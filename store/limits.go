package store

import (
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
	MaxTotalBytes        int64 // bytes of bodies in the store
	MinFree              int64 // bytes that stay free on the file system; looked at by Begin and at every segment, on Linux only
}

// Limit names one of the [Limits].
type Limit string

// The limits that a [LimitError] names.
const (
	LimitBody      Limit = "body"
	LimitRecipient Limit = "recipient"
	LimitSender    Limit = "sender"
	LimitTotal     Limit = "total"
	LimitDisk      Limit = "disk"
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

// admit says whether a message may be added to what is there.
func (l *Limits) admit(size int64, recipient, sender load, total int64) error {
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
	}
	for _, c := range checks {
		if c.max > 0 && c.is > c.max {
			return &LimitError{c.limit, c.max}
		}
	}
	return nil
}

// admitNow is the early look of Begin and Write at a message of which size bytes
// have come: the committer decides.
func (s *Store) admitNow(m Meta, size int64) error {
	if err := s.checkDisk(); err != nil {
		return err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	recipient, sender := s.index.loads(m.Recipient, m.Sender)
	return s.limits.admit(size, recipient, sender, s.index.bytes)
}

func (s *Store) checkDisk() error {
	if s.limits.MinFree <= 0 {
		return nil
	}
	free, err := freeBytes(s.db.Path())
	if err != nil {
		return fmt.Errorf("store: free space: %w", err)
	}
	if free < s.limits.MinFree {
		return &LimitError{LimitDisk, s.limits.MinFree}
	}
	return nil
}

// refuse goes through a batch before it is written and turns each message that
// is over a limit into the removal of its body. What the batch itself deletes
// counts as still there.
func (s *Store) refuse(batch []*job) {
	type pair struct{ recipient, sender string }
	recipients, senders, total := map[string]load{}, map[pair]load{}, s.index.bytes
	for _, j := range batch {
		m := j.message
		if m == nil {
			continue
		}
		p := pair{m.Recipient, m.Sender}
		r, f := s.index.loads(m.Recipient, m.Sender)
		err := s.limits.admit(m.Size, r.plus(recipients[p.recipient]), f.plus(senders[p]), total)
		if err != nil {
			j.refused, j.message, j.segments = err, nil, nil
			j.discard = append(j.discard, m.Body)
			continue
		}
		one := load{1, m.Size}
		recipients[p.recipient] = recipients[p.recipient].plus(one)
		senders[p] = senders[p].plus(one)
		total += m.Size
	}
}
