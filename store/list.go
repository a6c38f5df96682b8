package store

import (
	"cmp"
	"errors"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"
)

// RecipientInfo sums up what is kept for a recipient, without what is set aside.
type RecipientInfo struct {
	Recipient string
	Count     int
	Bytes     int64
	Oldest    time.Time // when the message that is first in order arrived
}

// SenderInfo sums up what is kept from one sender for a recipient, without what
// is set aside.
type SenderInfo struct {
	Sender string
	Count  int
	Bytes  int64
	Oldest time.Time // when the message that is first in order arrived
}

// Recipients lists who has messages to be delivered, by URI.
func (s *Store) Recipients() []RecipientInfo {
	s.mu.RLock()
	list := make([]RecipientInfo, 0, len(s.index.inboxes))
	for uri, b := range s.index.inboxes {
		r := RecipientInfo{Recipient: uri, Count: b.all.count - b.aside.count, Bytes: b.all.bytes - b.aside.bytes}
		if r.Count == 0 {
			continue
		}
		var oldest *entry
		for _, p := range b.threads {
			if e := p.first(); e != nil && (oldest == nil || e.id < oldest.id) {
				oldest = e
			}
		}
		r.Oldest = fromNanos(oldest.received)
		list = append(list, r)
	}
	s.mu.RUnlock()
	slices.SortFunc(list, func(a, b RecipientInfo) int { return cmp.Compare(a.Recipient, b.Recipient) })
	return list
}

// Senders lists who has left messages for the recipient, the one of the oldest
// message first.
func (s *Store) Senders(recipient string) []SenderInfo {
	s.mu.RLock()
	defer s.mu.RUnlock()
	b := s.index.inboxes[recipient]
	if b == nil {
		return nil
	}
	type found struct {
		info  SenderInfo
		first ID
	}
	list := make([]found, 0, len(b.threads))
	for _, p := range b.threads {
		if e := p.first(); e != nil {
			list = append(list, found{SenderInfo{
				Sender: p.sender, Count: p.all.count - p.aside.count, Bytes: p.all.bytes - p.aside.bytes,
				Oldest: fromNanos(e.received),
			}, e.id})
		}
	}
	slices.SortFunc(list, func(a, b found) int { return cmp.Compare(a.first, b.first) })
	senders := make([]SenderInfo, len(list))
	for i := range list {
		senders[i] = list[i].info
	}
	return senders
}

// Messages lists what is to be delivered from sender to recipient, oldest first;
// sender "" means from all. A long list is better read with [Store.Page].
func (s *Store) Messages(recipient, sender string) []MessageInfo {
	return s.Page(recipient, sender, 0, 0)
}

// Page is Messages in parts: of those behind the message after, which need not
// be kept any more (0: from the first), at most limit (0: all).
func (s *Store) Page(recipient, sender string, after ID, limit int) []MessageInfo {
	return s.read(s.page(recipient, sender, after, limit))
}

func (s *Store) page(recipient, sender string, after ID, limit int) (ids []ID) {
	s.mu.RLock()
	if b := s.index.inboxes[recipient]; b != nil {
		threads := b.threads
		if sender != "" {
			threads = nil
			if p := b.thread(sender); p != nil {
				threads = []*thread{p}
			}
		}
		for _, p := range threads {
			ids = p.collect(ids, after, limit)
		}
	}
	s.mu.RUnlock()
	slices.Sort(ids)
	if limit > 0 && len(ids) > limit {
		ids = ids[:limit]
	}
	return ids
}

// Message returns one message that is kept, set aside or not; ErrNotFound if it
// is not there.
func (s *Store) Message(id ID) (MessageInfo, error) {
	if list := s.read([]ID{id}); len(list) == 1 {
		return list[0], nil
	}
	return MessageInfo{}, ErrNotFound
}

// read fetches messages from the file.
func (s *Store) read(ids []ID) []MessageInfo {
	if len(ids) == 0 {
		return nil
	}
	list, _ := s.Read(ids...)
	return list
}

// Read returns the metadata of messages, in the order of ids, read in one transaction.
// A message that is not kept is left out. A message that cannot be read is set aside,
// and its ID is in unread.
func (s *Store) Read(ids ...ID) (list []MessageInfo, unread []ID) {
	list = make([]MessageInfo, 0, len(ids))
	err := s.view(func(tx *bolt.Tx) error {
		for _, id := range ids {
			err := each(func() error {
				m, err := readMessage(tx, id)
				if err == nil {
					list = append(list, m)
				}
				return err
			})
			if errors.Is(err, ErrNotFound) {
				err = s.missing(id)
			}
			if err != nil && !errors.Is(err, ErrNotFound) {
				s.setDamagedAside(err, id)
				unread = append(unread, id)
			}
		}
		return nil
	})
	if err != nil && !errors.Is(closedError(err), ErrClosed) {
		s.log.Error("store: list", "err", err)
	}
	return list, unread
}
