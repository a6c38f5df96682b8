package mediaserver

import (
	"context"
	"errors"
	"fmt"

	"github.com/gomscp/gomscp/mscp"
)

// A conferenceState is where a conference is in its life.
type conferenceState int

const (
	creating conferenceState = iota
	created
	destroying
)

// A liveConference is one of a Server.
type liveConference struct {
	id     string
	owner  *Owner // nil for one of Handle
	state  conferenceState
	outlet outlet
}

// hasConference reports whether a conference can be used. It is called with the lock.
func (m *Server) hasConference(id string) bool {
	c := m.conferences[id]
	return c != nil && c.state == created
}

func (m *Server) create(ctx context.Context, req *mscp.CreateConference) mscp.Element {
	c := &liveConference{id: uniqueID("conference"), owner: ownerOf(ctx)}
	c.outlet.notify = func(e mscp.Element) { m.notify(c.owner, e) }
	err := errNotSupported
	if m.f.CreateConference != nil {
		if err = m.reserve(c); err == nil {
			err = m.createReserved(ctx, c, req)
		}
	}
	if err != nil {
		return &mscp.ErrorConferenceCreate{ConferenceID: c.id, Reason: err.Error()}
	}
	mscp.OnResponse(ctx, func(sent bool) {
		if !sent { // the AS will never know of it
			m.destroyGone(context.WithoutCancel(ctx), c)
		}
		c.outlet.release()
	})
	return &mscp.ConferenceCreated{ConferenceID: c.id}
}

func (m *Server) reserve(c *liveConference) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case c.owner.gone():
		return errOwnerGone
	case len(m.conferences) >= MaxConferences:
		return fmt.Errorf("more than %d conferences", MaxConferences)
	}
	m.conferences[c.id] = c
	return nil
}

// createReserved has the media create a conference that has its place.
func (m *Server) createReserved(ctx context.Context, c *liveConference, req *mscp.CreateConference) error {
	err := m.f.CreateConference(ctx, c.id, req)
	m.mu.Lock()
	gone := err == nil && c.owner.gone()
	if err == nil && !gone {
		c.state = created
	} else {
		delete(m.conferences, c.id)
	}
	m.mu.Unlock()
	if gone && m.f.DestroyConference != nil {
		_ = m.f.DestroyConference(context.WithoutCancel(ctx), c.id)
	}
	if gone {
		return errOwnerGone
	}
	return err
}

// destroy ends a conference, and the dialogs that run on it.
func (m *Server) destroy(ctx context.Context, req *mscp.DestroyConference) mscp.Element {
	m.mu.Lock()
	c := m.conferences[req.ConferenceID]
	known := m.hasConference(req.ConferenceID)
	if known && m.f.DestroyConference != nil {
		c.state = destroying
	}
	m.mu.Unlock()
	var err error
	switch {
	case !known:
		err = fmt.Errorf("conference identified by %s does not exist", req.ConferenceID)
	case m.f.DestroyConference == nil:
		err = errNotSupported
	default:
		err = m.f.DestroyConference(ctx, req.ConferenceID)
		m.destroyed(c, err == nil)
	}
	if err != nil {
		return &mscp.ErrorConferenceDestroy{ConferenceID: req.ConferenceID, Reason: err.Error()}
	}
	return &mscp.ConferenceDestroyed{ConferenceID: req.ConferenceID}
}

// destroyGone destroys a conference that nobody has any more. One that is being created
// or destroyed is left to whoever does that.
func (m *Server) destroyGone(ctx context.Context, c *liveConference) {
	m.mu.Lock()
	mine := c.state == created
	if mine {
		c.state = destroying
	}
	m.mu.Unlock()
	if !mine {
		return
	}
	if m.f.DestroyConference != nil {
		_ = m.f.DestroyConference(ctx, c.id)
	}
	m.destroyed(c, true)
}

// destroyed takes out a conference whose media are destroyed; one that could not be
// destroyed stays, unless its AS is gone.
func (m *Server) destroyed(c *liveConference, done bool) {
	m.mu.Lock()
	if !done && !c.owner.gone() {
		c.state = created
		m.mu.Unlock()
		return
	}
	delete(m.conferences, c.id)
	m.links.forget(c.id)
	ended := m.takeDialogs(func(d *dialog) bool { return d.ConferenceID == c.id })
	m.mu.Unlock()
	c.outlet.shut()
	m.tellFlows()
	m.failAll(ended, "the conference was destroyed")
}

// ConferenceNotify sends an event of a conference to the AS that has created it: after
// its conferencecreated, and in the order of the calls. It fails for one that does not
// exist, and for more than MaxEarlyNotifications before the response. It must not be
// called by Functions.Notify. See sections 3.1 and 5.5.
func (m *Server) ConferenceNotify(e *mscp.ConferenceUser) error { // [MSCP-5.5-1]
	m.mu.Lock()
	c := m.conferences[e.ConferenceID]
	m.mu.Unlock()
	if c == nil {
		return fmt.Errorf("mscp: conference identified by %.40q does not exist", e.ConferenceID)
	}
	return c.outlet.send(e, false)
}

// join joins two of what exists, or changes how they are joined.
func (m *Server) join(ctx context.Context, req *mscp.Join) mscp.Element {
	err := m.beginJoin(ctx, req.ID1, req.ID2, MaxJoins)
	if err == nil {
		if err = errNotSupported; m.f.Join != nil {
			err = m.f.Join(ctx, req)
		}
		err = m.endJoin(ctx, req, err)
	}
	m.tellFlows()
	if err != nil {
		return &mscp.ErrorConferenceJoin{ID1: req.ID1, ID2: req.ID2, Reason: err.Error()} // [MSCP-5.3-1]
	}
	return &mscp.ConferenceJoined{ID1: req.ID1, ID2: req.ID2} // [MSCP-5.3-1]
}

// endJoin establishes what the media have established, if both and the AS are still
// there.
func (m *Server) endJoin(ctx context.Context, req *mscp.Join, err error) error {
	m.mu.Lock()
	gone := err == nil && ownerOf(ctx).gone()
	if gone {
		err = errOwnerGone
	}
	if err == nil {
		err = m.checkJoinable(req.ID1, req.ID2)
	}
	if err == nil {
		m.links.join(req.ID1, req.ID2, linkOf(req.Streams))
	}
	m.release(req.ID1, req.ID2)
	m.mu.Unlock()
	if gone && m.f.Unjoin != nil {
		_ = m.f.Unjoin(context.WithoutCancel(ctx), &mscp.Unjoin{ID1: req.ID1, ID2: req.ID2})
	}
	return err
}

func (m *Server) unjoin(ctx context.Context, req *mscp.Unjoin) mscp.Element {
	err := m.beginJoin(ctx, req.ID1, req.ID2, MaxJoins+1)
	if err == nil {
		err = m.unjoinHeld(ctx, req)
	}
	m.tellFlows()
	if err != nil {
		return &mscp.ErrorConferenceUnjoin{ID1: req.ID1, ID2: req.ID2, Reason: err.Error()} // [MSCP-5.4-1]
	}
	return &mscp.ConferenceUnjoined{ID1: req.ID1, ID2: req.ID2} // [MSCP-5.4-1]
}

// unjoinHeld is unjoin for two that beginJoin has let through.
func (m *Server) unjoinHeld(ctx context.Context, req *mscp.Unjoin) error {
	m.mu.Lock()
	joined := m.links.links[req.ID1][req.ID2] != 0
	m.mu.Unlock()
	var err error
	switch {
	case m.f.Unjoin == nil:
		err = errNotSupported
	case !joined:
		err = fmt.Errorf("%s and %s are not joined", req.ID1, req.ID2)
	default:
		err = m.f.Unjoin(ctx, req)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if err == nil {
		m.links.part(req.ID1, req.ID2) // [MSCP-5.4-3]
	}
	m.release(req.ID1, req.ID2)
	return err
}

// beginJoin tells why two ids cannot be joined, or unjoined, or holds them until
// release. Both may have fewer than most joins with others.
func (m *Server) beginJoin(ctx context.Context, id1, id2 string, most int) error {
	if id1 == id2 {
		return errors.New("id1 and id2 are the same")
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.checkJoinable(id1, id2); err != nil {
		return err
	}
	if m.links.links[id1][id2] == 0 { // [MSCP-5.3-9]
		for _, id := range []string{id1, id2} {
			if len(m.links.links[id]) >= most {
				return fmt.Errorf("%s has %d joins, and may not have more", id, most)
			}
		}
	}
	return m.hold(ownerOf(ctx), id1, id2)
}

// checkJoinable tells why two ids cannot be joined. It is called with the lock.
func (m *Server) checkJoinable(ids ...string) error {
	for _, id := range ids {
		d := m.dialogs[id]
		switch {
		case d != nil && d.state < starting: // [MSCP-5.3-10]
			return fmt.Errorf("dialog identified by %s is %s, not started", id, stateNames[d.state])
		case d != nil && d.state == ended, d == nil && !m.hasConference(id) && !m.hasConnection(id): // [MSCP-5.3-10]
			return fmt.Errorf("no connection, dialog or conference is identified by %s", id)
		}
	}
	return nil
}

// Flows are the media that flow from and to a connection, dialog or conference, in a
// fixed order. See section 5.3.
func (m *Server) Flows(id string) []Flow {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.links.flows(id)
}

// tellFlows tells what has changed, in its order. It is called without the lock, and
// returns when everything that has changed before was told.
func (m *Server) tellFlows() {
	m.telling.Lock()
	defer m.telling.Unlock()
	m.mu.Lock()
	changes := m.links.changes
	m.links.changes = nil
	m.mu.Unlock()
	for _, c := range changes {
		if m.f.FlowsChanged != nil {
			m.f.FlowsChanged(c.ended, c.begun)
		}
	}
}
