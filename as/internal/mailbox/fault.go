package mailbox

import (
	"errors"
	"time"
)

// A Scope is what a failed push says something about, and so which other pushes of
// the recipient would fare the same.
type Scope int

// The scopes of faults.
const (
	AboutServer Scope = iota // the media server, or ourselves: not the recipient
	AboutSender              // this sender's messages; those of others are tried
	AboutOffer               // what this media server offers; those of others are tried
	AboutUser                // the recipient: nothing else is tried in this round
	AboutDevice              // the device does not take all of the messages: another device may
)

// A Fault is a push that failed on the recipient's side.
type Fault struct {
	Err   error
	About Scope
	// Never says that another attempt would fail in the same way until the user
	// registers anew, perhaps with another device.
	Never bool
	After time.Duration // asked for by the recipient's side: no attempt before
}

// Error implements error.
func (f *Fault) Error() string {
	if f.About == AboutDevice {
		return "device: " + f.Err.Error()
	}
	return "recipient: " + f.Err.Error()
}

// Unwrap returns the cause.
func (f *Fault) Unwrap() error { return f.Err }

// FaultOf returns the fault of a push. An error without a [*Fault] is about the server.
func FaultOf(err error) Fault {
	var f *Fault
	if errors.As(err, &f) {
		return *f
	}
	return Fault{Err: err}
}
