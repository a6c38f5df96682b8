package store

// An extent is the messages whose IDs share all but the low bits: from an ID, it
// leads to the thread. It is also what the file is made of, see layout.go.
type extent struct {
	owners []owner // by place
	live   int
	dead   int   // records of deleted messages
	size   int64 // bytes of the bodies in its part of the file, with deleted ones
	used   int64 // bytes of those that are kept
	pinned bool  // it holds what cannot be decoded, and stays as it is
	wasted bool  // it is known to the committer as one to reclaim
}

// An owner is the number of the thread that a message is in. It is no pointer, so
// that the garbage collector need not look at millions of them.
type owner uint32

const (
	nobody owner = iota // the message has no record in the file
	buried              // it has one, but is deleted
	owners              // the first number of a thread
)

func extentOf(id ID) (number uint64, place int) {
	return uint64(id) / extentLength, int(id % extentLength)
}

// extent makes the extent if it is not there.
func (x *index) extent(n uint64) *extent {
	s := x.extents[n]
	if s == nil {
		s = &extent{}
		x.extents[n] = s
	}
	return s
}

func (x *index) own(id ID, o owner) *extent {
	n, i := extentOf(id)
	s := x.extent(n)
	if i >= len(s.owners) {
		s.owners = append(s.owners, make([]owner, i+1-len(s.owners))...)
	}
	s.owners[i] = o
	return s
}

// bury takes note of a record whose message is deleted.
func (x *index) bury(id ID) {
	x.own(id, buried).dead++
	x.buried++
}

// isBuried reports whether a deleted message still has a record.
func (x *index) isBuried(id ID) bool {
	n, i := extentOf(id)
	s := x.extents[n]
	return s != nil && i < len(s.owners) && s.owners[i] == buried
}

// unbury takes note that an extent's deleted messages have no records any more.
func (x *index) unbury(n uint64) {
	s := x.extents[n]
	if s == nil {
		return
	}
	x.buried -= s.dead
	s.dead = 0
	for i, o := range s.owners {
		if o == buried {
			s.owners[i] = nobody
		}
	}
}
