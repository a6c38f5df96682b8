package softphone

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/gomscp/gomscp/msrp"
	"github.com/gomscp/gomscp/sipua"
)

// A Chat is an MSRP session that the phone has set up by calling somebody.
type Chat struct {
	call    *sipua.Call
	session *msrp.Session
}

// Call calls the SIP URI to through the proxy and sets an MSRP session up with
// whoever answers, or fails with the *sipua.StatusError of the refusal.
func (p *Phone) Call(ctx context.Context, to string) (*Chat, error) {
	setup := p.cfg.Setup
	if setup == "" {
		setup = msrp.SetupActive
	}
	media := p.media(setup)
	if setup == msrp.SetupPassive {
		media.Setup = msrp.SetupActpass
	}
	offer, err := media.Offer()
	if err != nil {
		return nil, fmt.Errorf("softphone: offer: %w", err)
	}
	if setup == msrp.SetupPassive { // RFC 6135, section 4.2.2, forbids it, but there are phones that cannot connect
		offer = bytes.Replace(offer, []byte("a=setup:actpass"), []byte("a=setup:passive"), 1)
	}
	sc := msrp.SessionConfig{Local: media.Path[0], AwaitFingerprints: media.TLS}
	var passive *msrp.Session
	if setup != msrp.SetupActive {
		// The other side may connect as soon as it has the offer.
		if passive, err = p.msrp.Accept(sc); err != nil {
			return nil, fmt.Errorf("softphone: %w", err)
		}
	}
	call, err := p.ua.Invite(ctx, sipua.InviteRequest{
		URI: to, From: p.cfg.User, To: to, Destination: p.cfg.Proxy, Body: offer, ContentType: sdpType,
		Username: userPart(p.cfg.User), Password: p.cfg.Password,
	})
	if err != nil {
		closeSession(passive)
		return nil, fmt.Errorf("softphone: INVITE: %w", err)
	}
	if err := call.Ack(ctx, nil, ""); err != nil {
		closeSession(passive)
		return nil, errors.Join(fmt.Errorf("softphone: ACK: %w", err), call.Bye(ctx))
	}
	session, err := p.connect(ctx, sc, passive, call.RemoteBody())
	if err != nil {
		closeSession(passive)
		return nil, errors.Join(fmt.Errorf("softphone: %w", err), call.Bye(ctx))
	}
	return &Chat{call: call, session: session}, nil
}

// CallID is the SIP Call-ID of the session's call, as in traces and logs.
func (c *Chat) CallID() string { return c.call.ID().CallID }

// connect brings an offered session up in the role that the answer leaves us.
func (p *Phone) connect(ctx context.Context, sc msrp.SessionConfig, passive *msrp.Session, answer []byte) (*msrp.Session, error) {
	theirs, err := msrp.ParseSDP(answer)
	if err != nil {
		return nil, fmt.Errorf("answer: %w", err)
	}
	if theirs.Rejected() {
		return nil, errors.New("the answer refuses the MSRP session")
	}
	if theirs.TLS != (p.cfg.MSRPTLS != nil) {
		return nil, errors.New("the answer is for another transport")
	}
	sc.SetPeer(theirs)
	if passive != nil {
		if err := passive.SetPeer(theirs); err != nil {
			return nil, err
		}
	}
	if passive == nil || theirs.Setup != msrp.SetupActive {
		closeSession(passive)
		return msrp.Dial(ctx, p.mcfg, sc)
	}
	select {
	case <-passive.Bound():
		return passive, nil
	case <-passive.Done():
		return nil, passive.Err()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func closeSession(s *msrp.Session) {
	if s != nil {
		s.Close()
	}
}

// Send sends one message; see msrp.Session.Send. What the answer to the call does not
// accept is not sent: the error is then an *msrp.NotAcceptedError.
func (c *Chat) Send(ctx context.Context, m msrp.Message) (*msrp.Receipt, error) {
	return c.session.Send(ctx, m)
}

// Session is the chat's MSRP session.
func (c *Chat) Session() *msrp.Session { return c.session }

// Dialog is the chat's SIP dialog.
func (c *Chat) Dialog() *sipua.Call { return c.call }

// Close ends the dialog with BYE, then the session.
func (c *Chat) Close(ctx context.Context) error {
	err := c.call.Bye(ctx)
	return errors.Join(err, c.session.Close())
}
