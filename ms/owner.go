package ms

import (
	"errors"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/gomscp/gomscp/ms/internal/content"
	"github.com/gomscp/gomscp/mscp"
	"github.com/gomscp/gomscp/sipua"
	"github.com/gomscp/gomscp/store"
)

var (
	errOtherPair   = errors.New("connection belongs to another pair of URIs")
	errNotRestored = errors.New("no RestoreMsg came for this connection")
)

// An owner is the pair whose messages arrive in a session. It does not change.
type owner struct {
	store.Pair
	name string   // the sender's display name
	also []string // further canonical URIs of the sender
}

// speaker is the user that speaks in the session.
func (o *owner) speaker() content.Speaker { return content.Speaker{URI: o.Sender, Also: o.also} }

// ownerOf is the owner that a RestoreMsg names, whose canonical pair is p. Further URIs that
// are none are left out.
func ownerOf(r *mscp.RestoreMsg, p store.Pair) *owner {
	o := &owner{Pair: p, name: sipua.CleanName(r.FromName)}
	uris := strings.Fields(r.FromAlso)
	for _, uri := range uris[:min(len(uris), maxIdentities)] {
		if canonical, err := sipua.CanonicalURI(uri); err == nil {
			o.also = append(o.also, canonical)
		}
	}
	return o
}

// An ownership is the promise of a store session's owner: messages wait for it.
type ownership struct {
	known chan struct{}         // closed when owner is set
	owner atomic.Pointer[owner] // nil before

	mu      sync.Mutex
	release func() // gives the session's part of the sender's memory back
}

// set makes o the owner, unless charge has an error, which is called once, before messages
// are let in. The same pair may be set again, with another name and other URIs.
func (w *ownership) set(o *owner, charge func() (release func(), err error)) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	before := w.owner.Load()
	switch {
	case before == nil:
		release, err := charge()
		if err != nil {
			return err
		}
		w.release = release
		w.owner.Store(o)
		close(w.known)
		return nil
	case before.Pair != o.Pair:
		return errOtherPair
	}
	if o.name == "" {
		o.name = before.name
	}
	w.owner.Store(o)
	return nil
}

// leave ends what charge began, if it was called.
func (w *ownership) leave() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.release != nil {
		w.release()
		w.release = nil
	}
}
