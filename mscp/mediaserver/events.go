package mediaserver

import (
	"fmt"

	"github.com/gomscp/gomscp/mscp"
)

func (m *Server) dialogEvent(id string, e mscp.Element) {
	m.mu.Lock()
	d := m.dialogs[id]
	m.mu.Unlock()
	if d != nil && m.f.DialogEvent != nil {
		m.f.DialogEvent(d.Dialog, e)
	}
}

// DialogNotify sends an event of a dialog to the AS that has created it: a *DialogUser,
// *DialogDisconnect, *DialogTransfer or *DialogTerminateTransfer, whose ids are filled
// in. They go out after the response that tells the AS of the dialog, in the order of
// the calls, and before its DialogExit. Until the response, DialogNotify returns at
// once, and fails for more than MaxEarlyNotifications; later it returns when e is sent.
// It fails for a dialog that is not started, or has ended, and must not be called by
// the function that sends notifications. See sections 4.6 to 4.9.
func (m *Server) DialogNotify(id string, e mscp.Element) error { // [MSCP-4.6-3]
	m.mu.Lock()
	d := m.dialogs[id]
	runs := d != nil && d.state >= starting // one that has ended has a closed outlet
	var at Dialog
	if runs {
		at = d.Dialog
	}
	m.mu.Unlock()
	if !runs {
		return fmt.Errorf("mscp: no running dialog is identified by %.40q", id)
	}
	e, err := addressed(at, e)
	if err != nil {
		return err
	}
	return d.outlet.send(e, false)
}

// addressed is a copy of an event with the ids of its dialog.
func addressed(d Dialog, e mscp.Element) (mscp.Element, error) {
	switch e := e.(type) {
	case *mscp.DialogUser:
		n := *e
		return d.fill(&n, &n.DialogID, &n.ConnectionID, &n.ConferenceID), nil
	case *mscp.DialogDisconnect:
		n := *e
		return d.fill(&n, &n.DialogID, &n.ConnectionID, &n.ConferenceID), nil
	case *mscp.DialogTransfer:
		n := *e
		return d.fill(&n, &n.DialogID, &n.ConnectionID, &n.ConferenceID), nil
	case *mscp.DialogTerminateTransfer:
		n := *e
		return d.fill(&n, &n.DialogID, &n.ConnectionID, &n.ConferenceID), nil
	}
	return nil, fmt.Errorf("mscp: %s is no event that a media server sends about a dialog (section 4)", mscp.Name(e))
}

// fill sets the ids of e, which is returned.
func (d Dialog) fill(e mscp.Element, dialog, connection, conference *string) mscp.Element {
	*dialog, *connection, *conference = d.ID, d.ConnectionID, d.ConferenceID
	return e
}
