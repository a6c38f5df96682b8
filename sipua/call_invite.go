package sipua

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/emiago/sipgo/sip"
)

// InviteRequest describes an outgoing call. URI, From and To are needed.
type InviteRequest struct {
	URI  string // Request-URI
	From string // URI, or name-addr, of the From header
	To   string // URI, or name-addr, of the To header
	// Destination is where the INVITE is sent, as "host:port",
	// "host:port;transport=tcp" or a SIP URI; "" means the host of URI.
	Destination string
	Body        []byte
	ContentType string
	Header      []Header
	// CallID is the Call-ID. It must never have been used; "" means a random one.
	CallID string
	// Username and Password answer a digest challenge; Username "" means the
	// user of From.
	Username, Password string
	// NoSessionTimer omits the session timer of Config.SessionExpires.
	NoSessionTimer bool
	// Logger is the call's logger; nil means the user agent's with the Call-ID.
	Logger *slog.Logger
	// OnProvisional, if set, is called for each 1xx but 100.
	OnProvisional func(code int, reason string)
}

// Invite makes a call and waits for the final response. After a 2xx, Ack must follow
// within 32 s; it may carry the answer to an offer in the 2xx (RFC 3725, flow I). Any
// other response is a *StatusError. If ctx ends first, the INVITE is cancelled; a 2xx
// that crosses the CANCEL is acknowledged and the dialog ended.
func (ua *UA) Invite(ctx context.Context, r InviteRequest) (*Call, error) {
	c, req, err := ua.calls.newInvite(r)
	if err != nil {
		return nil, err
	}
	ua.calls.remember(c)
	res, err := ua.calls.invite(ctx, c, req, r)
	if err != nil {
		ua.calls.forget(c)
		return nil, err
	}
	if !res.IsSuccess() {
		ua.calls.forget(c)
		return nil, statusError(res)
	}
	c.establish(res)
	c.mu.Lock()
	c.takeTimer(res)
	c.mu.Unlock()
	return c, nil
}

// newInvite makes the call and its INVITE.
func (t *callTable) newInvite(r InviteRequest) (*Call, *sip.Request, error) {
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
	c := t.newCall(true)
	c.acks.inviteSeq, c.log = 1, r.Logger
	if c.auth = (login{r.Username, r.Password}); c.auth.user == "" {
		c.auth.user = from.Address.User
	}
	c.said = description{r.Body, r.ContentType}
	c.timer.unasked = r.NoSessionTimer
	c.dialog = dialog{callID: cmp.Or(r.CallID, token()+"@"+t.ua.host), local: *from, remote: *to, target: uri, hop: outbound, localSeq: 1}
	c.key = dialogKey{c.dialog.callID, tagOf(from.Params)}
	if c.log == nil {
		c.log = t.ua.log.With("call", c.dialog.callID)
	}

	req := t.ua.newRequest(sip.INVITE, uri, next)
	callID := sip.CallIDHeader(c.dialog.callID)
	req.AppendHeader(from)
	req.AppendHeader(to)
	req.AppendHeader(&callID)
	req.AppendHeader(&sip.CSeqHeader{SeqNo: 1, MethodName: sip.INVITE})
	req.AppendHeader(&sip.ContactHeader{Address: t.ua.contactURI(next.transport, uri.Scheme)})
	req.AppendHeader(sip.NewHeader("Allow", t.ua.allowed))
	req.AppendHeader(sip.NewHeader("Supported", supported))
	c.askTimer(req, false)
	for _, h := range r.Header {
		req.AppendHeader(sip.NewHeader(h.Name, h.Value))
	}
	setBody(req, r.Body, r.ContentType)
	return c, req, nil
}

// invite sends the INVITE and returns the final response. It sends the INVITE again with
// credentials or a longer session timer if the response requires it.
func (t *callTable) invite(ctx context.Context, c *Call, req *sip.Request, r InviteRequest) (*sip.Response, error) {
	var tried challenges
	for {
		tx, err := t.ua.start(ctx, req)
		if err != nil {
			return nil, err
		}
		tx.OnRetransmission(func(res *sip.Response) { go t.strayResponse(res) })
		res, seen, err := t.ua.awaitFinal(ctx, req, tx, r.OnProvisional)
		if err != nil {
			if !errors.Is(err, errNoResponse) {
				t.ua.abandon(req, tx, seen, func(ctx context.Context, res *sip.Response) { c.dismiss(ctx, res) })
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

// nextInvite makes the INVITE that follows a challenge or a 422. It is nil if res is
// final.
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
		c.acks.inviteSeq = next.CSeq().SeqNo
		c.mu.Unlock()
	}
	return next, err
}

// dismiss acknowledges and ends an unwanted dialog: its 2xx crossed our CANCEL, or comes
// from another branch of a fork.
func (c *Call) dismiss(ctx context.Context, res *sip.Response) {
	if !res.IsSuccess() {
		return
	}
	c.mu.Lock()
	unwanted := c.table.newCall(true)
	unwanted.acks.inviteSeq, unwanted.dialog, unwanted.log, unwanted.auth = c.acks.inviteSeq, c.dialog, c.log, c.auth
	c.mu.Unlock()
	unwanted.key = dialogKey{c.dialog.callID, "unwanted " + token()} // not the key of the call itself
	unwanted.establish(res)
	_ = unwanted.Bye(ctx)
}

// establish completes the dialog of an INVITE with its 2xx. See RFC 3261, section 12.1.2.
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

// strayResponse handles responses that belong to no transaction. Only a 2xx to an INVITE
// needs an action. See RFC 3261, section 13.2.2.4.
func (t *callTable) strayResponse(res *sip.Response) {
	if cseq := res.CSeq(); cseq == nil || cseq.MethodName != sip.INVITE || !res.IsSuccess() {
		return
	}
	if res.From() == nil || res.To() == nil || res.CallID() == nil {
		return
	}
	c := t.call(dialogKey{res.CallID().Value(), tagOf(res.From().Params)})
	if c == nil || !c.uac {
		return
	}
	switch known := c.peerTag(); known {
	case "": // Invite is about to take it
	case tagOf(res.To().Params):
		c.repeatAck(res.CSeq().SeqNo)
	default:
		t.ua.goroutine(func() { c.dismiss(t.ua.ctx, res) })
	}
}
