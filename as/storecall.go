package as

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"github.com/gomscp/gomscp/mscp"
	"github.com/gomscp/gomscp/sipua"
)

// A storeCall is one caller's store session: two dialogs, the caller's and the
// media server's, joined back to back. One goroutine owns it from the INVITE
// to the BYE. See the paper, section 2.2 and figure 5(a).
type storeCall struct {
	s    *Server
	in   *sipua.IncomingCall
	pair Pair
	log  *slog.Logger

	media  *sipua.Call // the media server's leg, once answered
	caller *sipua.Call // the caller's leg, once answered
}

// serveCall serves one call from the outside, from INVITE to BYE.
func (s *Server) serveCall(in *sipua.IncomingCall) {
	began := time.Now()
	c := &storeCall{
		s: s, in: in,
		log:  s.log.With("call", in.ID().CallID),
		pair: Pair{Recipient: in.To, Sender: in.From, Since: began},
	}
	ctx, cancel := context.WithCancel(s.ctx)
	defer cancel()
	go func() { // a CANCEL ends whatever the set-up waits for
		select {
		case <-in.Cancelled():
			cancel()
		case <-ctx.Done():
		}
	}()
	end, err := c.setUp(ctx)
	s.metrics.setUp(err, time.Since(began))
	if err != nil {
		c.refuse(err)
		return
	}
	defer end()
	c.log.Info("store session began", "from", c.pair.Sender, "to", c.pair.Recipient, "ms", c.pair.Server)
	c.hold()
	c.log.Info("store session ended", "ms", c.pair.Server, "seconds", time.Since(began).Seconds())
}

// setUp brings both legs up on the best media server that can be had. The
// returned function gives back what the session holds.
func (c *storeCall) setUp(ctx context.Context) (end func(), err error) {
	if !hasMSRP(c.in.Body) {
		return nil, &refusal{code: 488, reason: "Not Acceptable Here", err: errors.New("no MSRP m-line in the offer")}
	}
	skip := map[*mediaServer]bool{}
	var last error = errChannelDown
	for {
		ms, release := c.s.balancer.reserve(skip)
		if ms == nil {
			return nil, c.unavailable(last)
		}
		endSession, err := c.setUpOn(ctx, ms)
		if err == nil {
			return func() { endSession(); release() }, nil
		}
		release()
		var final *refusal
		if errors.As(err, &final) || ctx.Err() != nil {
			return nil, err
		}
		c.log.Warn("media server skipped", "ms", ms.cfg.Name, "err", err)
		ms.failed(err)
		c.s.balancer.failed(ms)
		skip[ms], last = true, err
	}
}

// setUpOn tries one media server. An error that is no *refusal means that
// another server may do better.
func (c *storeCall) setUpOn(ctx context.Context, ms *mediaServer) (end func(), err error) {
	c.pair.Server = ms.cfg.Name
	if err := c.inviteMedia(ctx, ms); err != nil {
		return nil, err
	}
	// The pair is on disk before the first message can arrive: a crash from
	// here on forgets nobody.
	end, err = c.s.mailboxes.begin(c.pair, c.media.ID().String())
	if errors.Is(err, errTooManyRecipients) {
		endCall(c.media)
		return nil, c.unavailable(err)
	}
	if err != nil {
		endCall(c.media)
		return nil, &refusal{code: 500, reason: "Server Internal Error", err: err}
	}
	if err = c.restore(ctx, ms); err == nil {
		err = c.answer(ctx)
	}
	if err != nil {
		end()
		endCall(c.media)
		return nil, err
	}
	return end, nil
}

// inviteMedia copies the caller's offer into an INVITE of our own. See the
// paper, section 2.3.2.
func (c *storeCall) inviteMedia(ctx context.Context, ms *mediaServer) error {
	ictx, cancel := context.WithTimeout(ctx, c.s.cfg.Store.InviteTimeout)
	defer cancel()
	call, err := c.s.ua.Invite(ictx, sipua.InviteRequest{
		URI: ms.cfg.URI, From: c.s.self, To: ms.cfg.URI, Body: c.in.Body, ContentType: sdpType,
	})
	if err != nil {
		return mediaRefusal(err)
	}
	if err := call.Ack(ctx, nil, ""); err != nil {
		endCall(call)
		return fmt.Errorf("ACK to the media server: %w", err)
	}
	c.media = call
	return nil
}

// mediaRefusal tells what of a media server's refusal is about the caller's
// request, and so final, from what is the server's own trouble.
func mediaRefusal(err error) error {
	var status *sipua.StatusError
	if errors.As(err, &status) && (status.Code == 415 || status.Code == 488 || status.Code == 606) {
		return &refusal{code: status.Code, reason: status.Reason, err: err}
	}
	return fmt.Errorf("INVITE to the media server: %w", err)
}

// restore tells the media server whose messages will arrive on the connection.
// A media server may answer only when it has stored something, so an answer
// that does not come is no failure.
func (c *storeCall) restore(ctx context.Context, ms *mediaServer) error {
	rctx, cancel := context.WithTimeout(ctx, c.s.cfg.Store.RestoreWait)
	defer cancel()
	resp, err := ms.do(rctx, &mscp.RestoreMsg{
		FromURI: c.pair.Sender, ToURI: c.pair.Recipient, ConnectionID: c.media.ID().String(),
	})
	switch {
	case err == nil:
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, context.DeadlineExceeded):
		c.log.Info("no MsgRestored yet; going on", "ms", ms.cfg.Name)
		return nil
	default:
		return fmt.Errorf("RestoreMsg: %w", err)
	}
	switch r := resp.(type) {
	case *mscp.MsgRestored:
		return nil
	case *mscp.MsgNotRestored:
		return &refusal{code: 480, reason: "Temporarily Unavailable", err: fmt.Errorf("MsgNotRestored: %s", r.Reason)}
	default:
		return fmt.Errorf("RestoreMsg answered with %s", mscp.Name(resp))
	}
}

// answer gives the caller the media server's answer. No message can arrive
// before it, since the caller does not know where to send to.
func (c *storeCall) answer(ctx context.Context) error {
	caller, _, err := c.in.Answer(ctx, c.media.RemoteBody(), sdpType)
	if err != nil {
		return &refusal{code: 500, reason: "Server Internal Error", err: fmt.Errorf("answer to the caller: %w", err)}
	}
	c.caller = caller
	return nil
}

// hold waits for the end of the session. The server never ends one by itself,
// except when it closes; when one leg ends, so does the other. See the paper,
// section 2.2.
func (c *storeCall) hold() {
	select {
	case <-c.caller.Done():
	case <-c.media.Done():
	case <-c.s.ctx.Done():
	}
	endCall(c.media)
	endCall(c.caller)
}

// A refusal is the SIP response that ends the set-up of a call.
type refusal struct {
	code   int
	reason string
	header []sipua.Header
	err    error // the cause, for the log
}

func (r *refusal) Error() string { return fmt.Sprintf("%d %s: %v", r.code, r.reason, r.err) }
func (r *refusal) Unwrap() error { return r.err }

func (c *storeCall) unavailable(cause error) error {
	seconds := max(1, int(c.s.cfg.Store.RetryAfter/time.Second))
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
		c.log.Info("caller cancelled")
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
