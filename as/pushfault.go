package as

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gomscp/gomscp/sipua"
)

// A scope is what a failed push says something about, and so which other pushes of
// the recipient would fare the same.
type scope int

const (
	aboutServer scope = iota // the media server, or ourselves: not the recipient
	aboutSender              // this sender's messages; those of others are tried
	aboutOffer               // what this media server offers; those of others are tried
	aboutUser                // the recipient: nothing else is tried in this round
)

// A pushFault is a push that failed on the recipient's side.
type pushFault struct {
	err   error
	about scope
	// never says that another attempt would fail in the same way until the user
	// registers anew, perhaps with another device.
	never bool
	after time.Duration // asked for by the recipient's side: no attempt before
}

func (e *pushFault) Error() string { return "recipient: " + e.err.Error() }
func (e *pushFault) Unwrap() error { return e.err }

// faultOf is the fault of a push; of one that failed on our side it says nothing
// about the recipient.
func faultOf(err error) pushFault {
	var f *pushFault
	if errors.As(err, &f) {
		return *f
	}
	return pushFault{err: err}
}

// inviteFault is the fault of a push whose INVITE the recipient's side has refused,
// or not answered.
func inviteFault(err error) error {
	f := &pushFault{err: fmt.Errorf("INVITE: %w", err), about: aboutUser}
	var status *sipua.StatusError
	if !errors.As(err, &status) {
		return f // nobody answers, or there is no way
	}
	f.after = status.RetryAfter()
	if r, ok := refusals[status.Code]; ok {
		f.about, f.never = r.about, r.never
	}
	if f.after > 0 {
		f.never = false // the device says when
	}
	return f
}

// refusals are the final responses to a push's INVITE that say something other than
// "not now, for this user", which is what the rest is taken for: 404 and 480 of a user
// who has just gone, 408, 487, 500, 503, 600 and so on. A 486 is in between: the device
// is busy, but for another sender it may not be, where it has one window for each. See
// RFC 3261, section 21, and the RFCs named.
var refusals = map[int]struct {
	about scope
	never bool
}{
	// About the sender.
	403: {aboutSender, true},  // understood, and refused for good
	433: {aboutSender, true},  // anonymity is not wanted (RFC 5079)
	436: {aboutSender, true},  // the sender's identity cannot be checked (RFC 8224)
	437: {aboutSender, true},  // likewise
	438: {aboutSender, true},  // likewise
	486: {aboutSender, false}, // busy
	603: {aboutSender, false}, // the user declines this call, which need not be the next one
	607: {aboutSender, true},  // nor any of this sender (RFC 8197)
	608: {aboutSender, true},  // somebody refuses it in the user's name (RFC 8688)

	// About what is offered.
	406: {aboutOffer, true}, // no answer that we would accept
	413: {aboutOffer, true}, // the offer is too large
	415: {aboutOffer, true}, // a body of that type is not understood
	420: {aboutOffer, true}, // an extension is not understood
	421: {aboutOffer, true}, // an extension is asked for that we do not know
	488: {aboutOffer, true}, // the media are not supported
	493: {aboutOffer, true}, // the body cannot be deciphered
	513: {aboutOffer, true}, // the message is too large
	606: {aboutOffer, true}, // as 488, for all of the user's devices

	// About the device, or the user, as such.
	405: {aboutUser, true}, // the device takes no calls
	410: {aboutUser, true}, // the user has gone for good
	414: {aboutUser, true}, // the URI is too long
	416: {aboutUser, true}, // the URI's scheme is not understood
	484: {aboutUser, true}, // the URI is not complete
	485: {aboutUser, true}, // the URI is of several users
	501: {aboutUser, true}, // the device does not know INVITE
	505: {aboutUser, true}, // it does not speak SIP/2.0
	604: {aboutUser, true}, // there is no such user anywhere
}

// neverRetry is how long a push that would fail in the same way waits if the user does
// not register anew: devices get new software without a word.
const neverRetry = time.Hour

type lastFailureKey struct{}

// withLastFailure is the context of a push that has failed in that way before, "" for
// one that has not.
func withLastFailure(ctx context.Context, failure string) context.Context {
	return context.WithValue(ctx, lastFailureKey{}, failure)
}

func lastFailure(ctx context.Context) string {
	s, _ := ctx.Value(lastFailureKey{}).(string)
	return s
}
