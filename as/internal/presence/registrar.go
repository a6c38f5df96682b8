package presence

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/gomscp/gomscp/sipua"
)

const (
	// maxRegistrations bounds the registered users that are remembered; of
	// those beyond, nothing is known until they register again.
	maxRegistrations = 500_000
	// maxRegistrationLife bounds how long one is believed.
	maxRegistrationLife = 24 * time.Hour
	// goneLife is how long a REGISTER can be on its way: 64*T1.
	goneLife = 32 * time.Second
	// resolveWait bounds how long the registrar's name is looked up at the start.
	resolveWait = 5 * time.Second
)

// A registrar holds the users who are registered, as a registrar reports by REGISTERs of
// its own to us, third-party registration. See RFC 3261, section 10, and 3GPP TS 24.229,
// section 5.4.1.7. They are in memory only: after a restart, a user is known again with the
// next refresh.
type registrar struct {
	from []netip.Addr // the registrar's addresses

	mu       sync.Mutex // also orders what watchers are told
	byURI    map[string]*registered
	watchers map[string]map[*watcher]bool
	max      int
}

// registered is what is known of one user.
type registered struct {
	callID string // of the registrar's REGISTERs
	seq    uint32
	gone   bool        // registered no more, and remembered for what was overtaken
	timer  *time.Timer // ends this
}

type watcher struct{ told func(reachable, news bool) }

func newRegistrar(uri string) (*registrar, error) {
	r := &registrar{byURI: map[string]*registered{}, watchers: map[string]map[*watcher]bool{}, max: maxRegistrations}
	server, err := sipua.AddressURI(uri)
	if err != nil {
		return nil, err
	}
	if server = strings.ToLower(server); !strings.HasPrefix(server, "sip:") && !strings.HasPrefix(server, "sips:") {
		server = "sip:" + server
	}
	var at sip.Uri
	if err := sip.ParseUri(server, &at); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), resolveWait)
	defer cancel()
	addrs, err := net.DefaultResolver.LookupNetIP(ctx, "ip", strings.Trim(at.Host, "[]"))
	if err != nil {
		return nil, err
	}
	for _, a := range addrs {
		r.from = append(r.from, a.Unmap())
	}
	return r, nil
}

// watch is Source.Watch.
func (r *registrar) watch(recipient string, told func(reachable, news bool)) (stop func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	w := &watcher{told}
	if r.watchers[recipient] == nil {
		r.watchers[recipient] = map[*watcher]bool{}
	}
	r.watchers[recipient][w] = true
	if u := r.byURI[recipient]; u != nil && !u.gone {
		told(true, true) // of what was not there, nothing is known
	}
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.watchers[recipient], w)
		if len(r.watchers[recipient]) == 0 {
			delete(r.watchers, recipient)
		}
	}
}

func (r *registrar) trusts(from netip.Addr) bool {
	for _, a := range r.from {
		if a == from.Unmap() {
			return true
		}
	}
	return false
}

// apply takes the registrar's word on a user: reachable for so long, or not at
// all for 0.
func (r *registrar) apply(uri string, life time.Duration, callID string, seq uint32) {
	r.mu.Lock()
	defer r.mu.Unlock()
	old := r.byURI[uri]
	if old != nil && old.callID == callID && seq <= old.seq {
		return // [RFC3261-10.3-7] it was overtaken
	}
	if old != nil {
		old.timer.Stop()
		delete(r.byURI, uri)
	}
	if len(r.byURI) < r.max {
		u := &registered{callID: callID, seq: seq, gone: life == 0}
		remember := life
		if u.gone {
			remember = goneLife
		}
		u.timer = time.AfterFunc(remember, func() { r.expire(uri, u) })
		r.byURI[uri] = u
	}
	r.tell(uri, life > 0)
}

// expire forgets u, if it is still what is known.
func (r *registrar) expire(uri string, u *registered) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.byURI[uri] == u {
		delete(r.byURI, uri)
		if !u.gone {
			r.tell(uri, false)
		}
	}
}

// tell tells those who watch. r.mu is held.
func (r *registrar) tell(uri string, reachable bool) {
	for w := range r.watchers[uri] {
		w.told(reachable, reachable)
	}
}

// len is the number of users who are known to be registered.
func (r *registrar) len() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0
	for _, u := range r.byURI {
		if !u.gone {
			n++
		}
	}
	return n
}

// close ends the timers.
func (r *registrar) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, u := range r.byURI {
		u.timer.Stop()
	}
}
