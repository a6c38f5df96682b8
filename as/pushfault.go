package as

import (
	"errors"
	"fmt"

	"github.com/gomscp/gomscp/as/internal/control"
	"github.com/gomscp/gomscp/as/internal/mailbox"
	"github.com/gomscp/gomscp/mscp"
	"github.com/gomscp/gomscp/sipua"
)

// inviteFault is the fault of a push whose INVITE the recipient's side has refused,
// or not answered.
func inviteFault(err error) error {
	f := &mailbox.Fault{Err: fmt.Errorf("INVITE: %w", err), About: mailbox.AboutUser}
	var status *sipua.StatusError
	if !errors.As(err, &status) {
		return f // nobody answers, or there is no way
	}
	f.After = status.RetryAfter()
	if r, ok := refusals[status.Code]; ok {
		f.About, f.Never = r.about, r.never
	}
	if f.After > 0 {
		f.Never = false // the device says when
	}
	return f
}

// refusals are the final responses to a push's INVITE that say something other than
// "not now, for this user", which is what the rest is taken for: 404 and 480 of a user
// who has just gone, 408, 487, 500, 503, 600 and so on. A 486 is in between: the device
// is busy, but for another sender it may not be, where it has one window for each. See
// RFC 3261, section 21, and the RFCs named.
var refusals = map[int]struct {
	about mailbox.Scope
	never bool
}{
	// About the sender.
	403: {mailbox.AboutSender, true},  // understood, and refused for good
	433: {mailbox.AboutSender, true},  // anonymity is not wanted (RFC 5079)
	436: {mailbox.AboutSender, true},  // the sender's identity cannot be checked (RFC 8224)
	437: {mailbox.AboutSender, true},  // likewise
	438: {mailbox.AboutSender, true},  // likewise
	486: {mailbox.AboutSender, false}, // busy
	603: {mailbox.AboutSender, false}, // the user declines this call, which need not be the next one
	607: {mailbox.AboutSender, true},  // nor any of this sender (RFC 8197)
	608: {mailbox.AboutSender, true},  // somebody refuses it in the user's name (RFC 8688)

	// About what is offered.
	406: {mailbox.AboutOffer, true}, // no answer that we would accept
	413: {mailbox.AboutOffer, true}, // the offer is too large
	415: {mailbox.AboutOffer, true}, // a body of that type is not understood
	420: {mailbox.AboutOffer, true}, // an extension is not understood
	421: {mailbox.AboutOffer, true}, // an extension is asked for that we do not know
	488: {mailbox.AboutOffer, true}, // the media are not supported
	493: {mailbox.AboutOffer, true}, // the body cannot be deciphered
	513: {mailbox.AboutOffer, true}, // the message is too large
	606: {mailbox.AboutOffer, true}, // as 488, for all of the user's devices

	// About the device, or the user, as such.
	405: {mailbox.AboutUser, true}, // the device takes no calls
	410: {mailbox.AboutUser, true}, // the user has gone for good
	414: {mailbox.AboutUser, true}, // the URI is too long
	416: {mailbox.AboutUser, true}, // the URI's scheme is not understood
	484: {mailbox.AboutUser, true}, // the URI is not complete
	485: {mailbox.AboutUser, true}, // the URI is of several users
	501: {mailbox.AboutUser, true}, // the device does not know INVITE
	505: {mailbox.AboutUser, true}, // it does not speak SIP/2.0
	604: {mailbox.AboutUser, true}, // there is no such user anywhere
}

// outcome is a push's label in the metrics.
func outcome(err error) string {
	switch {
	case err == nil:
		return "delivered"
	case mailbox.FaultOf(err).About == mailbox.AboutDevice:
		return "device"
	case mailbox.FaultOf(err).About != mailbox.AboutServer:
		return "recipient"
	case errors.Is(err, control.ErrDown), errors.Is(err, mscp.ErrChannelClosed):
		return "channel_down"
	default:
		return "media_server"
	}
}
