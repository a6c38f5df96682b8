package mscp

import "crypto/rand"

// Refuse makes the response of an MS that does not serve req: the error
// element that the draft, or the paper, has for it, with the reason. It is nil
// if req is no request. An id that the MS would have assigned is made up,
// since the draft requires one even then. Of two end points, which the draft
// forbids, the connection is named; for none, which it forbids in response to a
// DialogStart, an empty connectionid is written.
func Refuse(req Element, reason string) Element { // [MSCP-2.1-1]
	switch q := req.(type) {
	case *DialogPrepare:
		connection, conference := oneEndPoint(q.ConnectionID, q.ConferenceID)
		return &ErrorDialogNotPrepared{DialogID: newID(), ConnectionID: connection, ConferenceID: conference, Reason: reason}
	case *DialogStart:
		id := q.PreparedDialogID // [MSCP-4.2-5]
		if id == "" {
			id = newID()
		}
		connection, conference := oneEndPoint(q.ConnectionID, q.ConferenceID)
		return &ErrorDialogNotStarted{DialogID: id, ConnectionID: connection, ConferenceID: conference, Reason: reason}
	case *CreateConference:
		return &ErrorConferenceCreate{ConferenceID: newID(), Reason: reason}
	case *DestroyConference:
		return &ErrorConferenceDestroy{ConferenceID: q.ConferenceID, Reason: reason}
	case *Join:
		return &ErrorConferenceJoin{ID1: q.ID1, ID2: q.ID2, Reason: reason} // [MSCP-5.3-1]
	case *Unjoin:
		return &ErrorConferenceUnjoin{ID1: q.ID1, ID2: q.ID2, Reason: reason} // [MSCP-5.4-1]
	case *RestoreMsg:
		return &MsgNotRestored{q.FromURI, q.ToURI, q.ConnectionID, reason}
	case *SendMsg:
		return &MsgNotSended{q.FromURI, q.ToURI, q.ConnectionID, reason}
	}
	return nil
}

// oneEndPoint is what a response names of the end points in a request.
func oneEndPoint(connection, conference string) (string, string) {
	if connection != "" { // [MSCP-4.1-2] [MSCP-4.2-4]
		return connection, ""
	}
	return "", conference
}

func newID() string { return "refused-" + rand.Text() }

// isRequest reports whether e is a request of the draft, of the paper or of ours.
func isRequest(e Element) bool {
	t, ok := e.(typedElement)
	return ok && t.shape().kind == Request
}
