package store

// An extent has the messages whose IDs have the same quotient by extentLength. In memory,
// it leads from an ID to the thread. In the file, it is the unit of layout; see
// layout.go.
type extent struct {
	owners []owner // by place
	live   int
	dead   int   // records of deleted messages
	size   int64 // bytes of its bodies in the file, with deleted ones
	used   int64 // bytes of its bodies that are kept
	pinned bool  // it has records that cannot be decoded, and is never rewritten
	wasted bool  // it is in the list of extents to reclaim
}

// An owner is the number of a message's thread. A number instead of a pointer saves the
// garbage collector work for millions of messages.
type owner uint32

const (
	noRecord   owner = iota // the message has no record in the file
	deadRecord              // it has one, but is deleted
	owners                  // the first number of a thread
)

func extentOf(id ID) (number uint64, place int) {
	return uint64(id) / extentLength, int(id % extentLength)
}

// extent returns the extent, and makes it if it does not exist.
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

// addDead notes that a deleted message still has a record in the file.
func (x *index) addDead(id ID) {
	x.own(id, deadRecord).dead++
	x.deadRecords++
}

// hasDeadRecord reports whether a deleted message still has a record in the file.
func (x *index) hasDeadRecord(id ID) bool {
	n, i := extentOf(id)
	s := x.extents[n]
	return s != nil && i < len(s.owners) && s.owners[i] == deadRecord
}

// clearDead notes that the deleted messages of an extent have no records any more.
func (x *index) clearDead(n uint64) {
	s := x.extents[n]
	if s == nil {
		return
	}
	x.deadRecords -= s.dead
	s.dead = 0
	for i, o := range s.owners {
		if o == deadRecord {
			s.owners[i] = noRecord
		}
	}
}
