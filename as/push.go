package as

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/gomscp/gomscp/as/internal/control"
	"github.com/gomscp/gomscp/as/internal/mailbox"
	"github.com/gomscp/gomscp/internal/daemon"
	"github.com/gomscp/gomscp/mscp"
	"github.com/gomscp/gomscp/sipua"
)

// pushGrace is how long the media server's word on a push is waited for after
// the user, or the media server itself, has ended the session.
const pushGrace = 3 * time.Second

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

// push makes one push session: it brings the recipient and the media server
// that keeps the messages together by third-party call control and has the
// media server send. It returns nil when the media server has said that all is
// delivered. See the paper, figures 3 and 5(b), and RFC 3725, section 4.1.
func (s *Server) push(ctx context.Context, p mailbox.Pair, before string) (err error) {
	session, began := sessionID(""), time.Now()
	log := s.log.With("session", session)
	defer func() {
		level := slog.LevelInfo
		if err != nil && err.Error() == before {
			level = slog.LevelDebug // it has failed in this way before
		}
		log.Log(context.Background(), level, "push session ended", "from", p.Sender, "to", p.Recipient, "ms", p.Server, "outcome", outcome(err),
			"seconds", daemon.Seconds(time.Since(began)), "err", err)
	}()
	ms := s.server(p.Server)
	if ms == nil {
		return fmt.Errorf("media server %q is not configured", p.Server)
	}
	if !ms.Up() {
		return control.ErrDown
	}
	log.Debug("push begins", "from", p.Sender, "to", p.Recipient, "ms", p.Server)
	media, err := s.inviteWithoutOffer(ctx, ms, session, log)
	if err != nil {
		return err
	}
	user, err := s.ringUser(ctx, p, media.RemoteBody(), session, log)
	if err != nil {
		if media, user, err = s.ringOtherwise(ctx, ms, p, media, err, session, log); err != nil {
			return err
		}
	}
	defer endCall(user) // it acknowledges a 200 without an answer, too
	if err := user.RemoteBodyError(); err != nil {
		refuseMedia(ctx, media)
		return &mailbox.Fault{Err: fmt.Errorf("answer: %w", err), About: mailbox.AboutUser}
	}
	defer endCall(media)
	if err := media.Ack(ctx, user.RemoteBody(), sdpType); err != nil {
		_ = user.Ack(ctx, nil, "")
		return fmt.Errorf("ACK to the media server: %w", err)
	}
	b := &bridge{s: s, log: log, ms: ms}
	media.OnOffer(func(ctx context.Context, o sipua.Offer) ([]byte, error) { return b.carry(ctx, o, user) })
	user.OnOffer(func(ctx context.Context, o sipua.Offer) ([]byte, error) { return b.carry(ctx, o, media) })
	if err := user.Ack(ctx, nil, ""); err != nil {
		return &mailbox.Fault{Err: fmt.Errorf("ACK: %w", err), About: mailbox.AboutUser}
	}
	log.Debug("push session is up", "call", user.ID().CallID, "connection", media.ID().String())
	return s.send(ctx, ms, p, user, media)
}

func (s *Server) inviteWithoutOffer(ctx context.Context, ms *control.MediaServer, session string, log *slog.Logger, header ...sipua.Header) (*sipua.Call, error) {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Store.InviteTimeout)
	defer cancel()
	media, err := s.ua.Invite(ctx, sipua.InviteRequest{
		URI: ms.URI(), From: s.self, To: ms.URI(), CallID: s.callID(), Header: append(sessionHeaders(session), header...), Logger: log.With("ms", ms.Name()),
	})
	if err != nil {
		return nil, fmt.Errorf("INVITE to the media server: %w", err)
	}
	if err := media.RemoteBodyError(); err != nil {
		endCall(media)
		return nil, fmt.Errorf("offer of the media server: %w", err)
	}
	return media, nil
}

// ringUser calls the recipient with the media server's offer, in the name of
// the messages' sender.
func (s *Server) ringUser(ctx context.Context, p mailbox.Pair, offer []byte, session string, log *slog.Logger) (*sipua.Call, error) {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Push.Ring)
	defer cancel()
	user, err := s.ua.Invite(ctx, sipua.InviteRequest{
		URI: p.Recipient, From: sipua.NameAddr(p.Name, p.Sender), To: p.Recipient, Destination: s.cfg.OutboundProxy,
		Body: offer, ContentType: sdpType, Header: sessionHeaders(session), Logger: log,
	})
	if err != nil {
		return nil, inviteFault(err)
	}
	if answer := user.RemoteBody(); len(answer) > 0 && !hasMSRP(answer) {
		_ = user.Ack(ctx, nil, "")
		endCall(user)
		return nil, inviteFault(errAnswerRefuses)
	}
	return user, nil
}

// errAnswerRefuses stands for a 200 whose answer has port 0 for MSRP: some user
// agents say that way what others say by a 488. See RFC 3264, section 6.
var errAnswerRefuses = &sipua.StatusError{Code: 488, Reason: "the answer refuses MSRP"}

// refuseMedia acknowledges the media server's leg with an answer that refuses
// its offer, and ends it.
func refuseMedia(ctx context.Context, media *sipua.Call) {
	defer endCall(media)
	if media.Acknowledged() {
		return
	}
	answer, err := refuseOffer(media.RemoteBody())
	if err != nil {
		answer = nil // an ACK without an answer still ends the 2xx retransmission
	}
	_ = media.Ack(context.WithoutCancel(ctx), answer, sdpType)
}

// send has the media server deliver, and waits for its word that the push has
// ended, or for either leg to end.
func (s *Server) send(ctx context.Context, ms *control.MediaServer, p mailbox.Pair, user, media *sipua.Call) error {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Push.MaxDuration)
	defer cancel()
	result := make(chan error, 1)
	go func() { result <- s.sendMsg(ctx, ms, p, media) }()
	select {
	case err := <-result:
		return err
	case <-user.Done():
		endCall(media) // so that the media server knows as well
	case <-media.Done():
	}
	grace := time.AfterFunc(pushGrace, cancel)
	defer grace.Stop()
	return <-result
}

func (s *Server) sendMsg(ctx context.Context, ms *control.MediaServer, p mailbox.Pair, media *sipua.Call) error {
	req := &mscp.SendMsg{FromURI: p.Sender, ToURI: p.Recipient, ConnectionID: media.ID().String()}
	resp, err := ms.Do(ctx, req)
	if err == nil {
		err = mscp.CheckAnswer(req, resp) // one that names another connection says nothing of ours
	}
	if err != nil {
		return fmt.Errorf("SendMsg: %w", err)
	}
	switch r := resp.(type) {
	case *mscp.MsgSended:
		return sameIDs(r.FromURI, r.ToURI, r.ConnectionID, p, media)
	case *mscp.MsgNotSended:
		return notSended(r)
	default:
		return fmt.Errorf("SendMsg answered with %s", mscp.Name(resp))
	}
}

// sameIDs checks that an answer of the media server's is about the pair and the leg that it
// was asked about: one with other ids says nothing of them. The URIs may be written in
// another way. See the paper, section 2.3.4.
func sameIDs(from, to, connection string, p mailbox.Pair, media *sipua.Call) error {
	if id := media.ID().String(); connection != id {
		return fmt.Errorf("the answer is about the connection %q, not %q", connection, id)
	}
	for got, want := range map[string]string{from: p.Sender, to: p.Recipient} {
		if canonical, err := sipua.CanonicalURI(got); err != nil || canonical != want {
			return fmt.Errorf("the answer is about %q, not %q", got, want)
		}
	}
	return nil
}

// byeTimeout bounds how long the end of one SIP dialog is waited for.
const byeTimeout = 5 * time.Second

// endCall ends a SIP dialog within that time, also when the context of its push is over.
func endCall(call *sipua.Call) {
	ctx, cancel := context.WithTimeout(context.Background(), byeTimeout)
	defer cancel()
	_ = call.Bye(ctx) // the peer may be gone; the dialog is over all the same
}
