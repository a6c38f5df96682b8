package ms

import (
	"context"
	"errors"
	"fmt"

	"github.com/gomscp/gomscp/ms/internal/memory"
	"github.com/gomscp/gomscp/mscp"
	"github.com/gomscp/gomscp/msrp"
	"github.com/gomscp/gomscp/sipua"
)

// serveOffer answers an INVITE that has no offer with an offer of ours, takes the user
// agent's answer from the ACK, and keeps the MSRP session for SendMsg, or for a caller that
// has left the offer to us, until the dialog ends. See RFC 3725, section 4.1.
func (s *sessions) serveOffer(in *sipua.IncomingCall, d *dialog) error {
	if !s.memory.All.Take(memory.SessionCost) {
		return s.noMemory(in)
	}
	defer s.memory.All.Give(memory.SessionCost)
	defer s.dialogs.add(d)()
	defer d.link.settle(nil, errDialogEnded)

	media, err := s.msrp.describe(msrp.SetupActpass, s.msrp.offersTLS(in.Header(mscp.HeaderTransport)))
	if err != nil {
		return errors.Join(err, in.Reject(500, "Server Internal Error"))
	}
	offer, err := media.Offer()
	if err != nil {
		return errors.Join(err, in.Reject(500, "Server Internal Error"))
	}
	// The user agent may be the one to connect, and may do so before its
	// answer has come to us.
	u := &undecided{newIntake(s.shared, d)}
	sc := msrp.SessionConfig{Local: media.Path[0], MaxSize: s.cfg.MSRP.MaxSize, Handler: u.receive, Memory: s.memory.All, AwaitFingerprints: media.TLS}
	passive, err := s.msrp.listener(media.TLS).Accept(sc)
	if err != nil {
		return errors.Join(err, in.Reject(500, "Server Internal Error"))
	}
	l := newLeg(s.msrp, d, media, offer, nil, u.receive)
	defer l.close()
	l.begin(passive, msrp.SetupPassive)
	in.OnOffer(l.offered)
	info := s.controls.takeParticipantInfo(in)
	defer info.close()
	call, answer, err := in.Answer(s.life.ctx, offer, sdpType)
	if err != nil {
		return fmt.Errorf("offer: %w", err)
	}
	defer call.End(byeTimeout)
	d.answered(call)
	info.begin(call)
	session, err := s.connect(call, d, sc, passive, answer, media.TLS)
	if err != nil {
		// The AS ends the dialog when it hears of it.
		d.link.settle(nil, err)
		l.waitEnd(call)
		return fmt.Errorf("no MSRP session: %w", err)
	}
	if session != passive {
		l.begin(session, msrp.SetupActive)
	}
	d.link.settle(session, nil)
	l.waitEnd(call)
	l.close() // and with it all handlers
	if s := d.current(); s != nil {
		s.finish()
	}
	return nil
}

var (
	errDialogEnded = errors.New("the SIP dialog has ended")
	errNoAnswer    = errors.New("the ACK carried no answer to our offer")
	errRefused     = errors.New("the user agent refused the MSRP session")
)

// connect brings the MSRP session up in the role that the answer leaves us.
func (s *sessions) connect(call *sipua.Call, d *dialog, sc msrp.SessionConfig, passive *msrp.Session, answer []byte, secure bool) (*msrp.Session, error) {
	if len(answer) == 0 {
		return nil, errNoAnswer
	}
	theirs, err := msrp.ParseSDP(answer)
	if err != nil {
		return nil, fmt.Errorf("answer: %w", err)
	}
	if theirs.Rejected() {
		return nil, &deviceError{errRefused}
	}
	if theirs.TLS != secure {
		return nil, &deviceError{errOtherTransport}
	}
	sc.Fingerprints = fingerprintsOf(theirs)
	passive.SetRemote(theirs.Path) // the certificate behind a relay is not the peer's
	if err := passive.SetFingerprints(sc.Fingerprints); err != nil {
		return nil, err
	}
	d.remote.hear(theirs)
	ctx, cancel := context.WithTimeout(s.life.ctx, s.cfg.Push.ConnectTimeout)
	defer cancel()
	if theirs.Setup == msrp.SetupActive {
		select {
		case <-passive.Bound():
			return passive, nil
		case <-passive.Done():
			return nil, passive.Err()
		case <-call.Done():
			return nil, errDialogEnded
		case <-ctx.Done():
			return nil, fmt.Errorf("the user agent did not connect: %w", ctx.Err())
		}
	}
	passive.Close()
	sc.Remote = theirs.Path
	return msrp.Dial(ctx, s.msrp.configTLS, sc)
}
