package as

import (
	"context"
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

// A pushService makes the pushes of the mailboxes; it is their mailbox.Pusher.
type pushService struct {
	*legs
	cfg     PushConfig
	proxy   string // through which users are called
	servers *control.List
	metrics *metrics
	log     *slog.Logger
}

// MediaServer implements [mailbox.Pusher].
func (s *pushService) MediaServer(name string) mailbox.MediaServer {
	ms := s.servers.Get(name)
	if ms == nil {
		return mailbox.MediaServer{}
	}
	since := ms.UpSince()
	return mailbox.MediaServer{Configured: true, Up: !since.IsZero(), Since: since, Tells: ms.Tells()}
}

// Push implements [mailbox.Pusher]: it makes one push session.
func (s *pushService) Push(ctx context.Context, p mailbox.Pair, before string) error {
	began := time.Now()
	c := &pushCall{bridge: bridge{legs: s.legs}, service: s, pair: p, session: sessionID("")}
	c.log = s.log.With("session", c.session)
	err := c.run(ctx)
	s.metrics.pushed(err, time.Since(began))
	level := slog.LevelInfo
	if err != nil && err.Error() == before {
		level = slog.LevelDebug // it has failed in this way before
	}
	c.log.Log(context.Background(), level, "push session ended", "from", p.Sender, "to", p.Recipient, "ms", p.Server, "outcome", outcome(err),
		"seconds", daemon.Seconds(time.Since(began)), "err", err)
	return err
}

// A pushCall is one push session: it brings the recipient and the media server that keeps
// the messages together by third-party call control and has the media server send. See the
// paper, figures 3 and 5(b), and RFC 3725, section 4.1.
type pushCall struct {
	bridge
	service *pushService
	pair    mailbox.Pair
	session string // names the call in the logs of both servers; see sessionID

	media, user *sipua.Call // the legs
}

// run makes the session. It returns nil when the media server has said that all is
// delivered.
func (c *pushCall) run(ctx context.Context) error {
	if c.ms = c.service.servers.Get(c.pair.Server); c.ms == nil {
		return fmt.Errorf("media server %q is not configured", c.pair.Server)
	}
	if !c.ms.Up() {
		return control.ErrDown
	}
	c.log.Debug("push begins", "from", c.pair.Sender, "to", c.pair.Recipient, "ms", c.pair.Server)
	if err := c.setUp(ctx); err != nil {
		return err
	}
	defer c.user.End(byeTimeout) // it acknowledges a 200 without an answer, too
	if err := c.user.RemoteBodyError(); err != nil {
		refuseMedia(ctx, c.media)
		return &mailbox.Fault{Err: fmt.Errorf("answer: %w", err), About: mailbox.AboutUser}
	}
	defer c.media.End(byeTimeout)
	if err := c.media.Ack(ctx, c.user.RemoteBody(), sdpType); err != nil {
		_ = c.user.Ack(ctx, nil, "")
		return fmt.Errorf("ACK to the media server: %w", err)
	}
	c.media.OnOffer(func(ctx context.Context, o sipua.Offer) ([]byte, error) { return c.carry(ctx, o, c.user) })
	c.user.OnOffer(func(ctx context.Context, o sipua.Offer) ([]byte, error) { return c.carry(ctx, o, c.media) })
	if err := c.user.Ack(ctx, nil, ""); err != nil {
		return &mailbox.Fault{Err: fmt.Errorf("ACK: %w", err), About: mailbox.AboutUser}
	}
	c.log.Debug("push session is up", "call", c.user.ID().CallID, "connection", c.media.ID().String())
	return c.send(ctx)
}

// setUp brings both legs up, with the transport that the media server offers first, or the
// other one.
func (c *pushCall) setUp(ctx context.Context) (err error) {
	if c.media, err = c.askOffer(ctx); err != nil {
		return err
	}
	if c.user, err = c.ringUser(ctx, c.media.RemoteBody()); err != nil {
		return c.ringOtherwise(ctx, err)
	}
	return nil
}

// askOffer calls the media server without an offer.
func (c *pushCall) askOffer(ctx context.Context, header ...sipua.Header) (*sipua.Call, error) {
	media, err := c.inviteMedia(ctx, c.ms, nil, c.session, c.log, header...)
	if err != nil {
		return nil, fmt.Errorf("INVITE to the media server: %w", err)
	}
	if err := media.RemoteBodyError(); err != nil {
		media.End(byeTimeout)
		return nil, fmt.Errorf("offer of the media server: %w", err)
	}
	return media, nil
}

// ringOtherwise calls the recipient once more after it has refused the media server's
// offer, with one over the other transport, if the media server makes one; else it
// returns what the first call has.
func (c *pushCall) ringOtherwise(ctx context.Context, refused error) error {
	other := otherTransport(c.media.RemoteBody(), refused)
	refuseMedia(ctx, c.media)
	if other == "" {
		return refused
	}
	second, err := c.askOffer(ctx, sipua.Header{Name: mscp.HeaderTransport, Value: other})
	if err != nil {
		return err
	}
	if transportBut(second.RemoteBody()) == other { // it has none over that
		refuseMedia(ctx, second)
		return refused
	}
	c.log.Debug("offer refused; the other transport is tried", "transport", other, "err", refused)
	if c.user, err = c.ringUser(ctx, second.RemoteBody()); err != nil {
		refuseMedia(ctx, second)
		return err
	}
	c.media = second
	return nil
}

// ringUser calls the recipient with the media server's offer, in the name of
// the messages' sender.
func (c *pushCall) ringUser(ctx context.Context, offer []byte) (*sipua.Call, error) {
	ctx, cancel := context.WithTimeout(ctx, c.service.cfg.Ring)
	defer cancel()
	user, err := c.ua.Invite(ctx, sipua.InviteRequest{
		URI: c.pair.Recipient, From: sipua.NameAddr(c.pair.Name, c.pair.Sender), To: c.pair.Recipient, Destination: c.service.proxy,
		Body: offer, ContentType: sdpType, Header: sessionHeaders(c.session), Logger: c.log,
	})
	if err != nil {
		return nil, inviteFault(err)
	}
	if answer := user.RemoteBody(); len(answer) > 0 && !hasMSRP(answer) {
		_ = user.Ack(ctx, nil, "")
		user.End(byeTimeout)
		return nil, inviteFault(errAnswerRefuses)
	}
	return user, nil
}

// errAnswerRefuses stands for a 200 whose answer has port 0 for MSRP: some user
// agents say that way what others say by a 488. See RFC 3264, section 6.
var errAnswerRefuses = &sipua.StatusError{Code: 488, Reason: "the answer refuses MSRP"}

// send has the media server deliver, and waits for its word that the push has
// ended, or for either leg to end.
func (c *pushCall) send(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, c.service.cfg.MaxDuration)
	defer cancel()
	result := make(chan error, 1)
	go func() { result <- c.sendMsg(ctx) }()
	select {
	case err := <-result:
		return err
	case <-c.user.Done():
		c.media.End(byeTimeout) // so that the media server knows as well
	case <-c.media.Done():
	}
	grace := time.AfterFunc(pushGrace, cancel)
	defer grace.Stop()
	return <-result
}

func (c *pushCall) sendMsg(ctx context.Context) error {
	req := &mscp.SendMsg{FromURI: c.pair.Sender, ToURI: c.pair.Recipient, ConnectionID: c.media.ID().String()}
	resp, err := c.ms.Do(ctx, req)
	if err == nil {
		err = mscp.CheckAnswer(req, resp) // one that names another connection says nothing of ours
	}
	if err != nil {
		return fmt.Errorf("SendMsg: %w", err)
	}
	switch r := resp.(type) {
	case *mscp.MsgSended:
		return sameIDs(r.FromURI, r.ToURI, r.ConnectionID, c.pair, c.media)
	case *mscp.MsgNotSended:
		return notSended(r)
	default:
		return fmt.Errorf("SendMsg answered with %s", mscp.Name(resp))
	}
}
