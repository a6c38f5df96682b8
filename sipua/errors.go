package sipua

import (
	"errors"
	"fmt"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/gomscp/gomscp/sipua/internal/sipuri"
)

var (
	// ErrClosed says that the user agent was closed.
	ErrClosed = errors.New("sipua: closed")
	// ErrEnded says that the dialog has ended.
	ErrEnded = errors.New("sipua: dialog has ended")
	// ErrNoACK says that no ACK came for our 2xx within 64*T1. See RFC 3261,
	// section 13.3.1.4.
	ErrNoACK = errors.New("sipua: no ACK for our 2xx")
	// ErrNoDescription says that a message has no session description where one
	// must be. See RFC 3261, section 13.2.1.
	ErrNoDescription = errors.New("sipua: no session description")
	// ErrURITooLong says that a URI is longer than MaxURI.
	ErrURITooLong = sipuri.ErrTooLong
	// ErrCancelled says that the caller has cancelled.
	ErrCancelled = errors.New("sipua: cancelled by the caller")
)

// A StatusError is a final response other than 2xx: to a request of ours or, if a handler
// returns it, to a request of the peer.
type StatusError struct {
	Code     int
	Reason   string   // of a response of ours, "" means the usual one
	Headers  []Header // of a response of ours
	response *sip.Response
}

func (e *StatusError) Error() string { return fmt.Sprintf("%d %s", e.Code, e.Reason) }

// Header returns the value of the response's first header of that name, "" if
// there is none.
func (e *StatusError) Header(name string) string {
	if e.response == nil {
		return ""
	}
	return headerValue(e.response, name)
}

// RetryAfter is the pause that the response requests before another request of its kind,
// at most [MaxRetryAfter]; 0 if it requests none. See RFC 3261, section 20.33.
func (e *StatusError) RetryAfter() time.Duration {
	if e.response == nil {
		return 0
	}
	return retryAfter(e.response)
}

func statusError(res *sip.Response) *StatusError {
	return &StatusError{Code: int(res.StatusCode), Reason: res.Reason, response: res}
}

// ListHeader returns the values of the response's header of that name; see the
// function ListHeader.
func (e *StatusError) ListHeader(name string) []string {
	if e.response == nil {
		return nil
	}
	return ListHeader(e.response, name)
}
