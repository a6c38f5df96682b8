package mediaserver

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/gomscp/gomscp/mscp"
)

// A dialogState is where a dialog is in its life.
type dialogState int

const (
	preparing dialogState = iota
	prepared
	starting   // StartDialog runs
	announcing // it runs, and its response has not gone out
	started
	ending // the AS has asked for its end, and waits for DialogExit
	ended  // it is there only until its AS was told
)

var stateNames = [...]string{"being prepared", "prepared", "being started", "being started", "started", "ending", "ended"}

type dialog struct {
	Dialog
	owner  *Owner // nil for one of Handle
	state  dialogState
	outlet outlet
	// terminate is how the AS ended the dialog while StartDialog ran, and over says
	// that it has ended then.
	terminate *mscp.DialogTerminate
	over      bool

	known     bool // to the AS: it was prepared
	announced bool // the response has gone out, and what was told before it
	telling   bool // the end is being told
}

func (m *Server) newDialog(ctx context.Context, d Dialog, state dialogState) *dialog {
	o := ownerOf(ctx)
	return &dialog{Dialog: d, owner: o, state: state, outlet: outlet{notify: func(e mscp.Element) { m.notify(o, e) }}}
}

func (m *Server) prepare(ctx context.Context, req *mscp.DialogPrepare) mscp.Element {
	d := m.newDialog(ctx, Dialog{ID: uniqueID("dialog"), ConnectionID: req.ConnectionID, ConferenceID: req.ConferenceID, Document: *req}, preparing)
	refuse := func(err error) mscp.Element {
		return &mscp.ErrorDialogNotPrepared{DialogID: d.ID, ConnectionID: req.ConnectionID, ConferenceID: req.ConferenceID, Reason: err.Error()}
	}
	if err := m.addDialog(d); err != nil {
		return refuse(err)
	}
	err := errNotSupported
	if m.f.PrepareDialog != nil {
		err = m.f.PrepareDialog(ctx, d.Dialog)
	}
	m.mu.Lock()
	gone := m.dialogs[d.ID] != d
	if err == nil && !gone {
		d.state = prepared
	} else {
		m.dropDialog(d)
	}
	m.mu.Unlock()
	if err == nil && gone { // whoever took it left its end to us
		m.endDialog(d.Dialog, true)
		err = errEndPointEnded
	}
	if err != nil {
		return refuse(err)
	}
	mscp.OnResponse(ctx, func(sent bool) {
		if !sent {
			m.undo(d)
		}
	})
	return &mscp.DialogPrepared{DialogID: d.ID, ConnectionID: req.ConnectionID, ConferenceID: req.ConferenceID} // [MSCP-4.1-4]
}

var errEndPointEnded = errors.New("its connection or conference has ended")

func (m *Server) addDialog(d *dialog) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.checkEndPoint(d.ConnectionID, d.ConferenceID); err != nil {
		return err
	}
	if len(m.dialogs) >= MaxDialogs {
		return fmt.Errorf("more than %d dialogs", MaxDialogs)
	}
	if err := m.useEndPoint(d.owner, d.Dialog, d.state); err != nil {
		return err
	}
	m.dialogs[d.ID] = d
	return nil
}

// useEndPoint holds the end point of a dialog, which dropDialog gives back. It is
// called with the lock.
func (m *Server) useEndPoint(o *Owner, d Dialog, state dialogState) error {
	at := d.ConnectionID + d.ConferenceID
	if state == starting && len(m.links.links[at]) >= MaxJoins {
		return fmt.Errorf("%s has %d joins, and may not have more", at, MaxJoins)
	}
	return m.hold(o, d.ConnectionID)
}

func (m *Server) start(ctx context.Context, req *mscp.DialogStart) (mscp.Element, error) {
	d, refusal := m.toStart(ctx, req)
	if d == nil {
		return refused(refusal)
	}
	err := errNotSupported
	if m.f.StartDialog != nil {
		err = m.f.StartDialog(ctx, d.Dialog)
	}
	if running := err == nil; running {
		if err = m.begun(d); err != nil {
			m.endTaken(d)
		}
	} else {
		m.mu.Lock()
		m.dropDialog(d) // a prepared one that failed is gone, too
		m.mu.Unlock()
	}
	m.tellFlows()
	if err != nil {
		return notStarted(d.Dialog, err), nil
	}
	if d.terminate != nil {
		m.terminate(d.terminate)
	}
	mscp.OnResponse(ctx, func(sent bool) { m.started(d, sent) })
	return &mscp.DialogStarted{DialogID: d.ID, ConnectionID: d.ConnectionID, ConferenceID: d.ConferenceID}, nil // [MSCP-4.2-4] [MSCP-4.2-5]
}

// begun joins a dialog that runs to its end point, or tells why it is not wanted any
// more.
func (m *Server) begun(d *dialog) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.dialogs[d.ID] != d:
		return errEndPointEnded
	case d.terminate != nil && d.terminate.Immediate == "true":
		m.dropDialog(d)
		return errors.New("it was terminated before it started")
	case d.over:
		m.endState(d)
		return nil
	}
	d.state = announcing
	m.links.join(d.ConnectionID+d.ConferenceID, d.ID, linkOf(d.Document.Streams)) // [MSCP-4.8.2-1] until an unjoin
	return nil
}

// refused is the answer to a DialogStart that is refused. Without an end point
// there is no errordialognotstarted, which must name one: the request has an
// error in it. [MSCP-4.2-4]
func refused(e mscp.Element) (mscp.Element, error) {
	if n, ok := e.(*mscp.ErrorDialogNotStarted); ok && n.ConnectionID+n.ConferenceID == "" {
		return nil, &mscp.Error{Code: mscp.StatusBadRequest, Reason: n.Reason}
	}
	return e, nil
}

func notStarted(d Dialog, err error) mscp.Element {
	return &mscp.ErrorDialogNotStarted{DialogID: d.ID, ConnectionID: d.ConnectionID, ConferenceID: d.ConferenceID, Reason: err.Error()}
}

// toStart makes the dialog of the request, or takes the prepared one.
func (m *Server) toStart(ctx context.Context, req *mscp.DialogStart) (*dialog, mscp.Element) {
	if req.PreparedDialogID != "" {
		return m.takePrepared(req)
	}
	d := m.newDialog(ctx, Dialog{ID: uniqueID("dialog"), ConnectionID: req.ConnectionID, ConferenceID: req.ConferenceID,
		Document: mscp.DialogPrepare{
			Src: req.Src, Type: req.Type, ConnectionID: req.ConnectionID, ConferenceID: req.ConferenceID, MaxAge: req.MaxAge,
			MaxStale: req.MaxStale, EncType: req.EncType, Method: req.Method, Script: req.Script, Namelist: req.Namelist,
			Subscribe: req.Subscribe, Streams: req.Streams, Foreign: req.Foreign,
		}}, starting)
	err := errors.New("neither connectionid nor conferenceid")
	if req.ConnectionID+req.ConferenceID != "" {
		err = m.addDialog(d)
	}
	if err != nil {
		return nil, notStarted(d.Dialog, err)
	}
	return d, nil
}

// takePrepared moves a prepared dialog to its start. Its end point is what the
// two requests say together. [MSCP-4.2-2]
func (m *Server) takePrepared(req *mscp.DialogStart) (*dialog, mscp.Element) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := Dialog{ID: req.PreparedDialogID, ConnectionID: req.ConnectionID, ConferenceID: req.ConferenceID}
	d := m.dialogs[req.PreparedDialogID]
	if d == nil || d.state == preparing || d.state == ended {
		return nil, notStarted(now, fmt.Errorf("dialog identified by %s does not exist", req.PreparedDialogID))
	}
	now.ConnectionID, now.ConferenceID = cmp.Or(now.ConnectionID, d.ConnectionID), cmp.Or(now.ConferenceID, d.ConferenceID) // [MSCP-4.1-9]
	switch {
	case d.state != prepared: // [MSCP-4.2-6]
		return nil, &mscp.ErrorDialogWrongState{DialogID: d.ID, ConnectionID: now.ConnectionID, ConferenceID: now.ConferenceID,
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
	if err := m.useEndPoint(d.owner, now, starting); err != nil {
		return nil, notStarted(now, err)
	}
	m.release(d.ConnectionID) // it is held twice, or was for none
	d.ConnectionID, d.ConferenceID, d.state, d.known = now.ConnectionID, now.ConferenceID, starting, true
	return d, nil
}

// started is called when the AS has got the response: what has happened to the
// dialog meanwhile is told.
func (m *Server) started(d *dialog, sent bool) {
	if !sent && !d.known {
		m.undo(d)
	}
	m.mu.Lock()
	if d.state == announcing {
		d.state = started
	}
	m.mu.Unlock()
	d.outlet.release() // [MSCP-4.6-3]
	m.mu.Lock()
	defer m.mu.Unlock()
	d.announced = true
	if d.state == ended && !d.telling {
		m.dropDialog(d)
	}
}
