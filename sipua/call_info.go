package sipua

import (
	"cmp"
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/gomscp/gomscp/internal/wait"
)

// OnInfo sets what handles the peer's INFOs, one at a time and in the order of their
// CSeq. If f returns nil, the answer is 200; for a *StatusError it is that code, and for
// any other error 400. Without f, an INFO with a body gets 415 unless the body is
// optional, an INFO with an info package 469, and an empty INFO 200.
func (c *Call) OnInfo(f func(ctx context.Context, i Info) error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.infos.handler = f
}

// OnInfo is Call.OnInfo. If it is set before the answer, no INFO is missed.
func (in *IncomingCall) OnInfo(f func(ctx context.Context, i Info) error) { in.call.OnInfo(f) }

// Info sends an INFO within the call and returns when the peer has answered with 2xx.
// Only one INFO is sent at a time, because the order of two would not be known. An INFO
// that was refused as out of order is sent again. A refusal is a *StatusError. The call
// ends if the peer does not know the dialog (481, 408) or does not answer.
func (c *Call) Info(ctx context.Context, contentType string, body []byte) error {
	select {
	case c.infos.ours <- struct{}{}:
		defer func() { <-c.infos.ours }()
	case <-c.done:
		return ErrEnded
	case <-ctx.Done():
		return ctx.Err()
	}
	for try := 1; ; try++ {
		res, err := c.sendInfo(ctx, contentType, body)
		switch {
		case errors.Is(err, errNoResponse): // [RFC3261-12.2.1.2]
			c.hangUp(err)
			return err
		case err != nil:
			return err
		case res.IsSuccess():
			return nil
		case res.StatusCode == 481 || res.StatusCode == 408: // [RFC3261-12.2.1.2]
			c.hangUp(statusError(res))
			return statusError(res)
		}
		n, err := strconv.Atoi(headerValue(res, "Retry-After"))
		if res.StatusCode != 500 || err != nil || n < 0 || n > 10 || try == modifyTries {
			return statusError(res)
		}
		if !wait.ForEither(time.Duration(n)*time.Second, c.done, ctx.Done()) {
			return cmp.Or(ctx.Err(), ErrEnded)
		}
	}
}

func (c *Call) sendInfo(ctx context.Context, contentType string, body []byte) (*sip.Response, error) {
	if c.Ended() {
		return nil, ErrEnded
	}
	c.mu.Lock()
	if c.uac && !c.acks.acked {
		c.mu.Unlock()
		return nil, errors.New("sipua: the 2xx is not acknowledged yet")
	}
	req := c.dialog.request(c.ua, sip.INFO)
	c.mu.Unlock()
	setBody(req, body, contentType)
	return c.ua.do(ctx, req, c.auth, c.nextSeq)
}

// onInfo takes an INFO within a dialog.
func (t *callTable) onInfo(req *sip.Request, tx sip.ServerTransaction) {
	c := t.dialogOf(req)
	if c == nil || c.peerTag() == "" {
		t.ua.respond(req, tx, 481, "") // [RFC6086-4.2.2]
		return
	}
	c.infos.order.Lock()
	defer c.infos.order.Unlock()
	c.mu.Lock()
	inOrder, f := c.inOrder(req), c.infos.handler
	c.mu.Unlock()
	if !inOrder { // [RFC3261-12.2.2]
		t.ua.respond(req, tx, 500, "", retryLater()...)
		return
	}
	i := Info{
		Body: req.Body(), ContentType: headerValue(req, "Content-Type"),
		Package: headerValue(req, "Info-Package"), req: req,
	}
	code, headers := c.takeInfo(f, i)
	t.ua.respond(req, tx, code, "", headers...)
}

// takeInfo makes the response to an INFO.
func (c *Call) takeInfo(f func(context.Context, Info) error, i Info) (code int, headers []Header) {
	var err error
	switch {
	case f != nil:
		err = f(c.ua.ctx, i)
	case i.Package != "":
		return 469, nil // [RFC6086-4.2.2]
	default:
		_, err = i.Find()
	}
	if err == nil {
		return 200, nil
	}
	c.log.Info("INFO refused", "err", err)
	var status *StatusError
	if errors.As(err, &status) && status.Code >= 300 && status.Code < 700 {
		return status.Code, status.Headers
	}
	return 400, nil
}
