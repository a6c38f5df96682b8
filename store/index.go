package store

import (
	"cmp"
	"container/heap"
	"hash/maphash"
	"math"
	"slices"
	"time"
)

// fewSenders and fewEntries are the longest lists that are searched one by one. Longer
// lists have a map.
const (
	fewSenders = 8
	fewEntries = 16
)

// An index finds messages by recipient, sender and ID, in memory. Of the texts of
// messages, it has only the URIs; all other texts are read from the file on request.
type index struct {
	inboxes     map[string]*inbox
	threads     []*thread          // by their numbers; nil: not used
	spare       []owner            // numbers of removed threads, to be used again
	extents     map[uint64]*extent // by the ID's number of extent
	aside       map[ID]asideMark
	due         dueHeap
	kept        load
	uris        int64 // bytes of the URIs of inboxes and threads
	deadRecords int   // records of deleted messages, in all extents
	open        int64 // bytes of bodies in the file whose messages are not committed yet
	seed        maphash.Seed
}

// An inbox has all messages for one recipient.
type inbox struct {
	recipient string
	threads   []*thread
	bySender  map[string]*thread // nil while there are few
	all       load
	aside     load // the part of all that is set aside

	one  [1]*thread // the array of threads while there is one, and
	only thread     // that thread: most inboxes have no other
}

func newIndex() index {
	return index{inboxes: map[string]*inbox{}, extents: map[uint64]*extent{}, aside: map[ID]asideMark{}, seed: maphash.MakeSeed(), threads: make([]*thread, owners)}
}

// The memory of the index, in bytes, as measured; TestIndexMemory compares.
const (
	inboxCost  = 288 // a recipient with its first thread and message, and its place in the map
	threadCost = 240 // one more thread with its first message
	entryCost  = 112 // one more message: its entry, with spare capacity of lists, tag, owner and expiry
)

// memory estimates the bytes of memory that the index uses, without remains of deleted
// messages.
func (x *index) memory() int64 {
	inboxes, threads := int64(len(x.inboxes)), int64(len(x.threads)-len(x.spare)-int(owners))
	return inboxes*inboxCost + (threads-inboxes)*threadCost + (int64(x.kept.count)-threads)*entryCost + x.uris
}

// thread returns the thread of a recipient and sender, or nil.
func (x *index) thread(recipient, sender string) *thread {
	b := x.inboxes[recipient]
	if b == nil {
		return nil
	}
	return b.thread(sender)
}

func (b *inbox) thread(sender string) *thread {
	if b.bySender != nil {
		return b.bySender[sender]
	}
	for _, p := range b.threads {
		if p.sender == sender {
			return p
		}
	}
	return nil
}

// openThread returns the thread of a recipient and sender, and makes it if it does not
// exist.
func (x *index) openThread(recipient, sender string) *thread {
	b := x.inboxes[recipient]
	if b == nil {
		b = x.newInbox(recipient)
	}
	if p := b.thread(sender); p != nil {
		return p
	}
	return x.newThread(b, sender)
}

func (x *index) newInbox(recipient string) *inbox {
	b := &inbox{recipient: recipient}
	b.threads = b.one[:0]
	x.inboxes[recipient] = b
	x.uris += int64(len(recipient))
	return b
}

func (x *index) newThread(b *inbox, sender string) *thread {
	p := &b.only
	if p.inbox != nil {
		p = new(thread)
	}
	p.inbox, p.place, p.sender = b, int32(len(b.threads)), sender
	x.uris += int64(len(sender))
	p.list = p.one[:0]
	if last := len(x.spare) - 1; last >= 0 {
		p.number = x.spare[last]
		x.spare, x.threads[p.number] = x.spare[:last], p
	} else {
		p.number = owner(len(x.threads))
		x.threads = append(x.threads, p)
	}
	b.threads = append(b.threads, p)
	switch {
	case b.bySender != nil:
		b.bySender[sender] = p
	case len(b.threads) > fewSenders:
		b.bySender = map[string]*thread{}
		for _, p := range b.threads {
			b.bySender[p.sender] = p
		}
	}
	return p
}

// loads returns the load of the recipient, and the sender's part of it.
func (x *index) loads(recipient, sender string) (all, part load) {
	b := x.inboxes[recipient]
	if b == nil {
		return all, part
	}
	if p := b.thread(sender); p != nil {
		part = p.all
	}
	return b.all, part
}

// tagOf returns the tag of a message, which is equal for duplicates. 0 means no tag.
func tagOf(seed maphash.Seed, messageID, sum []byte) uint64 {
	if len(messageID) == 0 {
		return 0
	}
	var h maphash.Hash
	h.SetSeed(seed)
	_, _ = h.Write(messageID)
	_, _ = h.Write(sum)
	return max(1, h.Sum64())
}

// add adds a message. Its ID must be greater than those of its thread.
func (x *index) add(m *MessageInfo, tag uint64) {
	x.place(x.openThread(m.Recipient, m.Sender), entry{
		id: m.ID, size: m.Size, received: nanos(m.Received), expires: nanos(m.Expires), tag: tag, body: m.Body,
	})
}

func (x *index) place(p *thread, e entry) {
	p.list = append(p.list, e)
	p.addTag(e)
	one := load{1, e.size}
	p.all, p.inbox.all, x.kept = p.all.plus(one), p.inbox.all.plus(one), x.kept.plus(one)
	s := x.own(e.id, p.number)
	s.live++
	s.size += e.inline()
	s.used += e.inline()
	if e.expires != noTime {
		heap.Push(&x.due, due{e.expires, e.id})
	}
}

// find returns a message's thread and entry, or nil. The entry is valid until the index
// changes.
func (x *index) find(id ID) (*thread, *entry) {
	n, i := extentOf(id)
	s := x.extents[n]
	if s == nil || i >= len(s.owners) || s.owners[i] < owners {
		return nil, nil
	}
	p := x.threads[s.owners[i]]
	at, ok := slices.BinarySearchFunc(p.list, id, byID)
	if !ok {
		return nil, nil
	}
	return p, &p.list[at]
}

func byID(e entry, id ID) int { return cmp.Compare(e.id, id) }

// remove removes a message, and reports whether it was there.
func (x *index) remove(id ID) bool {
	p, e := x.find(id)
	if e == nil {
		return false
	}
	one, inline := load{-1, -e.size}, e.inline() // e is not valid beyond tidy
	p.all, p.inbox.all, x.kept = p.all.plus(one), p.inbox.all.plus(one), x.kept.plus(one)
	if e.aside {
		p.aside, p.inbox.aside = p.aside.plus(one), p.inbox.aside.plus(one)
		delete(x.aside, id)
	}
	if p.tags != nil && p.tags[e.tag] == id {
		delete(p.tags, e.tag)
	}
	e.dead = true
	p.dead++
	p.tidy()
	x.addDead(id)
	n, _ := extentOf(id)
	s := x.extents[n]
	s.live--
	s.used -= inline
	if p.all.count == 0 {
		x.drop(p)
	}
	return true
}

// drop removes an empty thread, and its inbox if this was the last thread.
func (x *index) drop(p *thread) {
	b := p.inbox
	last := len(b.threads) - 1
	b.threads[p.place] = b.threads[last]
	b.threads[p.place].place = p.place
	b.threads[last] = nil
	b.threads = b.threads[:last]
	delete(b.bySender, p.sender)
	x.uris -= int64(len(p.sender))
	x.threads[p.number] = nil
	x.spare = append(x.spare, p.number)
	if last == 0 {
		x.uris -= int64(len(b.recipient))
		delete(x.inboxes, b.recipient)
	}
}

// isAside reports whether a message is set aside.
func (x *index) isAside(id ID) bool {
	_, aside := x.aside[id]
	return aside
}

// setAside sets or removes a message's mark. Marks of refused messages are in the file
// only.
func (x *index) setAside(id ID, mark *asideMark) {
	p, e := x.find(id)
	if e == nil || mark.waits() {
		return
	}
	if mark == nil {
		delete(x.aside, id)
	} else {
		x.aside[id] = *mark
	}
	if e.aside == (mark != nil) {
		return
	}
	e.aside = mark != nil
	one := load{1, e.size}
	if mark == nil {
		one = load{-1, -e.size}
	}
	p.aside, p.inbox.aside = p.aside.plus(one), p.inbox.aside.plus(one)
}

// oldest returns when the first message that is still kept arrived; zero if there is
// none.
func (x *index) oldest() time.Time {
	first := uint64(math.MaxUint64)
	for n, s := range x.extents {
		if s.live > 0 {
			first = min(first, n)
		}
	}
	if s := x.extents[first]; s != nil {
		for i, o := range s.owners {
			if o >= owners {
				_, e := x.find(ID(first*extentLength) + ID(i))
				return fromNanos(e.received)
			}
		}
	}
	return time.Time{}
}
