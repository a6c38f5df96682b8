package sipua

import (
	"context"
	"fmt"
	"time"

	"github.com/emiago/sipgo/sip"
)

// awaitFinal waits for the final response to an INVITE. seen reports whether any response
// has come.
func (ua *agent) awaitFinal(ctx context.Context, req *sip.Request, tx sip.ClientTransaction, provisional func(int, string)) (res *sip.Response, seen bool, err error) {
	conn, sent := streamOf(tx), time.Now()
	for {
		select {
		case res := <-tx.Responses():
			if !res.IsProvisional() {
				return res, true, nil
			}
			seen = true
			if provisional != nil && res.StatusCode != 100 {
				provisional(int(res.StatusCode), res.Reason)
			}
		case <-conn.broken():
			tx.Terminate()
			return nil, seen, fmt.Errorf("INVITE: %w: %w", errNoResponse, conn.brokenBy)
		case <-tx.Done():
			return nil, seen, noAnswer(req, sent, seen, transactionError(tx))
		case <-ctx.Done():
			return nil, seen, noAnswer(req, sent, seen, ctx.Err())
		case <-ua.ctx.Done():
			return nil, seen, ErrClosed
		}
	}
}

// abandon cancels an INVITE in the background when its caller does not wait any more. The
// CANCEL is sent only after a provisional response. late gets the final response.
func (ua *agent) abandon(invite *sip.Request, tx sip.ClientTransaction, seen bool, late func(context.Context, *sip.Response)) {
	ua.goroutine(func() {
		defer tx.Terminate()
		ctx, cancel := context.WithTimeout(ua.ctx, t64)
		defer cancel()
		sent := false
		for {
			if seen && !sent { // [RFC3261-9.1]
				sent = true
				ua.goroutine(func() { _, _ = ua.once(ctx, NewCancel(invite)) })
			}
			select {
			case res := <-tx.Responses():
				if !res.IsProvisional() {
					late(ctx, res)
					return
				}
				seen = true
			case <-tx.Done():
				return
			case <-ctx.Done():
				return
			}
		}
	})
}

// NewCancel makes the CANCEL for an INVITE that was sent. It has the same Request-URI,
// top Via, To, From, Call-ID, CSeq number, route and destination. See RFC 3261, section
// 9.1.
func NewCancel(invite *sip.Request) *sip.Request {
	c := sip.NewRequest(sip.CANCEL, *invite.Recipient.Clone())
	c.SetTransport(invite.Transport())
	c.SetDestination(invite.Destination())
	c.AppendHeader(invite.Via().Clone())
	for _, h := range invite.GetHeaders("Route") {
		c.AppendHeader(sip.NewHeader("Route", h.Value()))
	}
	maxForwards := sip.MaxForwardsHeader(70)
	c.AppendHeader(&maxForwards)
	from, to, callID := *invite.From(), *invite.To(), *invite.CallID()
	c.AppendHeader(&from)
	c.AppendHeader(&to)
	c.AppendHeader(&callID)
	c.AppendHeader(&sip.CSeqHeader{SeqNo: invite.CSeq().SeqNo, MethodName: sip.CANCEL})
	c.SetBody(nil)
	return c
}
