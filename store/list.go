package store

import (
	"cmp"
	"errors"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"
)

// RecipientInfo has the totals of the messages to be delivered to a recipient. Messages
// that are set aside do not count.
type RecipientInfo struct {
	Recipient string
	Count     int       // messages
	Bytes     int64     // of their bodies
	Oldest    time.Time // when the first message in order arrived
}

// SenderInfo has the totals of the messages from one sender to be delivered to a
// recipient. Messages that are set aside do not count.
type SenderInfo struct {
	Sender string
	Count  int       // messages
	Bytes  int64     // of their bodies
	Oldest time.Time // when the first message in order arrived
}

// Recipients lists the recipients with messages to be delivered, in the order of their
// URIs.
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

// Senders lists the senders of messages to be delivered to the recipient. The sender of
// the oldest message is first.
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

// Messages lists the messages to be delivered from a sender to a recipient, oldest first.
// The sender "" means all senders. Use [Store.Page] for long lists.
func (s *Store) Messages(recipient, sender string) []MessageInfo {
	return s.Page(recipient, sender, 0, 0)
}

// Page is like Messages, for at most limit messages after the ID after. The limit 0 means
// all, and after 0 means from the first. The message with the ID after need not exist.
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

// Message returns one message, also if it is set aside. The error is [ErrNotFound].
func (s *Store) Message(id ID) (MessageInfo, error) {
	if list := s.read([]ID{id}); len(list) == 1 {
		return list[0], nil
	}
	return MessageInfo{}, ErrNotFound
}

// read returns the metadata of messages that can be read.
func (s *Store) read(ids []ID) []MessageInfo {
	if len(ids) == 0 {
		return nil
	}
	list, _ := s.Read(ids...)
	return list
}

// Read returns the metadata of messages, in the order of ids, from one transaction. A
// message that is not kept is omitted. A message that cannot be read is set aside, and
// its ID is in unread.
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
