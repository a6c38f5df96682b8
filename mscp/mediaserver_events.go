package mscp

import "fmt"

func (m *MediaServer) dialogEvent(id string, e Element) {
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
func (m *MediaServer) DialogNotify(id string, e Element) error { // [MSCP-4.6-3]
	m.mu.Lock()
	d := m.dialogs[id]
	runs := d != nil && d.state >= starting // one that has ended has a closed outlet
	var at Dialog
	if runs {
		at = d.Dialog
	}
	m.mu.Unlock()
	if !runs {
		return fmt.Errorf("mscp: no dialog that runs is identified by %s", shorten(id))
	}
	e, err := addressed(at, e)
	if err != nil {
		return err
	}
	return d.outlet.send(e, false)
}

// addressed is a copy of an event with the ids of its dialog.
func addressed(d Dialog, e Element) (Element, error) {
	switch e := e.(type) {
	case *DialogUser:
		n := *e
		n.DialogID, n.ConnectionID, n.ConferenceID = d.ID, d.ConnectionID, d.ConferenceID
		return &n, nil
	case *DialogDisconnect:
		n := *e
		n.DialogID, n.ConnectionID, n.ConferenceID = d.ID, d.ConnectionID, d.ConferenceID
		return &n, nil
	case *DialogTransfer:
		n := *e
		n.DialogID, n.ConnectionID, n.ConferenceID = d.ID, d.ConnectionID, d.ConferenceID
		return &n, nil
	case *DialogTerminateTransfer:
		n := *e
		n.DialogID, n.ConnectionID, n.ConferenceID = d.ID, d.ConnectionID, d.ConferenceID
		return &n, nil
	}
	return nil, fmt.Errorf("mscp: %s is no event that a media server sends about a dialog (section 4)", Name(e))
}
