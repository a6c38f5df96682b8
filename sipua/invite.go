package sipua

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/emiago/sipgo/sip"
)

// InviteRequest describes a call to be made. URI, From and To are needed.
type InviteRequest struct {
	URI  string // Request-URI
	From string // URI, or name-addr, of the From header
	To   string // URI, or name-addr, of the To header
	// Destination is where the INVITE is sent, as "host:port",
	// "host:port;transport=tcp" or a SIP URI; "" means where URI leads to.
	Destination string
	Body        []byte
	ContentType string
	Header      []Header
	// CallID is the Call-ID, which nobody may ever have used; "" means a random one.
	CallID string
	// Username and Password answer a digest challenge; Username "" means the
	// user of From.
	Username, Password string
	// NoSessionTimer leaves out what Config.SessionExpires asks for.
	NoSessionTimer bool
	// Logger logs what becomes of the call; nil means one with its Call-ID.
	Logger *slog.Logger
	// OnProvisional, if set, is called for each 1xx but 100.
	OnProvisional func(code int, reason string)
}

// Invite calls somebody and waits for the final response. A 2xx gives a Call
// that is not acknowledged yet: Ack must follow, within 32 s, and may carry the
// answer to an offer in the 2xx (RFC 3725, flow I). Any other response is a
// *StatusError. When ctx ends first, the call is cancelled and a 2xx that
// crosses the CANCEL is acknowledged and ended.
func (ua *UA) Invite(ctx context.Context, r InviteRequest) (*Call, error) {
	c, req, err := ua.newCall(r)
	if err != nil {
		return nil, err
	}
	ua.remember(c)
	res, err := ua.invite(ctx, c, req, r)
	if err != nil {
		ua.forget(c)
		return nil, err
	}
	if !res.IsSuccess() {
		ua.forget(c)
		return nil, statusError(res)
	}
	c.establish(res)
	c.mu.Lock()
	c.takeTimer(res)
	c.mu.Unlock()
	return c, nil
}

// newCall makes the call and its INVITE.
func (ua *UA) newCall(r InviteRequest) (*Call, *sip.Request, error) {
	var uri sip.Uri
	if err := sip.ParseUri(r.URI, &uri); err != nil {
		return nil, nil, fmt.Errorf("sipua: Request-URI %q: %w", r.URI, err)
	}
	from, err := parseFrom(r.From)
	if err != nil {
		return nil, nil, err
	}
	to, err := parseTo(r.To)
	if err != nil {
		return nil, nil, err
	}
	next := uriTarget(&uri)
	var outbound hop
	if r.Destination != "" {
		if next, err = parseDestination(r.Destination); err != nil {
			return nil, nil, err
		}
		outbound.proxy = next
	}
	from.Params.Add("tag", token())
	c := &Call{ua: ua, uac: true, done: make(chan struct{}), inviteSeq: 1, log: r.Logger}
	if c.auth = (login{r.Username, r.Password}); c.auth.user == "" {
		c.auth.user = from.Address.User
	}
	c.said = description{r.Body, r.ContentType}
	c.timer.unasked = r.NoSessionTimer
	c.dialog = dialog{callID: cmp.Or(r.CallID, token()+"@"+ua.host), local: *from, remote: *to, target: uri, hop: outbound, localSeq: 1}
	c.key = dialogKey{c.dialog.callID, tagOf(from.Params)}
	if c.log == nil {
		c.log = ua.log.With("call", c.dialog.callID)
	}

	req := ua.newRequest(sip.INVITE, uri, next)
	callID := sip.CallIDHeader(c.dialog.callID)
	req.AppendHeader(from)
	req.AppendHeader(to)
	req.AppendHeader(&callID)
	req.AppendHeader(&sip.CSeqHeader{SeqNo: 1, MethodName: sip.INVITE})
	req.AppendHeader(&sip.ContactHeader{Address: ua.contactURI(next.transport, uri.Scheme)})
	req.AppendHeader(sip.NewHeader("Allow", ua.allow()))
	req.AppendHeader(sip.NewHeader("Supported", supported))
	c.askTimer(req, false)
	for _, h := range r.Header {
		req.AppendHeader(sip.NewHeader(h.Name, h.Value))
	}
	setBody(req, r.Body, r.ContentType)
	return c, req, nil
}

// invite sends the INVITE, again with credentials or for a longer session timer
// if need be, and returns the final response.
func (ua *UA) invite(ctx context.Context, c *Call, req *sip.Request, r InviteRequest) (*sip.Response, error) {
	var tried challenges
	for {
		tx, err := ua.start(ctx, req)
		if err != nil {
			return nil, err
		}
		tx.OnRetransmission(func(res *sip.Response) { go ua.strayResponse(res) })
		res, seen, err := ua.awaitFinal(ctx, req, tx, r.OnProvisional)
		if err != nil {
			if !errors.Is(err, errNoResponse) {
				ua.abandon(req, tx, seen, func(ctx context.Context, res *sip.Response) { ua.dismiss(ctx, c, res) })
			}
			return nil, err
		}
		next, err := c.nextInvite(req, res, &tried)
		if err != nil || next == nil {
			return res, err
		}
		req = next
	}
}

// nextInvite makes the INVITE that follows a refusal which asks for another; nil
// if res is final.
func (c *Call) nextInvite(req *sip.Request, res *sip.Response, tried *challenges) (next *sip.Request, err error) {
	switch {
	case isChallenge(res):
		next, err = c.ua.answerChallenge(req, res, c.auth, tried, c.nextSeq)
	case res.StatusCode == 422 && c.timer.tooBrief(res):
		next = req.Clone()
		c.askTimer(next, false)
		next.RemoveHeader("Via")
		next.CSeq().SeqNo = c.nextSeq()
	}
	if next != nil {
		c.mu.Lock()
		c.inviteSeq = next.CSeq().SeqNo
		c.mu.Unlock()
	}
	return next, err
}

// awaitFinal waits for an INVITE's final response. It tells as well whether any
// response has been seen.
func (ua *UA) awaitFinal(ctx context.Context, req *sip.Request, tx sip.ClientTransaction, provisional func(int, string)) (res *sip.Response, seen bool, err error) {
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

// abandon cancels an INVITE whose caller waits no more, in the background, once
// it has been seen to have arrived: a CANCEL must not go out before a
// provisional response has come. late gets the final response.
func (ua *UA) abandon(invite *sip.Request, tx sip.ClientTransaction, seen bool, late func(context.Context, *sip.Response)) {
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

// NewCancel makes the CANCEL for an INVITE that was sent: the same Request-URI, top Via, To,
// From, Call-ID, CSeq number and route, sent to the same place. See RFC 3261,
// section 9.1.
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

// dismiss acknowledges and ends a dialog that a 2xx made though nobody wants
// it: the 2xx crossed our CANCEL, or comes from another branch of a fork.
func (ua *UA) dismiss(ctx context.Context, c *Call, res *sip.Response) {
	if !res.IsSuccess() {
		return
	}
	c.mu.Lock()
	unwanted := &Call{ua: ua, uac: true, done: make(chan struct{}), inviteSeq: c.inviteSeq, dialog: c.dialog, log: c.log, auth: c.auth}
	c.mu.Unlock()
	unwanted.key = dialogKey{c.dialog.callID, "unwanted " + token()} // not the key of the call itself
	unwanted.establish(res)
	_ = unwanted.Bye(ctx)
}

// establish turns the call of an INVITE into the dialog that its 2xx makes.
// See RFC 3261, section 12.1.2.
func (c *Call) establish(res *sip.Response) {
	c.mu.Lock()
	defer c.mu.Unlock()
	d := &c.dialog
	d.remote = *res.To()
	refreshTarget(d, res.Contact())
	d.routes = recordRoutes(res)
	for i, j := 0, len(d.routes)-1; i < j; i, j = i+1, j-1 { // [RFC3261-12.1.2] in reverse order
		d.routes[i], d.routes[j] = d.routes[j], d.routes[i]
	}
	c.heard, c.unread = c.described(res, len(c.said.body) > 0)
	c.body = c.heard.body
	c.readAllow(res)
	c.id = DialogID{CallID: d.callID, FromTag: tagOf(d.local.Params), ToTag: tagOf(d.remote.Params)}
}

// strayResponse takes responses that belong to no transaction any more: of
// interest are only the 2xx to INVITEs, which are the business of the UA. See
// RFC 3261, section 13.2.2.4.
func (ua *UA) strayResponse(res *sip.Response) {
	if cseq := res.CSeq(); cseq == nil || cseq.MethodName != sip.INVITE || !res.IsSuccess() {
		return
	}
	if res.From() == nil || res.To() == nil || res.CallID() == nil {
		return
	}
	c := ua.call(dialogKey{res.CallID().Value(), tagOf(res.From().Params)})
	if c == nil || !c.uac {
		return
	}
	switch known := c.peerTag(); known {
	case "": // Invite is about to take it
	case tagOf(res.To().Params):
		c.repeatAck(res.CSeq().SeqNo)
	default:
		ua.goroutine(func() { ua.dismiss(ua.ctx, c, res) })
	}
}

func parseFrom(s string) (*sip.FromHeader, error) {
	h := &sip.FromHeader{}
	name, err := sip.ParseAddressValue(bracketed(s), &h.Address, nil)
	if err != nil {
		return nil, fmt.Errorf("sipua: From %q: %w", s, err)
	}
	h.DisplayName = name
	return h, nil
}

func parseTo(s string) (*sip.ToHeader, error) {
	h := &sip.ToHeader{}
	name, err := sip.ParseAddressValue(bracketed(s), &h.Address, nil)
	if err != nil {
		return nil, fmt.Errorf("sipua: To %q: %w", s, err)
	}
	h.DisplayName = name
	return h, nil
}

// bracketed puts a bare URI in angle brackets, so that its parameters are its
// own.
func bracketed(s string) string {
	for i := range len(s) {
		if s[i] == '<' {
			return s
		}
	}
	return "<" + s + ">"
}

// token is a random token for tags and Call-IDs, of 130 bits.
func token() string { return rand.Text() }
