package msrp

import (
	"errors"
	"fmt"
)

// Status codes of RFC 4975, section 10.
const (
	StatusOK              = 200 // the request was fine
	StatusBadRequest      = 400 // the request was unintelligible
	StatusUnauthorized    = 401 // a relay wants credentials (RFC 4976)
	StatusForbidden       = 403 // the action is not allowed
	StatusNoRecipient     = 404 // the To of a message in CPIM names no recipient (RFC 7701)
	StatusTimeout         = 408 // a relay got no answer; errors.Is(err, ErrNoResponse)
	StatusTooLarge        = 413 // stop sending this message
	StatusUnsupportedType = 415 // the content type is not understood
	StatusOutOfBounds     = 423 // a parameter (Expires) is out of bounds
	StatusBadNickname     = 424 // the nickname is malformed (RFC 7701)
	StatusNicknameInUse   = 425 // the nickname is reserved or in use (RFC 7701)
	StatusNoPrivate       = 428 // the recipient takes no private messages (RFC 7701)
	StatusNoSession       = 481 // no such session
	StatusUnknownMethod   = 501 // the method is not understood
	StatusBoundElsewhere  = 506 // the session is bound to another connection
)

var statusText = map[int]string{
	StatusOK:              "OK",
	StatusBadRequest:      "Bad Request",
	StatusUnauthorized:    "Unauthorized",
	StatusForbidden:       "Forbidden",
	StatusNoRecipient:     "Failure to resolve recipient's URI",
	StatusTimeout:         "Timeout",
	StatusTooLarge:        "Message Too Large",
	StatusUnsupportedType: "Unsupported Media Type",
	StatusOutOfBounds:     "Parameter Out Of Bounds",
	StatusBadNickname:     "Malformed nickname",
	StatusNicknameInUse:   "Nickname reserved or already in use",
	StatusNoPrivate:       "Private messages not supported",
	StatusNoSession:       "No Such Session",
	StatusUnknownMethod:   "Unknown Method",
	StatusBoundElsewhere:  "Session Already Bound",
}

// StatusError is an answer other than 200: an answer of the peer, or one that a Handler
// returns for the peer. See RFC 4975, section 10.
type StatusError struct {
	// Code is 100 to 999.
	Code int
	// Reason is the comment behind the code; "" takes the usual words.
	Reason string
}

// Error returns the code and the reason.
func (e *StatusError) Error() string {
	return fmt.Sprintf("msrp: %03d %s", e.Code, e.reason())
}

// Is reports whether target is ErrNoResponse and the code is 408, which relays send for a
// missing response. See RFC 4975, section 10.4.
func (e *StatusError) Is(target error) bool {
	return e.Code == StatusTimeout && target == ErrNoResponse // [RFC4975-10.4-1]
}

func (e *StatusError) reason() string {
	if e.Reason != "" {
		return e.Reason
	}
	return statusText[e.Code]
}

func status(code int, reason string) *StatusError { return &StatusError{Code: code, Reason: reason} }

// Errors to be tested for with errors.Is.
var (
	// ErrClosed means that the session or listener was closed at this side.
	ErrClosed = errors.New("msrp: closed")
	// ErrConnectionLost means that the peer closed the connection, that it broke, or that
	// we closed it because of a protocol error of the peer.
	ErrConnectionLost = errors.New("msrp: connection lost")
	// ErrPeerClosed is an ErrConnectionLost: the peer closed the connection between two
	// requests, without a reset.
	ErrPeerClosed = fmt.Errorf("%w: closed by the peer", ErrConnectionLost)
	// ErrAborted means that a message did not arrive completely: its sender aborted it,
	// stalled, or lost the connection. It wraps the reason.
	ErrAborted = errors.New("msrp: message aborted")
	// ErrStalled means that the sender of a message was silent too long.
	ErrStalled = errors.New("msrp: sender stalled")
	// ErrNoResponse means that a request got no response in time. See RFC
	// 4975, section 7.1.1.
	ErrNoResponse = errors.New("msrp: no response in time")
	// ErrBodySize means that the body of a message to be sent was longer or
	// shorter than its stated size.
	ErrBodySize = errors.New("msrp: body does not have the stated size")
	// ErrTransport means that the next hop uses another transport than TCP, such as
	// WebSocket (RFC 7977).
	ErrTransport = errors.New("msrp: transport is not supported")
	// ErrTooMany means that a limit on sessions or receipts is reached.
	ErrTooMany = errors.New("msrp: too many")

	errNoRemote  = errors.New("msrp: the peer's path is not known, or is none")
	errCancelled = errors.New("msrp: cancelled before it was written")
	errCut       = errors.New("msrp: cancelled while it was written")
	errGivenUp   = errors.New("given up by its sender")
	errMessageID = errors.New("msrp: the message was sent again")
	errReceipts  = fmt.Errorf("%w receipts waiting for reports", ErrTooMany)
)
