package mscp

import (
	"cmp"
	"context"
	"errors"
	"fmt"
)

// A dialogState is where a dialog is in its life.
type dialogState int

const (
	preparing dialogState = iota
	prepared
	starting // StartDialog runs, or its response has not gone out
	started
	ending // the AS has asked for its end, and waits for DialogExit
)

var stateNames = [...]string{"being prepared", "prepared", "being started", "started", "ending"}

type dialog struct {
	Dialog
	owner *Owner // nil for one of Handle
	state dialogState
	// terminate is how the AS ended the dialog while it was starting.
	terminate *DialogTerminate
	// end is the notification of an end that came while it was starting.
	end Element
}

func (m *MediaServer) prepare(ctx context.Context, req *DialogPrepare) Element {
	d := &dialog{owner: ownerOf(ctx), Dialog: Dialog{ID: uniqueID("dialog"), ConnectionID: req.ConnectionID, ConferenceID: req.ConferenceID, Document: *req}}
	refuse := func(err error) Element {
		return &ErrorDialogNotPrepared{DialogID: d.ID, ConnectionID: req.ConnectionID, ConferenceID: req.ConferenceID, Reason: err.Error()}
	}
	if err := m.addDialog(d); err != nil {
		return refuse(err)
	}
	err := errNotSupported
	if m.f.PrepareDialog != nil {
		err = m.f.PrepareDialog(ctx, d.Dialog)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if err == nil && m.dialogs[d.ID] == nil {
		err = errEndPointEnded
	}
	if err != nil {
		delete(m.dialogs, d.ID)
		return refuse(err)
	}
	d.state = prepared
	return &DialogPrepared{DialogID: d.ID, ConnectionID: req.ConnectionID, ConferenceID: req.ConferenceID} // [MSCP-4.1-4]
}

var errEndPointEnded = errors.New("its connection or conference has ended")

func (m *MediaServer) addDialog(d *dialog) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.checkEndPoint(d.ConnectionID, d.ConferenceID); err != nil {
		return err
	}
	if len(m.dialogs) >= MaxDialogs {
		return fmt.Errorf("more than %d dialogs", MaxDialogs)
	}
	m.dialogs[d.ID] = d
	return nil
}

func (m *MediaServer) start(ctx context.Context, req *DialogStart) (Element, error) {
	d, refusal := m.toStart(ctx, req)
	if d == nil {
		return refused(refusal)
	}
	err := errNotSupported
	if m.f.StartDialog != nil {
		err = m.f.StartDialog(ctx, d.Dialog)
	}
	m.mu.Lock()
	if err == nil && m.dialogs[d.ID] == nil {
		err = errEndPointEnded
	}
	if err == nil && d.terminate != nil && d.terminate.Immediate == "true" {
		err = errors.New("it was terminated before it started")
		defer m.endDialog(d.Dialog, true)
	}
	if err != nil {
		delete(m.dialogs, d.ID) // a prepared dialog that failed is gone, too
	} else if d.end == nil { // [MSCP-4.8.2-1] it is joined to where it runs, until an unjoin
		m.setJoin(d.ID, d.ConnectionID+d.ConferenceID)
		m.setJoin(d.ConnectionID+d.ConferenceID, d.ID)
	}
	m.mu.Unlock()
	if err != nil {
		return notStarted(d.Dialog, err), nil
	}
	AfterResponse(ctx, func() { m.started(d) })
	return &DialogStarted{DialogID: d.ID, ConnectionID: d.ConnectionID, ConferenceID: d.ConferenceID}, nil // [MSCP-4.2-4] [MSCP-4.2-5]
}

// refused is the answer to a DialogStart that is refused. Without an end point
// there is no errordialognotstarted, which must name one: the request has an
// error in it. [MSCP-4.2-4]
func refused(e Element) (Element, error) {
	if n, ok := e.(*ErrorDialogNotStarted); ok && n.ConnectionID+n.ConferenceID == "" {
		return nil, &Error{StatusBadRequest, n.Reason}
	}
	return e, nil
}

func notStarted(d Dialog, err error) Element {
	return &ErrorDialogNotStarted{DialogID: d.ID, ConnectionID: d.ConnectionID, ConferenceID: d.ConferenceID, Reason: err.Error()}
}

// toStart makes the dialog of the request, or takes the prepared one.
func (m *MediaServer) toStart(ctx context.Context, req *DialogStart) (*dialog, Element) {
	if req.PreparedDialogID != "" {
		return m.takePrepared(req)
	}
	d := &dialog{owner: ownerOf(ctx), state: starting, Dialog: Dialog{ID: uniqueID("dialog"), ConnectionID: req.ConnectionID, ConferenceID: req.ConferenceID,
		Document: DialogPrepare{
			Src: req.Src, Type: req.Type, ConnectionID: req.ConnectionID, ConferenceID: req.ConferenceID, MaxAge: req.MaxAge,
			MaxStale: req.MaxStale, EncType: req.EncType, Method: req.Method, Script: req.Script, Namelist: req.Namelist,
			Subscribe: req.Subscribe, Streams: req.Streams, Foreign: req.Foreign,
		}}}
	err := m.addDialog(d)
	if req.ConnectionID+req.ConferenceID == "" {
		err = errors.New("neither connectionid nor conferenceid")
	}
	if err != nil {
		return nil, notStarted(d.Dialog, err)
	}
	return d, nil
}

// takePrepared moves a prepared dialog to its start. Its end point is what the
// two requests say together. [MSCP-4.2-2]
func (m *MediaServer) takePrepared(req *DialogStart) (*dialog, Element) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := Dialog{ID: req.PreparedDialogID, ConnectionID: req.ConnectionID, ConferenceID: req.ConferenceID}
	d := m.dialogs[req.PreparedDialogID]
	if d == nil || d.state == preparing {
		return nil, notStarted(now, fmt.Errorf("dialog identified by %s does not exist", req.PreparedDialogID))
	}
	now.ConnectionID, now.ConferenceID = cmp.Or(now.ConnectionID, d.ConnectionID), cmp.Or(now.ConferenceID, d.ConferenceID)
	switch {
	case d.state != prepared: // [MSCP-4.2-6]
		return nil, &ErrorDialogWrongState{DialogID: d.ID, ConnectionID: now.ConnectionID, ConferenceID: now.ConferenceID,
			Reason: "the dialog is " + stateNames[d.state] + ", not prepared"}
	case d.ConnectionID != "" && (req.ConferenceID != "" || now.ConnectionID != d.ConnectionID),
		d.ConferenceID != "" && (req.ConnectionID != "" || now.ConferenceID != d.ConferenceID):
		now.ConnectionID, now.ConferenceID = req.ConnectionID, req.ConferenceID
		return nil, notStarted(now, errors.New("the dialog was prepared for another connection or conference"))
	case now.ConnectionID+now.ConferenceID == "":
		return nil, notStarted(now, errors.New("neither connectionid nor conferenceid, here and in dialogprepare"))
	}
	if err := m.checkEndPoint(now.ConnectionID, now.ConferenceID); err != nil {
		return nil, notStarted(now, err)
	}
	d.ConnectionID, d.ConferenceID, d.state = now.ConnectionID, now.ConferenceID, starting
	return d, nil
}

// started is called when the AS has got the response: what has happened to the
// dialog meanwhile comes into effect.
func (m *MediaServer) started(d *dialog) {
	m.mu.Lock()
	if m.dialogs[d.ID] != d {
		m.mu.Unlock()
		m.notify(d.owner, dialogError(d.Dialog, errEndPointEnded.Error()))
		return
	}
	d.state = started
	end, terminate := d.end, d.terminate
	if end != nil {
		delete(m.dialogs, d.ID)
		m.forgetJoins(d.ID)
	}
	m.mu.Unlock()
	switch {
	case end != nil:
		m.notify(d.owner, end)
	case terminate != nil:
		m.terminate(terminate)
	}
}

func (m *MediaServer) endDialog(d Dialog, immediate bool) {
	if m.f.EndDialog != nil {
		m.f.EndDialog(d, immediate)
	}
}

// terminate ends a dialog for the AS. [MSCP-4.3-1]
func (m *MediaServer) terminate(n *DialogTerminate) {
	immediate := n.Immediate == "true"
	m.mu.Lock()
	d := m.dialogs[n.DialogID]
	switch {
	case d == nil || d.state == preparing || d.state == ending && !immediate:
		m.mu.Unlock()
		return
	case d.state == starting:
		d.terminate = n
		m.mu.Unlock()
		return
	case d.state == prepared || immediate: // nothing is told of it any more
		delete(m.dialogs, d.ID)
		m.forgetJoins(d.ID)
		immediate = true
	}
	d.state = ending
	m.mu.Unlock()
	m.endDialog(d.Dialog, immediate)
}

func (m *MediaServer) dialogEvent(id string, e Element) {
	m.mu.Lock()
	d := m.dialogs[id]
	m.mu.Unlock()
	if d != nil && m.f.DialogEvent != nil {
		m.f.DialogEvent(d.Dialog, e)
	}
}

// DialogExited says that a dialog has ended by itself, or as the AS wished,
// and tells the AS. It is nothing for one that the AS has ended immediately.
// [MSCP-4.4-1]
func (m *MediaServer) DialogExited(id string, names []Item) {
	m.dialogEnded(id, func(d Dialog) Element {
		return &DialogExit{DialogID: d.ID, ConnectionID: d.ConnectionID, ConferenceID: d.ConferenceID, Namelist: names}
	})
}

// DialogFailed says that a dialog has ended abnormally, and tells the AS.
// [MSCP-4.5-1]
func (m *MediaServer) DialogFailed(id, reason string) {
	m.dialogEnded(id, func(d Dialog) Element { return dialogError(d, reason) })
}

func dialogError(d Dialog, reason string) Element {
	return &ErrorDialog{DialogID: d.ID, ConnectionID: d.ConnectionID, ConferenceID: d.ConferenceID, Reason: reason}
}

func (m *MediaServer) dialogEnded(id string, tell func(Dialog) Element) {
	m.mu.Lock()
	d := m.dialogs[id]
	if d == nil || d.state < starting {
		m.mu.Unlock()
		return
	}
	m.forgetJoins(id)
	e := tell(d.Dialog)
	if d.state == starting { // the AS is to know the dialog first
		d.end = cmp.Or(d.end, e)
		m.mu.Unlock()
		return
	}
	delete(m.dialogs, id)
	m.mu.Unlock()
	m.notify(d.owner, e)
}

// takeDialogs takes out the dialogs that is says yes to. It is called with the
// lock.
func (m *MediaServer) takeDialogs(is func(*dialog) bool) (list []dialog) {
	for id, d := range m.dialogs {
		if is(d) {
			delete(m.dialogs, id)
			m.forgetJoins(id)
			list = append(list, *d)
		}
	}
	return list
}

// failAll ends dialogs that have lost their end point. [MSCP-4.5-1]
func (m *MediaServer) failAll(list []dialog, reason string) {
	for _, d := range list {
		m.endDialog(d.Dialog, true)
		if d.state == started || d.state == ending {
			m.notify(d.owner, dialogError(d.Dialog, reason))
		}
	}
}
