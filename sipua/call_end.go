package sipua

import (
	"context"
	"fmt"
	"time"

	"github.com/emiago/sipgo/sip"
)

// Bye ends the dialog, with further headers such as Reason. It does nothing if the other
// side has ended the dialog. The dialog has ended even if Bye returns an error.
func (c *Call) Bye(ctx context.Context, headers ...Header) error {
	return c.bye(ctx, nil, headers...)
}

// bye ends the dialog because of cause.
func (c *Call) bye(ctx context.Context, cause error, headers ...Header) error {
	c.mu.Lock()
	if c.byeSent || c.Ended() {
		c.mu.Unlock()
		return nil
	}
	c.byeSent = true
	mustAck := c.uac && !c.acks.acked
	c.mu.Unlock()
	if mustAck { // a 2xx must be acknowledged even if it is not wanted [RFC3261-13.2.2.4]
		if err := c.Ack(ctx, nil, ""); err != nil {
			c.end(err)
			return err
		}
	}
	c.mu.Lock()
	bye := c.dialog.request(c.ua, sip.BYE)
	c.mu.Unlock()
	for _, h := range headers {
		bye.AppendHeader(sip.NewHeader(h.Name, h.Value))
	}
	defer c.end(cause)
	ctx, cancel := context.WithTimeout(ctx, byeWait)
	defer cancel()
	res, err := c.ua.do(ctx, bye, c.auth, c.nextSeq)
	if err != nil {
		return fmt.Errorf("BYE: %w", err)
	}
	if !res.IsSuccess() && res.StatusCode != 481 && res.StatusCode != 408 { // [RFC3261-15.1.1]
		return fmt.Errorf("BYE: %w", statusError(res))
	}
	return nil
}

// hangUp ends the dialog in the background.
func (c *Call) hangUp(cause error, headers ...Header) {
	if !c.ua.goroutine(func() { _ = c.bye(c.ua.ctx, cause, headers...) }) {
		c.end(cause)
	}
}

// End is Bye for when nothing else can be done with the dialog: the peer may be gone, and
// the contexts of the call over. It waits for at most limit.
func (c *Call) End(limit time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	_ = c.Bye(ctx) // the dialog is over all the same
}
