package store

import (
	"fmt"
	"sync/atomic"
	"time"
)

const (
	// freeLook is how long a look at the free space counts, if there is plenty.
	freeLook = 100 * time.Millisecond
	// plenty is how much more than MinFree must be free for that, in bytes: more than a
	// disk writes within freeLook.
	plenty = 1 << 30
)

// A freeSpace is the free space of the store's file system, which is looked at by time
// while there is plenty, and for each message otherwise: the call takes longer than all
// else that Begin does.
type freeSpace struct {
	last atomic.Pointer[spaceLook]
	read func(path string) (int64, error) // nil: freeBytes
}

// A spaceLook is what one look has found.
type spaceLook struct {
	at   time.Time
	free int64
}

// below reports whether less than limit bytes are free.
func (f *freeSpace) below(path string, limit int64) (bool, error) {
	now := time.Now()
	if l := f.last.Load(); l != nil && now.Sub(l.at) < freeLook && l.free-plenty >= limit {
		return false, nil
	}
	read := f.read
	if read == nil {
		read = freeBytes
	}
	free, err := read(path)
	if err != nil {
		return false, fmt.Errorf("store: free space: %w", err)
	}
	f.last.Store(&spaceLook{now, free})
	return free < limit, nil
}
