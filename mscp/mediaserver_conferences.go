package mscp

import (
	"context"
	"errors"
	"fmt"
)

func (m *MediaServer) create(ctx context.Context, req *CreateConference) Element {
	id := uniqueID("conference")
	err := errNotSupported
	if m.f.CreateConference != nil {
		if err = m.reserve(id, ownerOf(ctx)); err == nil {
			err = m.f.CreateConference(ctx, id, req)
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if err != nil {
		delete(m.conferences, id)
		delete(m.owners, id)
		return &ErrorConferenceCreate{ConferenceID: id, Reason: err.Error()}
	}
	m.conferences[id] = true
	return &ConferenceCreated{ConferenceID: id}
}

func (m *MediaServer) reserve(id string, o *Owner) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.conferences) >= MaxConferences {
		return fmt.Errorf("more than %d conferences", MaxConferences)
	}
	m.conferences[id], m.owners[id] = false, o
	return nil
}

// destroy ends a conference, and the dialogs that run on it.
func (m *MediaServer) destroy(ctx context.Context, req *DestroyConference) Element {
	m.mu.Lock()
	known := m.conferences[req.ConferenceID]
	m.mu.Unlock()
	var err error
	switch {
	case !known:
		err = fmt.Errorf("conference identified by %s does not exist", req.ConferenceID)
	case m.f.DestroyConference == nil:
		err = errNotSupported
	default:
		err = m.f.DestroyConference(ctx, req.ConferenceID)
	}
	if err != nil {
		return &ErrorConferenceDestroy{ConferenceID: req.ConferenceID, Reason: err.Error()}
	}
	m.mu.Lock()
	delete(m.conferences, req.ConferenceID)
	delete(m.owners, req.ConferenceID)
	m.forgetJoins(req.ConferenceID)
	ended := m.takeDialogs(func(d *dialog) bool { return d.ConferenceID == req.ConferenceID })
	m.mu.Unlock()
	m.failAll(ended, "the conference was destroyed")
	return &ConferenceDestroyed{ConferenceID: req.ConferenceID}
}

// join joins two of what exists, or changes how they are joined.
func (m *MediaServer) join(ctx context.Context, req *Join) Element {
	err := m.canJoin(req.ID1, req.ID2, MaxJoins)
	switch {
	case err != nil:
	case m.f.Join == nil:
		err = errNotSupported
	default:
		err = m.f.Join(ctx, req)
	}
	if err != nil {
		return &ErrorConferenceJoin{ID1: req.ID1, ID2: req.ID2, Reason: err.Error()} // [MSCP-5.3-1]
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.setJoin(req.ID1, req.ID2)
	m.setJoin(req.ID2, req.ID1)
	return &ConferenceJoined{ID1: req.ID1, ID2: req.ID2} // [MSCP-5.3-1]
}

func (m *MediaServer) unjoin(ctx context.Context, req *Unjoin) Element {
	err := m.canJoin(req.ID1, req.ID2, MaxJoins+1)
	m.mu.Lock()
	joined := m.joins[req.ID1][req.ID2]
	m.mu.Unlock()
	switch {
	case err != nil:
	case m.f.Unjoin == nil:
		err = errNotSupported
	case !joined:
		err = fmt.Errorf("%s and %s are not joined", req.ID1, req.ID2)
	default:
		err = m.f.Unjoin(ctx, req)
	}
	if err != nil {
		return &ErrorConferenceUnjoin{ID1: req.ID1, ID2: req.ID2, Reason: err.Error()} // [MSCP-5.4-1]
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.joins[req.ID1], req.ID2)
	delete(m.joins[req.ID2], req.ID1)
	return &ConferenceUnjoined{ID1: req.ID1, ID2: req.ID2} // [MSCP-5.4-1]
}

// canJoin tells why two ids cannot be joined, or unjoined. Both may have fewer
// than most joins.
func (m *MediaServer) canJoin(id1, id2 string, most int) error {
	if id1 == id2 {
		return errors.New("id1 and id2 are the same")
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, id := range []string{id1, id2} {
		if d := m.dialogs[id]; d != nil && d.state < starting {
			return fmt.Errorf("dialog identified by %s is %s, not started", id, stateNames[d.state])
		} else if d == nil && !m.conferences[id] && !m.hasConnection(id) {
			return fmt.Errorf("no connection, dialog or conference is identified by %s", id)
		}
		if len(m.joins[id]) >= most {
			return fmt.Errorf("%s has %d joins, and may not have more", id, most)
		}
	}
	return nil
}

// setJoin notes one way of a join. It is called with the lock.
func (m *MediaServer) setJoin(id, other string) {
	if m.joins[id] == nil {
		m.joins[id] = map[string]bool{}
	}
	m.joins[id][other] = true
}

// forgetJoins forgets those of an id. It is called with the lock.
func (m *MediaServer) forgetJoins(id string) {
	for other := range m.joins[id] {
		delete(m.joins[other], id)
		if len(m.joins[other]) == 0 {
			delete(m.joins, other)
		}
	}
	delete(m.joins, id)
}
