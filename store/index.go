package store

import (
	"cmp"
	"slices"
	"time"
)

// An index is which recipient has what from whom, in memory. Its lists are in
// the order of IDs.
type index struct {
	recipients map[string]*box
	messages   int
	bytes      int64
}

// A box is all of a recipient's messages.
type box struct {
	senders map[string]*pile
	load    load
}

// A pile is one sender's messages to one recipient.
type pile struct {
	messages []MessageInfo
	bytes    int64
}

func newIndex() index { return index{recipients: map[string]*box{}} }

func (x *index) pile(recipient, sender string) *pile {
	if b := x.recipients[recipient]; b != nil {
		return b.senders[sender]
	}
	return nil
}

// loads are what is kept for the recipient, and of that the sender's part.
func (x *index) loads(recipient, sender string) (all, part load) {
	if b := x.recipients[recipient]; b != nil {
		all = b.load
	}
	if p := x.pile(recipient, sender); p != nil {
		part = load{len(p.messages), p.bytes}
	}
	return all, part
}

func (x *index) add(m MessageInfo) {
	b := x.recipients[m.Recipient]
	if b == nil {
		b = &box{senders: map[string]*pile{}}
		x.recipients[m.Recipient] = b
	}
	p := b.senders[m.Sender]
	if p == nil {
		p = &pile{}
		b.senders[m.Sender] = p
	}
	p.messages = append(p.messages, m)
	p.bytes += m.Size
	b.load = b.load.plus(load{1, m.Size})
	x.messages++
	x.bytes += m.Size
}

func (x *index) remove(m MessageInfo) {
	p := x.pile(m.Recipient, m.Sender)
	if p == nil {
		return
	}
	i, ok := slices.BinarySearchFunc(p.messages, m.ID, func(m MessageInfo, id ID) int { return cmp.Compare(m.ID, id) })
	if !ok {
		return
	}
	if i == 0 {
		p.messages[0] = MessageInfo{}
		p.messages = p.messages[1:] // the usual case: oldest first
	} else {
		p.messages = slices.Delete(p.messages, i, i+1)
	}
	p.bytes -= m.Size
	x.messages--
	x.bytes -= m.Size
	b := x.recipients[m.Recipient]
	b.load = b.load.plus(load{-1, -m.Size})
	if len(p.messages) == 0 {
		delete(b.senders, m.Sender)
	}
	if len(b.senders) == 0 {
		delete(x.recipients, m.Recipient)
	}
}

// RecipientInfo sums up what is kept for a recipient.
type RecipientInfo struct {
	Recipient string
	Count     int
	Bytes     int64
	Oldest    time.Time // when the oldest message arrived
}

// SenderInfo sums up what is kept from one sender for a recipient.
type SenderInfo struct {
	Sender string
	Count  int
	Bytes  int64
	Oldest time.Time // when the oldest message arrived
}

// Recipients lists who has messages, by URI.
func (s *Store) Recipients() []RecipientInfo {
	s.mu.RLock()
	defer s.mu.RUnlock()
	list := make([]RecipientInfo, 0, len(s.index.recipients))
	for uri, b := range s.index.recipients {
		r := RecipientInfo{Recipient: uri, Count: b.load.count, Bytes: b.load.bytes}
		for _, p := range b.senders {
			if first := p.messages[0].Received; r.Oldest.IsZero() || first.Before(r.Oldest) {
				r.Oldest = first
			}
		}
		list = append(list, r)
	}
	slices.SortFunc(list, func(a, b RecipientInfo) int { return cmp.Compare(a.Recipient, b.Recipient) })
	return list
}

// Senders lists who has left messages for the recipient, the one of the oldest
// message first.
func (s *Store) Senders(recipient string) []SenderInfo {
	s.mu.RLock()
	defer s.mu.RUnlock()
	b := s.index.recipients[recipient]
	if b == nil {
		return nil
	}
	senders := b.senders
	list := make([]SenderInfo, 0, len(senders))
	first := make(map[string]ID, len(senders))
	for uri, p := range senders {
		list = append(list, SenderInfo{Sender: uri, Count: len(p.messages), Bytes: p.bytes, Oldest: p.messages[0].Received})
		first[uri] = p.messages[0].ID
	}
	slices.SortFunc(list, func(a, b SenderInfo) int { return cmp.Compare(first[a.Sender], first[b.Sender]) })
	return list
}

// Messages lists what is kept from sender for recipient, oldest first; sender
// "" means from all.
func (s *Store) Messages(recipient, sender string) []MessageInfo {
	s.mu.RLock()
	defer s.mu.RUnlock()
	b := s.index.recipients[recipient]
	if b == nil {
		return nil
	}
	if sender != "" {
		if p := b.senders[sender]; p != nil {
			return slices.Clone(p.messages)
		}
		return nil
	}
	var list []MessageInfo
	for _, p := range b.senders {
		list = append(list, p.messages...)
	}
	slices.SortFunc(list, func(a, b MessageInfo) int { return cmp.Compare(a.ID, b.ID) })
	return list
}

// Stats are counts since the store was opened, but for Messages and Bytes,
// which are what it holds.
type Stats struct {
	Messages   int
	Bytes      int64
	Stored     uint64        // messages
	Deleted    uint64        // messages
	Refused    uint64        // messages over a limit, found so by the committer
	Commits    uint64        // transactions
	Jobs       uint64        // what they did for callers: Jobs/Commits shared one fsync
	CommitTime time.Duration // of all transactions
	Queue      int           // jobs that wait for the next transaction
}

// Stats returns the store's counts.
func (s *Store) Stats() Stats {
	s.mu.RLock()
	defer s.mu.RUnlock()
	st := s.stats
	st.Messages, st.Bytes, st.Queue = s.index.messages, s.index.bytes, len(s.jobs)
	return st
}
