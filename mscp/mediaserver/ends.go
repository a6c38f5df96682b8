package mediaserver

import "github.com/gomscp/gomscp/mscp"

// dropDialog takes a dialog out, with what it was joined to, if it is still there. It
// is called with the lock.
func (m *Server) dropDialog(d *dialog) {
	if m.dialogs[d.ID] == d {
		m.endState(d)
		delete(m.dialogs, d.ID)
	}
}

// endState gives back all of a dialog but its place, which it has until its AS was
// told of its end. It is called with the lock.
func (m *Server) endState(d *dialog) {
	if d.state != ended {
		m.links.forget(d.ID)
		m.release(d.ConnectionID)
		d.state = ended
	}
}

// undo ends a dialog of which the AS has not learned, as the channel ended first.
func (m *Server) undo(d *dialog) {
	m.mu.Lock()
	there := m.dialogs[d.ID] == d
	ended := d.state == ended
	m.dropDialog(d)
	m.mu.Unlock()
	d.outlet.shut()
	m.tellFlows()
	if there && !ended {
		m.endDialog(d.Dialog, true)
	}
}

func (m *Server) endDialog(d Dialog, immediate bool) {
	if m.f.EndDialog != nil {
		m.f.EndDialog(d, immediate)
	}
}

// terminate ends a dialog for the AS. [MSCP-4.3-1]
func (m *Server) terminate(n *mscp.DialogTerminate) {
	immediate := n.Immediate == "true"
	m.mu.Lock()
	d := m.dialogs[n.DialogID]
	over := d != nil && d.state == ended
	switch {
	case d == nil || d.state == preparing || d.state >= ending && !immediate:
		m.mu.Unlock()
		return
	case d.state == starting:
		if d.terminate == nil || immediate {
			d.terminate = n
		}
		m.mu.Unlock()
		return
	case d.state == prepared || immediate: // [MSCP-4.3-2]
		immediate = true
		m.dropDialog(d)
	default:
		d.state = ending
	}
	m.mu.Unlock()
	if immediate {
		d.outlet.close() // nothing is told of it any more
		m.tellFlows()
	}
	if !over {
		m.endDialog(d.Dialog, immediate)
	}
	if !immediate && m.f.EndDialog == nil {
		m.DialogExited(d.ID, nil)
	}
}

// DialogExited says that a dialog has ended by itself, or as the AS wished,
// and tells the AS. It is nothing for one that the AS has ended immediately.
// [MSCP-4.4-1]
func (m *Server) DialogExited(id string, names []mscp.Item) {
	m.dialogEnded(id, func(d Dialog) mscp.Element {
		return &mscp.DialogExit{DialogID: d.ID, ConnectionID: d.ConnectionID, ConferenceID: d.ConferenceID, Namelist: names}
	})
}

// DialogFailed says that a dialog has ended abnormally, and tells the AS.
// [MSCP-4.5-1]
func (m *Server) DialogFailed(id, reason string) {
	m.dialogEnded(id, func(d Dialog) mscp.Element { return dialogError(d, reason) })
}

func dialogError(d Dialog, reason string) mscp.Element {
	return &mscp.ErrorDialog{DialogID: d.ID, ConnectionID: d.ConnectionID, ConferenceID: d.ConferenceID, Reason: reason}
}

func (m *Server) dialogEnded(id string, tell func(Dialog) mscp.Element) {
	m.mu.Lock()
	d := m.dialogs[id]
	if d == nil || d.state < starting || d.state == ended || d.over {
		m.mu.Unlock()
		return
	}
	e := tell(d.Dialog)
	if d.state == starting { // begun goes on with it
		d.over = true
		m.mu.Unlock()
		_ = d.outlet.send(e, true)
		return
	}
	m.endState(d)
	d.telling = true
	m.mu.Unlock()
	m.tellFlows()
	m.tellEnd(d, e)
}

// tellEnd tells the AS of the end of a dialog that is ended, and takes it out when it
// was told.
func (m *Server) tellEnd(d *dialog, e mscp.Element) {
	_ = d.outlet.send(e, true) // its AS may be gone
	m.mu.Lock()
	defer m.mu.Unlock()
	if d.telling = false; d.announced {
		m.dropDialog(d)
	}
}

// takeDialogs ends the dialogs that is says yes to, and returns those whose media are
// to end: those that are being prepared or started are left to whoever does that. It is
// called with the lock.
func (m *Server) takeDialogs(is func(*dialog) bool) (list []*dialog) {
	for _, d := range m.dialogs {
		if d.state == ended || !is(d) {
			continue
		}
		switch d.state {
		case preparing, starting:
			m.dropDialog(d)
		case prepared:
			m.dropDialog(d)
			list = append(list, d)
		default:
			m.endState(d)
			d.telling = true
			list = append(list, d)
		}
	}
	return list
}

// endTaken ends the media of a dialog that has not ended by itself.
func (m *Server) endTaken(d *dialog) {
	if !d.over {
		m.endDialog(d.Dialog, true)
	}
}

// failAll ends dialogs that have lost their end point. [MSCP-4.5-1]
func (m *Server) failAll(list []*dialog, reason string) {
	for _, d := range list {
		m.endTaken(d)
		if d.telling {
			m.tellEnd(d, dialogError(d.Dialog, reason))
		}
	}
}
