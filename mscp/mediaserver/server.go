package mediaserver

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"

	"github.com/gomscp/gomscp/mscp"
)

// Functions are what a [Server] cannot know: the media. A request
// whose function is nil is refused with the draft's own error element. An
// error of a function is the reason of the refusal. Functions are called side
// by side, and may call the Server, but for HasConnection, FlowsChanged and
// Notify. A ctx ends with the channel of its request.
type Functions struct {
	// HasConnection tells whether a connection exists. nil: none does.
	HasConnection func(id string) bool

	// PrepareDialog gets a dialog ready. StartDialog starts one, that was
	// prepared or not, and returns when it runs, not when it ends. Both may block,
	// as for the fetch of a document: the response, and requests and notifications
	// about the same connection or conference, wait meanwhile, and all others go on.
	// What blocks longer than the AS waits for a response should obey ctx.
	// Attributes that the AS has left out are "": see SetDefaults.
	//
	// Whoever runs the dialog calls DialogNotify for its events, and DialogExited
	// or DialogFailed at its end, from StartDialog on and from any goroutine: what is
	// told before the response has gone out is sent after it. See sections 4.1 and 4.2.
	PrepareDialog func(ctx context.Context, d Dialog) error
	StartDialog   func(ctx context.Context, d Dialog) error
	// EndDialog ends a dialog that the AS does not want any more. One that was
	// started, and is not ended immediately, is to end with DialogExited; with
	// EndDialog nil, that is called at once. See section 4.3.
	EndDialog func(d Dialog, immediate bool)
	// DialogEvent takes the DialogUser and DialogTransferComplete of the AS.
	// See sections 4.6 and 4.10.
	DialogEvent func(d Dialog, e mscp.Element)

	// See sections 5.1 to 5.4. The ids exist. A Join that is done changes more
	// than its own two: see FlowsChanged.
	CreateConference  func(ctx context.Context, id string, req *mscp.CreateConference) error
	DestroyConference func(ctx context.Context, id string) error
	Join              func(ctx context.Context, req *mscp.Join) error
	Unjoin            func(ctx context.Context, req *mscp.Unjoin) error
	// ConferenceEvent takes the ConferenceUser of the AS. See section 5.5.
	ConferenceEvent func(e *mscp.ConferenceUser)

	// FlowsChanged tells which media have ended to flow, and which have begun to,
	// after a Join, an Unjoin, the start of a dialog, or an end, by the topology
	// rules of section 5.3: what a connection or dialog has to listen to takes the
	// place of what it listened to. Changes come one at a time, in their order, and
	// before the response. It must return soon. nil tells nobody.
	FlowsChanged func(ended, begun []Flow)

	// Notify sends the notifications about dialogs and conferences of those that
	// have no [Owner]. nil sends none.
	Notify func(e mscp.Element)
}

// A Dialog is one that an AS has prepared or started.
type Dialog struct {
	ID           string
	ConnectionID string // its end point, or
	ConferenceID string
	// Document says what is to be executed; of a DialogStart it has what they
	// have in common.
	Document mscp.DialogPrepare
}

// A Server answers the requests of sections 4 and 5 for an MS: it gives
// ids, knows what exists and in which state it is, refuses what does not fit
// with the element and the reason that the draft wants, and calls functions for
// the media. It may serve any number of channels.
type Server struct {
	f Functions

	telling sync.Mutex // held while FlowsChanged runs; locked before mu

	mu          sync.Mutex
	dialogs     map[string]*dialog
	conferences map[string]*liveConference
	held        map[string]*holding // connections that are used
	links       topology
}

// New makes one with nothing in it.
func New(f Functions) *Server {
	m := &Server{f: f, dialogs: map[string]*dialog{}, conferences: map[string]*liveConference{}, held: map[string]*holding{}}
	m.links = topology{links: map[string]map[string]link{}, mixes: func(id string) bool { return m.conferences[id] != nil }, alone: m.letGo}
	return m
}

// errNotSupported is the reason where there is no function. See section 2.1.
var errNotSupported = errors.New("not supported by this media server") // [MSCP-2.1-1]

// Handle is a [Handler]. What is no request of sections 4 and 5 is an *Error. What an
// [Owner] has does not exist for it.
func (m *Server) Handle(ctx context.Context, req mscp.Element) (mscp.Element, error) {
	if id := m.strange(ownerOf(ctx), req); id != "" { // [MSCP-3.1-2]
		return refused(mscp.Refuse(req, fmt.Sprintf("nothing is identified by %s", id)))
	}
	switch q := req.(type) {
	case *mscp.DialogPrepare:
		return m.prepare(ctx, q), nil
	case *mscp.DialogStart:
		return m.start(ctx, q)
	case *mscp.CreateConference:
		return m.create(ctx, q), nil
	case *mscp.DestroyConference:
		return m.destroy(ctx, q), nil
	case *mscp.Join:
		return m.join(ctx, q), nil
	case *mscp.Unjoin:
		return m.unjoin(ctx, q), nil
	}
	return nil, &mscp.Error{Code: mscp.StatusBadRequest, Reason: mscp.Name(req) + " is no request of sections 4 and 5"}
}

// Notified takes a notification of the AS, as [Config].OnNotification. One
// about what does not exist is ignored, for it may have ended meanwhile.
func (m *Server) Notified(e mscp.Element) { m.notified(nil, e) }

func (m *Server) notified(o *Owner, e mscp.Element) {
	if m.strange(o, e) != "" { // [MSCP-3.1-2]
		return
	}
	switch n := e.(type) {
	case *mscp.DialogTerminate:
		m.terminate(n)
	case *mscp.DialogUser:
		m.dialogEvent(n.DialogID, n)
	case *mscp.DialogTransferComplete:
		m.dialogEvent(n.DialogID, n)
	case *mscp.ConferenceUser:
		m.mu.Lock()
		known := m.hasConference(n.ConferenceID)
		m.mu.Unlock()
		if known && m.f.ConferenceEvent != nil {
			m.f.ConferenceEvent(n)
		}
	}
}

// ConnectionEnded forgets a connection: dialogs on it end with an
// [ErrorDialog], and what was joined to it is joined no more.
func (m *Server) ConnectionEnded(id string) {
	m.mu.Lock()
	ended := m.takeDialogs(func(d *dialog) bool { return d.ConnectionID == id })
	m.links.forget(id)
	m.mu.Unlock()
	m.tellFlows()
	m.failAll(ended, "the connection has ended")
}

// checkEndPoint tells why a dialog cannot be for the connection or conference.
// It is called with the lock.
func (m *Server) checkEndPoint(connection, conference string) error {
	switch {
	case connection != "" && conference != "": // [MSCP-4.1-2] [MSCP-4.2-3]
		return errors.New("connectionid and conferenceid are both there")
	case connection != "" && !m.hasConnection(connection):
		return fmt.Errorf("connection identified by %s does not exist", connection)
	case conference != "" && !m.hasConference(conference):
		return fmt.Errorf("conference identified by %s does not exist", conference)
	}
	return nil
}

func (m *Server) hasConnection(id string) bool {
	return m.f.HasConnection != nil && m.f.HasConnection(id)
}

// notify tells whoever has created the dialog or conference. [MSCP-3.1-3]
func (m *Server) notify(o *Owner, e mscp.Element) {
	switch {
	case o != nil && o.notify != nil:
		o.notify(e)
	case o == nil && m.f.Notify != nil:
		m.f.Notify(e)
	}
}

// uniqueID is one that no MS has given before.
func uniqueID(kind string) string {
	return kind + "-" + rand.Text() // [MSCP-2.3.1-2]
}
