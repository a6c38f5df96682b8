package sipua

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/emiago/sipgo/sip"

	"github.com/gomscp/gomscp/sipua/internal/grammar"
)

// An IncomingCall is an INVITE without a final response. Its body is the session
// description that FindBody finds. The package rejects an INVITE with a body that it does
// not understand.
type IncomingCall struct {
	From        string // canonical URI of the From header
	To          string // canonical URI of the To header
	RequestURI  string
	Body        []byte // the offer, in SDP; nil if the INVITE has none
	ContentType string
	Source      string // host:port that the INVITE came from
	Peer        Peer   // the sender, with the names in its certificate

	ua   *agent
	req  *sip.Request
	tx   sip.ServerTransaction
	call *Call
	ack  *ackWait // for our 2xx

	timer agreement // for our 2xx
	outcome
}

// An outcome is the state of an incoming INVITE.
type outcome struct {
	cancelled chan struct{}

	mu       sync.Mutex
	onCancel []func()
	answered bool          // the final response is a 2xx; written before final is closed
	final    chan struct{} // closed when a final response was sent
}

// newIncoming makes the call of an INVITE that was checked, with the offer in it.
func (t *callTable) newIncoming(req *sip.Request, tx sip.ServerTransaction, offer description) (*IncomingCall, error) {
	from, err := CanonicalURI(req.From().Address.String())
	if err != nil {
		return nil, err
	}
	to, err := CanonicalURI(req.To().Address.String())
	if err != nil {
		return nil, err
	}
	in := &IncomingCall{
		From: from, To: to, RequestURI: req.Recipient.String(), Body: offer.body,
		ContentType: offer.contentType, Source: req.Source(), Peer: t.ua.peerOf(req),
		ua: t.ua, req: req, tx: tx, outcome: outcome{cancelled: make(chan struct{}), final: make(chan struct{})},
	}
	in.call = t.newUASCall(req, offer)
	in.ack = in.call.expectAck(req.CSeq().SeqNo)
	return in, nil
}

// newUASCall prepares the dialog that our 2xx will make. See RFC 3261, section
// 12.1.1.
func (t *callTable) newUASCall(req *sip.Request, offer description) *Call {
	local, remote := *req.To(), *req.From()
	tag := token()
	c := t.newCall(false)
	c.body, c.heard = offer.body, offer
	c.log = t.ua.log.With("call", req.CallID().Value())
	c.readAllow(req)
	c.id = DialogID{CallID: req.CallID().Value(), FromTag: tagOf(remote.Params), ToTag: tag}
	c.key = dialogKey{c.id.CallID, tag}
	c.dialog = dialog{
		callID:    c.id.CallID,
		local:     sip.FromHeader{DisplayName: local.DisplayName, Address: local.Address},
		remote:    sip.ToHeader(remote),
		routes:    recordRoutes(req),
		hop:       hopOf(req),
		remoteSeq: req.CSeq().SeqNo,
	}
	c.dialog.local.Params.Add("tag", tag)
	refreshTarget(&c.dialog, req.Contact())
	return c
}

// ID names the dialog that an answer makes; it is known beforehand.
func (in *IncomingCall) ID() DialogID { return in.call.id }

// Header returns the value of the INVITE's first header of that name.
func (in *IncomingCall) Header(name string) string { return headerValue(in.req, name) }

// Cancelled is closed when the caller has cancelled before a final response. The package
// then answers the INVITE with 487.
func (in *IncomingCall) Cancelled() <-chan struct{} { return in.cancelled }

// OnCancel arranges for a call of f when Cancelled is closed, at once if it is. The
// goroutine that handles the CANCEL calls f, so f must not block.
func (in *IncomingCall) OnCancel(f func()) {
	in.mu.Lock()
	select {
	case <-in.cancelled:
		in.mu.Unlock()
		f()
	default:
		in.onCancel = append(in.onCancel, f)
		in.mu.Unlock()
	}
}

func (in *IncomingCall) cancel() {
	in.mu.Lock()
	select {
	case <-in.cancelled:
		in.mu.Unlock()
		return
	default:
	}
	close(in.cancelled)
	fs := in.onCancel
	in.onCancel = nil
	in.mu.Unlock()
	for _, f := range fs {
		f()
	}
}

// OnReinvite sets what answers the caller's re-INVITEs; see Call.OnReinvite. If it is set
// before the answer, no re-INVITE is missed.
func (in *IncomingCall) OnReinvite(f func(ctx context.Context, offer []byte) ([]byte, error)) {
	in.call.OnReinvite(f)
}

// OnOffer is OnReinvite with the details of the request; see Call.OnOffer.
func (in *IncomingCall) OnOffer(f func(ctx context.Context, o Offer) ([]byte, error)) {
	in.call.OnOffer(f)
}

// Logger is the call's logger: the user agent's with the Call-ID as "call".
func (in *IncomingCall) Logger() *slog.Logger { return in.call.log }

// SetLogger changes the call's logger. It must be called before the answer.
func (in *IncomingCall) SetLogger(log *slog.Logger) { in.call.log = log }

// response makes a response of ours to the INVITE.
func (in *IncomingCall) response(code int, reason string) *sip.Response {
	if reason == "" {
		reason = grammar.ReasonPhrase(code)
	}
	res := sip.NewResponseFromRequest(in.req, code, reason, nil)
	res.To().Params.Remove("tag")
	if code > 100 {
		res.To().Params.Add("tag", in.call.id.ToTag)
	}
	return res
}

// Provisional sends a 1xx.
func (in *IncomingCall) Provisional(code int, reason string) error {
	res := in.response(code, reason)
	res.AppendHeader(&sip.ContactHeader{Address: in.ua.contactURI(in.req.Transport(), in.req.Recipient.Scheme)})
	return in.tx.Respond(res)
}

// finish notes that the final response is being sent. It reports false if there was one
// before.
func (in *IncomingCall) finish(answered bool) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	select {
	case <-in.final:
		return false
	case <-in.cancelled:
		return false
	default:
		in.answered = answered
		close(in.final)
		return true
	}
}

// Reject sends a final response of 300 or above; reason "" means the usual
// one. After a CANCEL it does nothing but return ErrCancelled.
func (in *IncomingCall) Reject(code int, reason string, headers ...Header) error {
	if !in.finish(false) {
		return ErrCancelled
	}
	res := in.response(code, reason)
	for _, h := range headers {
		res.AppendHeader(sip.NewHeader(h.Name, h.Value))
	}
	return in.respond(res)
}

// respond sends the final response, unless a CANCEL came first.
func (in *IncomingCall) respond(res *sip.Response) error {
	err := in.tx.Respond(res)
	switch {
	case errors.Is(err, sip.ErrTransactionCanceled):
		return ErrCancelled
	case err != nil:
		return fmt.Errorf("%d: %w", res.StatusCode, err)
	}
	return nil
}

// Answer sends a 200 with the body and returns the body of the ACK. The 200 is repeated
// until the ACK comes. If no ACK comes within 64*T1, the dialog is ended with BYE. If ctx
// ends first, the dialog is ended with BYE after the ACK. See RFC 3261, sections 13.3.1.4
// and 15. If the caller ends the dialog before its ACK, there is no error, and the Call
// has ended.
func (in *IncomingCall) Answer(ctx context.Context, body []byte, contentType string) (*Call, []byte, error) {
	if !in.finish(true) {
		return nil, nil, ErrCancelled
	}
	res := in.response(200, "OK")
	res.AppendHeader(&sip.ContactHeader{Address: in.ua.contactURI(in.req.Transport(), in.req.Recipient.Scheme)})
	res.AppendHeader(sip.NewHeader("Allow", in.ua.allowed))
	setBody(res, body, contentType)
	in.call.mu.Lock()
	in.call.setTimer(in.timer, res)
	in.call.said = description{body, contentType}
	in.call.mu.Unlock()
	in.call.table.remember(in.call)
	if err := in.respond(res); err != nil {
		in.call.end(err)
		return nil, nil, err
	}
	switch err := in.call.repeat2xx(ctx, in.tx, res, in.ack); err {
	case nil:
	case ErrClosed:
		return nil, nil, err
	default:
		in.unwanted(res, err)
		return nil, nil, err
	}
	select {
	case <-in.ack.done:
		if len(in.ack.body) > 0 {
			in.call.mu.Lock()
			in.call.heard.body = in.ack.body
			in.call.mu.Unlock()
		}
		return in.call, in.ack.body, nil
	default:
		return in.call, nil, nil // ended before its ACK came
	}
}

// unwanted ends a dialog in the background when the caller of Answer does not wait for
// the ACK any more.
func (in *IncomingCall) unwanted(res *sip.Response, cause error) {
	if errors.Is(cause, ErrNoACK) {
		in.call.hangUp(cause)
		return
	}
	if !in.ua.goroutine(func() {
		_ = in.call.repeat2xx(in.ua.ctx, in.tx, res, in.ack) // [RFC3261-15] no BYE before the ACK
		_ = in.call.bye(in.ua.ctx, cause)
	}) {
		in.call.end(cause)
	}
}

// HasHeader reports whether the INVITE has a header of that name, even an empty one.
func (in *IncomingCall) HasHeader(name string) bool { return in.req.GetHeader(name) != nil }

// ListHeader returns the values of the INVITE's header of that name; see the
// function ListHeader.
func (in *IncomingCall) ListHeader(name string) []string { return ListHeader(in.req, name) }
