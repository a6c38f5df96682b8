package store

import (
	"math"
	"slices"
	"time"
)

// A thread has the messages of one sender to one recipient, in the order of their IDs.
type thread struct {
	inbox  *inbox
	number owner
	place  int32 // in inbox.threads
	dead   int32 // deleted entries in list
	sender string
	list   []entry
	tags   map[uint64]ID // nil while there are few entries
	all    load
	aside  load

	one [1]entry // the array of list while there is one entry: most threads have no more
}

// An entry is one message.
type entry struct {
	id       ID
	size     int64
	received int64  // nanoseconds of Unix time, or noTime
	expires  int64  // the same
	tag      uint64 // of Message-ID and body, to find duplicates; 0 without a Message-ID
	body     uint64 // number of the body
	aside    bool
	dead     bool
}

func (p *thread) addTag(e entry) {
	switch {
	case p.tags != nil:
		if e.tag != 0 {
			p.tags[e.tag] = e.id
		}
	case len(p.list) > fewEntries:
		p.tags = map[uint64]ID{}
		for _, e := range p.list {
			if e.tag != 0 && !e.dead {
				p.tags[e.tag] = e.id
			}
		}
	}
}

// tagged returns the message with this tag.
func (p *thread) tagged(tag uint64) (ID, bool) {
	if p.tags != nil {
		id, ok := p.tags[tag]
		return id, ok
	}
	for i := range p.list {
		if e := &p.list[i]; e.tag == tag && !e.dead {
			return e.id, true
		}
	}
	return 0, false
}

// inline returns the bytes of the body that are in the extent.
func (e *entry) inline() int64 {
	if e.body != 0 {
		return 0
	}
	return e.size
}

// tidy removes deleted entries: at the front at once, elsewhere when they are more than
// half.
func (p *thread) tidy() {
	for len(p.list) > 0 && p.list[0].dead {
		p.list = p.list[1:]
		p.dead--
	}
	if p.dead > fewEntries && int(p.dead) > len(p.list)/2 {
		p.list = slices.DeleteFunc(p.list, func(e entry) bool { return e.dead })
		p.dead = 0
	}
}

// noTime represents the zero time.
const noTime = math.MinInt64

// nanos returns a time in nanoseconds of Unix time. Years out of range give the nearest
// value.
func nanos(t time.Time) int64 {
	switch {
	case t.IsZero():
		return noTime
	case t.Year() > 2261:
		return math.MaxInt64
	case t.Year() < 1678:
		return noTime + 1
	}
	return t.UnixNano()
}

func fromNanos(n int64) time.Time {
	if n == noTime {
		return time.Time{}
	}
	return time.Unix(0, n)
}

// first returns the first entry to be delivered, or nil.
func (p *thread) first() *entry {
	for i := range p.list {
		if e := &p.list[i]; !e.dead && !e.aside {
			return e
		}
	}
	return nil
}

// collect appends the IDs of at most limit entries after the ID after; limit 0 means all.
func (p *thread) collect(ids []ID, after ID, limit int) []ID {
	at, _ := slices.BinarySearchFunc(p.list, after+1, byID)
	for n := 0; at < len(p.list) && (limit <= 0 || n < limit); at++ {
		if e := &p.list[at]; !e.dead && !e.aside {
			ids = append(ids, e.id)
			n++
		}
	}
	return ids
}
