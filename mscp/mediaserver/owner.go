package mediaserver

import (
	"context"
	"errors"
	"fmt"

	"github.com/gomscp/gomscp/mscp"
)

// An Owner is one AS at a Server. What it creates is its own: dialogs,
// conferences, joins, and the connections that it has used for them until it uses them
// no more. Its notifications go to it, nobody else commands it, and its end gives all
// of it back. See section 3.1.
type Owner struct {
	m      *Server
	notify func(mscp.Element)
	closed bool // guarded by m.mu
}

// Owner makes one for an AS, which is told of its dialogs and conferences by notify,
// as [Server].Notify does, in their order; nil tells nothing. Handle and Notified are
// for the AS's channels, and Close for its end.
func (m *Server) Owner(notify func(mscp.Element)) *Owner { return &Owner{m: m, notify: notify} }

var errOwnerGone = errors.New("the application server is gone")

// ownerKey is where a ctx has the *Owner of a request.
type ownerKey struct{}

func ownerOf(ctx context.Context) *Owner {
	o, _ := ctx.Value(ownerKey{}).(*Owner)
	return o
}

// gone reports whether the AS is gone. It is called with the lock.
func (o *Owner) gone() bool { return o != nil && o.closed }

// Handle is a [Handler]: [Server.Handle] for this owner. What another owns
// does not exist for it. After Close everything is refused.
func (o *Owner) Handle(ctx context.Context, req mscp.Element) (mscp.Element, error) {
	return o.m.Handle(context.WithValue(ctx, ownerKey{}, o), req)
}

// Notified is [Server.Notified] for this owner.
func (o *Owner) Notified(e mscp.Element) { o.m.notified(o, e) }

// strange is the first id in e that another owns, or "".
func (m *Server) strange(o *Owner, e mscp.Element) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, id := range mscp.Targets(e) {
		if m.isStrange(o, id) {
			return id
		}
	}
	return ""
}

// isStrange reports whether another than o owns the id. It is called with the lock.
func (m *Server) isStrange(o *Owner, id string) bool {
	if d := m.dialogs[id]; d != nil {
		return d.owner != o
	}
	if c := m.conferences[id]; c != nil {
		return c.owner != o
	}
	h := m.held[id]
	return h != nil && h.owner != o
}

// A holding is the use of a connection by one AS.
type holding struct {
	owner *Owner
	uses  int // by dialogs, and by requests under way
}

// hold keeps connections for an owner, until release and for as long as they are
// joined. Ids of dialogs and conferences are taken, too, and not held. It is called
// with the lock.
func (m *Server) hold(o *Owner, ids ...string) error {
	if o.gone() {
		return errOwnerGone
	}
	for _, id := range ids {
		if m.isStrange(o, id) {
			return fmt.Errorf("nothing is identified by %s", id)
		}
	}
	for _, id := range ids {
		if id == "" || m.dialogs[id] != nil || m.conferences[id] != nil {
			continue
		}
		if m.held[id] == nil {
			m.held[id] = &holding{owner: o}
		}
		m.held[id].uses++
	}
	return nil
}

// release gives back what hold has kept. It is called with the lock.
func (m *Server) release(ids ...string) {
	for _, id := range ids {
		if h := m.held[id]; h != nil {
			h.uses = max(0, h.uses-1)
			m.letGo(id)
		}
	}
}

// letGo makes a connection nobody's if nothing uses it. It is called with the lock.
func (m *Server) letGo(id string) {
	if h := m.held[id]; h != nil && h.uses == 0 && len(m.links.links[id]) == 0 {
		delete(m.held, id)
	}
}

// Close gives back what an AS has that is gone: it ends its dialogs and conferences,
// and unjoins its connections, which are anybody's then. The AS is told nothing.
// Requests of it that are under way undo what they do. ctx is for
// Functions.DestroyConference and Unjoin, whose errors keep nothing. It may be
// called again.
func (o *Owner) Close(ctx context.Context) {
	m := o.m
	m.mu.Lock()
	if o.closed {
		m.mu.Unlock()
		return
	}
	o.closed = true
	dialogs := m.takeDialogs(func(d *dialog) bool { return d.owner == o })
	for _, d := range m.dialogs { // those whose end is not told yet
		if d.owner == o {
			m.dropDialog(d)
			d.outlet.shut()
		}
	}
	conferences := m.conferencesOf(o)
	unjoins := m.takeJoins(o)
	m.mu.Unlock()
	for _, d := range dialogs {
		m.endTaken(d)
	}
	for _, u := range unjoins {
		if m.f.Unjoin != nil {
			_ = m.f.Unjoin(ctx, u)
		}
	}
	for _, c := range conferences {
		c.outlet.shut()
		m.destroyGone(ctx, c)
	}
	m.tellFlows()
}

// conferencesOf are those of o. It is called with the lock.
func (m *Server) conferencesOf(o *Owner) (list []*liveConference) {
	for _, c := range m.conferences {
		if c.owner == o {
			list = append(list, c)
		}
	}
	return list
}

// takeJoins parts the connections of o, and returns the joins between two of them;
// those with conferences end with these. It is called with the lock.
func (m *Server) takeJoins(o *Owner) (list []*mscp.Unjoin) {
	for id, h := range m.held {
		if h.owner != o {
			continue
		}
		for other := range m.links.links[id] {
			if m.held[other] != nil {
				list = append(list, &mscp.Unjoin{ID1: id, ID2: other})
			}
		}
		m.links.forget(id)
	}
	return list
}
