package as

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gomscp/gomscp/as/internal/access"
	"github.com/gomscp/gomscp/as/internal/balance"
	"github.com/gomscp/gomscp/as/internal/control"
	"github.com/gomscp/gomscp/as/internal/mailbox"
	"github.com/gomscp/gomscp/internal/daemon"
	"github.com/gomscp/gomscp/mscp"
	"github.com/gomscp/gomscp/sipua"
)

// A storeCall is one caller's store session: two dialogs, the caller's and the
// media server's, joined back to back. One goroutine owns it from the INVITE
// to the BYE. See the paper, section 2.2 and figure 5(a).
type storeCall struct {
	bridge
	service *storeService
	in      *sipua.IncomingCall
	session string // names the call in the logs of both servers; see sessionID
	pair    mailbox.Pair
	also    string // the caller's other URIs; see access.Caller

	media  *sipua.Call                // the media server's leg, once answered
	caller atomic.Pointer[sipua.Call] // the caller's leg, once answered
}

// A storeService serves the calls that leave messages.
type storeService struct {
	*legs
	cfg       StoreConfig
	balancer  *balance.Balancer
	mailboxes *mailbox.Mailboxes
	metrics   *metrics
	log       *slog.Logger
}

// serve serves one call from the outside, from INVITE to BYE, that leaves messages of the
// caller for the recipient.
func (s *storeService) serve(in *sipua.IncomingCall, caller access.Caller, recipient string) {
	began := time.Now()
	session := sessionID(in.Header(sessionHeader))
	c := &storeCall{
		bridge:  bridge{legs: s.legs, log: s.log.With("session", session, "call", in.ID().CallID)},
		service: s, in: in, session: session, also: caller.Also,
		pair: mailbox.Pair{Recipient: recipient, Sender: caller.Sender, Name: caller.Name, Since: began},
	}
	in.SetLogger(c.log)
	in.OnOffer(c.fromCaller)
	ctx, cancel := context.WithCancel(s.ctx)
	defer cancel()
	in.OnCancel(cancel) // it ends whatever the set-up waits for
	end, err := c.setUp(ctx)
	s.metrics.setUp(err, time.Since(began))
	if err != nil {
		c.refuse(err)
		return
	}
	defer end()
	c.log.Debug("store session began", "from", c.pair.Sender, "to", c.pair.Recipient, "ms", c.pair.Server, "connection", c.media.ID().String())
	ended := c.hold()
	c.log.Info("store session ended", "from", c.pair.Sender, "to", c.pair.Recipient, "ms", c.pair.Server,
		"by", ended, "seconds", daemon.Seconds(time.Since(began)))
}

// setUp brings both legs up on the best media server that can be had. The
// returned function gives back what the session holds.
func (c *storeCall) setUp(ctx context.Context) (end func(), err error) {
	if len(c.in.Body) > 0 && !hasMSRP(c.in.Body) {
		err := errors.New("no m=message over TCP/MSRP or TCP/TLS/MSRP with a port in the offer")
		warning := sipua.WarningHeader(sipua.WarnMediaType, c.ua.Addr(), err.Error())
		return nil, &refusal{code: 488, reason: "Not Acceptable Here", err: err, header: []sipua.Header{warning}}
	}
	skip := map[balance.Server]bool{}
	var last error = control.ErrDown
	for {
		chosen, release := c.service.balancer.Reserve(skip)
		if chosen == nil {
			return nil, c.unavailable(last)
		}
		ms := chosen.(*control.MediaServer)
		endSession, err := c.setUpOn(ctx, ms)
		if err == nil {
			return func() { endSession(); release() }, nil
		}
		release()
		var final *refusal
		if errors.As(err, &final) || ctx.Err() != nil {
			return nil, err
		}
		c.log.Warn("media server skipped", "ms", ms.Name(), "err", err)
		ms.Failed(err)
		c.service.balancer.Failed(ms)
		skip[ms], last = true, err
	}
}

// setUpOn tries one media server. An error that is no *refusal means that
// another server may do better.
func (c *storeCall) setUpOn(ctx context.Context, ms *control.MediaServer) (end func(), err error) {
	c.pair.Server = ms.Name()
	if err := c.inviteMedia(ctx, ms); err != nil {
		return nil, err
	}
	// The pair is on disk before the first message can arrive: a crash from
	// here on forgets nobody.
	end, err = c.service.mailboxes.Begin(c.pair, c.media.ID().String())
	if errors.Is(err, mailbox.ErrTooMany) {
		c.dropMedia(ctx)
		return nil, c.unavailable(err)
	}
	if err != nil {
		c.dropMedia(ctx)
		return nil, &refusal{code: 500, reason: "Server Internal Error", err: err}
	}
	if err = c.restore(ctx, ms); err != nil {
		c.service.mailboxes.Cancel(c.pair, c.media.ID().String())
		c.dropMedia(ctx)
		return nil, err
	}
	if err = c.answer(ctx); err != nil {
		end()
		c.dropMedia(ctx)
		return nil, err
	}
	return end, nil
}

// fromCaller takes a change of the session that the caller offers.
func (c *storeCall) fromCaller(ctx context.Context, o sipua.Offer) ([]byte, error) {
	return c.carry(ctx, o, c.media)
}

// fromMedia takes one that the media server offers.
func (c *storeCall) fromMedia(ctx context.Context, o sipua.Offer) ([]byte, error) {
	caller := c.caller.Load()
	if caller == nil {
		return nil, errPending // the caller's ACK is still to come
	}
	return c.carry(ctx, o, caller)
}

// inviteMedia copies the caller's offer into an INVITE of our own. See the
// paper, section 2.3.2.
func (c *storeCall) inviteMedia(ctx context.Context, ms *control.MediaServer) error {
	call, err := c.legs.inviteMedia(ctx, ms, c.in.Body, c.session, c.log)
	if err != nil {
		return c.mediaRefusal(ms, err)
	}
	c.media, c.ms = call, ms
	if err := call.RemoteBodyError(); err != nil {
		call.End(byeTimeout)
		return fmt.Errorf("answer of the media server: %w", err)
	}
	if c.offerless() {
		return nil // acknowledged with the caller's answer
	}
	if err := call.Ack(ctx, nil, ""); err != nil {
		call.End(byeTimeout)
		return fmt.Errorf("ACK to the media server: %w", err)
	}
	call.OnOffer(c.fromMedia)
	return nil
}

// offerless tells whether the caller has left the offer to us, which means to the
// media server. See RFC 3261, section 13.2.1.
func (c *storeCall) offerless() bool { return len(c.in.Body) == 0 }

// dropMedia ends the media server's leg of a set-up that has failed.
func (c *storeCall) dropMedia(ctx context.Context) {
	if c.offerless() {
		refuseMedia(ctx, c.media) // does no harm if it is acknowledged
		return
	}
	c.media.End(byeTimeout)
}

// mediaRefusal tells what of a media server's refusal is about the caller's
// request, and so final, from what is the server's own trouble.
func (c *storeCall) mediaRefusal(ms *control.MediaServer, err error) error {
	var status *sipua.StatusError
	if errors.As(err, &status) && (status.Code == 415 || status.Code == 488 || status.Code == 606) {
		headers, texts := c.ownWarnings(status, ms.URI()) // the caller can do something about it
		if len(texts) > 0 {
			err = fmt.Errorf("%w (%s)", err, strings.Join(texts, "; "))
		}
		return &refusal{code: status.Code, reason: status.Reason, err: err, header: headers}
	}
	return fmt.Errorf("INVITE to the media server: %w", err)
}

// restore tells the media server whose messages will arrive on the connection.
// A media server may answer only when it has stored something, so an answer
// that does not come is no failure.
func (c *storeCall) restore(ctx context.Context, ms *control.MediaServer) error {
	rctx, cancel := context.WithTimeout(ctx, c.service.cfg.RestoreWait)
	defer cancel()
	req := &mscp.RestoreMsg{
		FromURI: c.pair.Sender, ToURI: c.pair.Recipient, ConnectionID: c.media.ID().String(), FromName: c.pair.Name,
		FromAlso: c.also,
	}
	resp, err := ms.Do(rctx, req)
	if err == nil {
		err = mscp.CheckAnswer(req, resp) // one that names another connection says nothing of ours
	}
	switch {
	case err == nil:
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, context.DeadlineExceeded):
		c.log.Debug("no MsgRestored yet; going on", "ms", ms.Name())
		return nil
	default:
		return fmt.Errorf("RestoreMsg: %w", err)
	}
	switch r := resp.(type) {
	case *mscp.MsgRestored:
		return sameIDs(r.FromURI, r.ToURI, r.ConnectionID, c.pair, c.media)
	case *mscp.MsgNotRestored:
		return &refusal{code: 480, reason: "Temporarily Unavailable", err: fmt.Errorf("MsgNotRestored: %s", r.Reason)}
	default:
		return fmt.Errorf("RestoreMsg answered with %s", mscp.Name(resp))
	}
}

// answer gives the caller the media server's answer, or its offer, whose answer
// comes with the caller's ACK. No message can arrive before it, since the caller
// does not know where to send to.
func (c *storeCall) answer(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	c.media.AfterEnd(cancel) // without it there is nothing to wait for an ACK for
	caller, answer, err := c.in.Answer(ctx, c.media.RemoteBody(), sdpType)
	if err != nil {
		return &refusal{code: 500, reason: "Server Internal Error", err: fmt.Errorf("answer to the caller: %w", err)}
	}
	if c.offerless() && len(answer) > 0 {
		if err := c.media.Ack(ctx, answer, sdpType); err != nil {
			caller.End(byeTimeout)
			return &refusal{code: 500, reason: "Server Internal Error", err: fmt.Errorf("ACK to the media server: %w", err)}
		}
		c.media.OnOffer(c.fromMedia)
	}
	c.caller.Store(caller)
	return nil
}

// hold waits for the end of the session. The server never ends one by itself,
// except when it closes, and one that nobody ends for too long; when one leg ends,
// so does the other. It returns who has ended the session. See the paper, section
// 2.2.
func (c *storeCall) hold() (by string) {
	caller := c.caller.Load()
	defer c.endBoth(caller)
	if c.offerless() && !c.media.Acknowledged() {
		return "server: the caller's ACK has no answer to the offer"
	}
	overdue := time.NewTimer(c.service.cfg.MaxDuration)
	defer overdue.Stop()
	select {
	case <-caller.Done():
		return "caller"
	case <-c.media.Done():
		return "media server"
	case <-c.ctx.Done():
		return "server: it closes"
	case <-overdue.C:
		return "server: store.max_duration is over"
	}
}

// endBoth ends what is left of the two legs, at the same time: either peer may be
// gone.
func (c *storeCall) endBoth(caller *sipua.Call) {
	var other sync.WaitGroup
	if !caller.Ended() {
		other.Go(func() { caller.End(byeTimeout) })
	}
	c.dropMedia(context.Background())
	other.Wait()
}

func (c *storeCall) unavailable(cause error) error {
	seconds := max(1, int(c.service.cfg.RetryAfter/time.Second))
	return &refusal{
		code: 503, reason: "Service Unavailable", err: cause,
		header: []sipua.Header{{Name: "Retry-After", Value: strconv.Itoa(seconds)}},
	}
}

// refuse sends the final response of a call that was not set up, unless its
// caller has cancelled it.
func (c *storeCall) refuse(err error) {
	select {
	case <-c.in.Cancelled():
		c.log.Info("call cancelled by the caller", "from", c.pair.Sender, "to", c.pair.Recipient)
		return
	default:
	}
	r := &refusal{code: 500, reason: "Server Internal Error", err: err}
	errors.As(err, &r)
	c.log.Info("call refused", "from", c.pair.Sender, "to", c.pair.Recipient, "code", r.code, "err", r.err)
	if err := c.in.Reject(r.code, r.reason, r.header...); err != nil {
		c.log.Debug("refusal not sent", "err", err)
	}
}
