package mscp

import (
	"errors"
	"fmt"
)

// ErrChannelClosed says that the connection has ended. It wraps why, where
// that is known.
var ErrChannelClosed = errors.New("mscp: channel closed")

// errWrongRole says that the peer sent what only the other end may send.
var errWrongRole = errors.New("mscp: wrong role")

// Status codes of a response. See the draft, section 7.2.4.
const (
	StatusOK            = 200
	StatusBadRequest    = 400
	StatusInternalError = 500
)

// An Error is a response with status 400 or 500: the request could not be
// understood, or the peer failed in handling it. A handler may return one to
// choose the status of its response.
type Error struct {
	Code   int
	Reason string
}

func (e *Error) Error() string { return fmt.Sprintf("mscp: %d %s", e.Code, e.Reason) }

// A ParseError says what is wrong with bytes from the peer, and where.
type ParseError struct {
	Offset int64  // in bytes, from the start of the PDU or document
	Rule   string // what is broken, with the section of the draft if it has one
}

func (e *ParseError) Error() string { return fmt.Sprintf("mscp: byte %d: %s", e.Offset, e.Rule) }

func statusPhrase(code int) string {
	switch code {
	case StatusOK:
		return "OK"
	case StatusBadRequest:
		return "Bad Request"
	default:
		return "Internal Error"
	}
}

// shorten keeps strangers' bytes in errors few.
func shorten(s string) string {
	if len(s) > 40 {
		return s[:40] + "..."
	}
	return s
}
