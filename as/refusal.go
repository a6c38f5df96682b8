package as

import (
	"fmt"

	"github.com/gomscp/gomscp/sipua"
)

// A refusal is the SIP response that ends the set-up of a call.
type refusal struct {
	code   int
	reason string
	header []sipua.Header
	err    error // the cause, for the log
}

func (r *refusal) Error() string { return fmt.Sprintf("%d %s: %v", r.code, r.reason, r.err) }
func (r *refusal) Unwrap() error { return r.err }
