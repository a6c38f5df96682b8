package control

import "sync"

// A List has the media servers that are configured now, in the order of the configuration.
// The zero value is empty.
type List struct {
	mu   sync.Mutex
	list []*MediaServer // never changed in place
}

// All returns the media servers. The caller must not change the slice.
func (l *List) All() []*MediaServer {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.list
}

// Set replaces the list.
func (l *List) Set(list []*MediaServer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.list = list
}

// Get returns the media server of that name, or nil.
func (l *List) Get(name string) *MediaServer {
	for _, m := range l.All() {
		if m.Name() == name {
			return m
		}
	}
	return nil
}
