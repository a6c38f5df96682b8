package store

import (
	"math"
	"slices"
	"time"
)

// A thread is one sender's messages to one recipient, in the order of their IDs.
type thread struct {
	inbox  *inbox
	number owner
	place  int32 // in inbox.threads
	dead   int32 // entries of list that are deleted
	sender string
	list   []entry
	tags   map[uint64]ID // nil while there are few entries
	all    load
	aside  load

	one [1]entry // room for list: most threads have no more
}

// An entry is one message.
type entry struct {
	id       ID
	size     int64
	received int64  // nanoseconds of Unix time, or noTime
	expires  int64  // the same
	tag      uint64 // of Message-ID and body, to find duplicates; 0: has no Message-ID
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

// tagged finds the message of that tag.
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

// inline is how many bytes the message's body takes in its extent.
func (e *entry) inline() int64 {
	if e.body != 0 {
		return 0
	}
	return e.size
}

// tidy lets go of dead entries: at once at the front, which is the usual place,
// elsewhere when they are the most.
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

// noTime stands for the zero time.
const noTime = math.MinInt64

// nanos turns a time into nanoseconds; years that do not fit are pushed in.
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

// first is the first entry that is to be delivered.
func (p *thread) first() *entry {
	for i := range p.list {
		if e := &p.list[i]; !e.dead && !e.aside {
			return e
		}
	}
	return nil
}

// collect adds the IDs of at most limit entries behind after.
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
