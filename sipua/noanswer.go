package sipua

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/emiago/sipgo/sip"
)

// A NoAnswerError is the error of a request without any response, not even a provisional
// one.
type NoAnswerError struct {
	Peer      string        // host:port where it was sent
	Transport string        // UDP, TCP or TLS
	Waited    time.Duration // since it was sent first
	cause     error
}

func (e *NoAnswerError) Error() string {
	return fmt.Sprintf("no answer from %s over %s within %v", e.Peer, e.Transport, e.Waited.Round(100*time.Millisecond))
}

func (e *NoAnswerError) Unwrap() error { return e.cause }

// noAnswer turns the error of a request into a NoAnswerError if it means that no response
// has come in time.
func noAnswer(req *sip.Request, sent time.Time, seen bool, err error) error {
	if seen || !errors.Is(err, sip.ErrTransactionTimeout) && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return &NoAnswerError{Peer: req.Destination(), Transport: req.Transport(), Waited: time.Since(sent), cause: err}
}
