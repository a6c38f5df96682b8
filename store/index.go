package store

import (
	"cmp"
	"slices"
	"time"
)

// An index is which recipient has what from whom, in memory. Its lists are in
// the order of IDs.
type index struct {
	recipients map[string]map[string]*pile
	messages   int
	bytes      int64
}

// A pile is one sender's messages to one recipient.
type pile struct {
	messages []MessageInfo
	bytes    int64
}

func newIndex() index { return index{recipients: map[string]map[string]*pile{}} }

func (x *index) add(m MessageInfo) {
	senders := x.recipients[m.Recipient]
	if senders == nil {
		senders = map[string]*pile{}
		x.recipients[m.Recipient] = senders
	}
	p := senders[m.Sender]
	if p == nil {
		p = &pile{}
		senders[m.Sender] = p
	}
	p.messages = append(p.messages, m)
	p.bytes += m.Size
	x.messages++
	x.bytes += m.Size
}

func (x *index) remove(m MessageInfo) {
	senders := x.recipients[m.Recipient]
	p := senders[m.Sender]
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
	if len(p.messages) == 0 {
		delete(senders, m.Sender)
	}
	if len(senders) == 0 {
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
	for uri, senders := range s.index.recipients {
		r := RecipientInfo{Recipient: uri}
		for _, p := range senders {
			r.Count += len(p.messages)
			r.Bytes += p.bytes
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
	senders := s.index.recipients[recipient]
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
	senders := s.index.recipients[recipient]
	if sender != "" {
		if p := senders[sender]; p != nil {
			return slices.Clone(p.messages)
		}
		return nil
	}
	var list []MessageInfo
	for _, p := range senders {
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
