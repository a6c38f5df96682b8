package sipua

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/emiago/sipgo/sip"
)

// DialogID names an INVITE dialog from the point of view of whoever created
// it: both ends have the same.
type DialogID struct{ CallID, FromTag, ToTag string }

// String is the connection-id of MSCP: "Call-ID;from-tag;to-tag". See
// draft-mcglashan-mscp-02, section 2.3.1.
func (id DialogID) String() string { return id.CallID + ";" + id.FromTag + ";" + id.ToTag }

// A dialog is the state that requests within a dialog need. See RFC 3261,
// section 12. Its owner locks it.
type dialog struct {
	callID    string
	local     sip.FromHeader // with our tag
	remote    sip.ToHeader   // with the peer's tag, once known
	target    sip.Uri        // the peer's Contact
	routes    []string       // the route set, first hop first
	localSeq  uint32
	remoteSeq uint32
}

func tagOf(p sip.HeaderParams) string { v, _ := p.Get("tag"); return v }

// request makes the next request within the dialog.
func (d *dialog) request(ua *UA, method sip.RequestMethod) *sip.Request {
	d.localSeq++
	return d.build(ua, method, d.localSeq)
}

// build makes a request within the dialog. Loose routing is assumed: a strict
// router's URI would have to be the Request-URI. See RFC 3261, 12.2.1.1.
func (d *dialog) build(ua *UA, method sip.RequestMethod, seq uint32) *sip.Request {
	next := uriTarget(&d.target)
	if len(d.routes) > 0 {
		if t, err := parseRoute(d.routes[0]); err == nil {
			next = t
		}
	}
	req := ua.newRequest(method, *d.target.Clone(), next)
	for _, r := range d.routes {
		req.AppendHeader(sip.NewHeader("Route", r))
	}
	from, to := d.local, d.remote
	callID := sip.CallIDHeader(d.callID)
	req.AppendHeader(&from)
	req.AppendHeader(&to)
	req.AppendHeader(&callID)
	req.AppendHeader(&sip.CSeqHeader{SeqNo: seq, MethodName: method})
	contact := &sip.ContactHeader{Address: ua.contactURI(next.transport, d.target.Scheme)}
	if method != sip.BYE {
		req.AppendHeader(contact)
	}
	req.SetBody(nil)
	return req
}

// parseRoute is where a Route header's value leads to.
func parseRoute(value string) (target, error) {
	var uri sip.Uri
	if _, err := sip.ParseAddressValue(value, &uri, nil); err != nil {
		return target{}, err
	}
	return uriTarget(&uri), nil
}

// recordRoutes are the values of the Record-Route headers, in their order.
func recordRoutes(m interface{ GetHeaders(string) []sip.Header }) []string {
	var routes []string
	for _, h := range m.GetHeaders("Record-Route") {
		routes = append(routes, h.Value())
	}
	return routes
}

// A Call is an INVITE dialog, in either role.
type Call struct {
	ua  *UA
	id  DialogID
	key dialogKey
	uac bool

	mu         sync.Mutex
	dialog     dialog
	body       []byte              // the peer's body, of its INVITE or 2xx
	inviteSeq  uint32              // CSeq of the INVITE that ours acknowledges
	ack        *sip.Request        // our ACK, to be repeated for a repeated 2xx
	acks       map[uint32]*ackWait // for our 2xx, by the CSeq of their INVITE
	onReinvite func(ctx context.Context, offer []byte) ([]byte, error)
	byeSent    bool

	done chan struct{}
	once sync.Once
	err  error
}

// ID names the dialog.
func (c *Call) ID() DialogID { return c.id }

// RemoteBody is the body of the peer's INVITE, or of its 2xx.
func (c *Call) RemoteBody() []byte { return c.body }

// Done is closed when the dialog has ended, whoever ended it.
func (c *Call) Done() <-chan struct{} { return c.done }

// Err tells why the dialog has ended: nil after a BYE of either side. It is
// valid after Done.
func (c *Call) Err() error {
	select {
	case <-c.done:
		return c.err
	default:
		return nil
	}
}

// end marks the dialog as ended and forgets it.
func (c *Call) end(err error) {
	c.once.Do(func() {
		c.err = err
		close(c.done)
	})
	c.ua.forget(c)
}

// Ack acknowledges the 2xx that created the dialog, with an answer in it if
// the 2xx carried the offer. Repeated 2xx are acknowledged by the same ACK
// from then on. It is for the side that sent the INVITE.
func (c *Call) Ack(ctx context.Context, body []byte, contentType string) error {
	c.mu.Lock()
	if !c.uac || c.ack != nil {
		c.mu.Unlock()
		return errors.New("sipua: nothing to acknowledge")
	}
	ack := c.dialog.build(c.ua, sip.ACK, c.inviteSeq) // [RFC3261-13.2.2.4]
	setBody(ack, body, contentType)
	c.ack = ack
	c.mu.Unlock()
	return c.ua.write(ctx, ack)
}

// repeatAck answers a repeated 2xx, if ours was answered before.
func (c *Call) repeatAck() {
	c.mu.Lock()
	ack := c.ack
	c.mu.Unlock()
	if ack != nil {
		_ = c.ua.write(c.ua.ctx, ack.Clone()) // it will be repeated once more if this is lost
	}
}

// Bye ends the dialog. If the other side has ended it already, it does
// nothing. The dialog counts as ended even if an error is returned.
func (c *Call) Bye(ctx context.Context) error {
	c.mu.Lock()
	if c.byeSent || c.Ended() {
		c.mu.Unlock()
		return nil
	}
	c.byeSent = true
	mustAck := c.uac && c.ack == nil
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
	defer c.end(nil)
	ctx, cancel := context.WithTimeout(ctx, byeWait)
	defer cancel()
	res, err := c.ua.once(ctx, bye)
	if err != nil {
		return fmt.Errorf("BYE: %w", err)
	}
	if !res.IsSuccess() && res.StatusCode != 481 && res.StatusCode != 408 { // [RFC3261-15.1.1]
		return fmt.Errorf("BYE: %w", statusError(res))
	}
	return nil
}

// Ended reports whether Done is closed.
func (c *Call) Ended() bool {
	select {
	case <-c.done:
		return true
	default:
		return false
	}
}

// OnReinvite sets what answers the peer's re-INVITEs: f takes the offer and
// returns the answer, or an error for a 488. Without it every one gets 488 and
// leaves the session as it is.
func (c *Call) OnReinvite(f func(ctx context.Context, offer []byte) (answer []byte, err error)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.onReinvite = f
}

// Reinvite sends a re-INVITE with a new offer and returns the answer. A peer
// that knows the dialog no more (481, 408) ends it. See RFC 3261, section 14.
func (c *Call) Reinvite(ctx context.Context, offer []byte, contentType string) (answer []byte, err error) {
	if c.Ended() {
		return nil, ErrEnded
	}
	c.mu.Lock()
	req := c.dialog.request(c.ua, sip.INVITE)
	seq := c.dialog.localSeq
	c.mu.Unlock()
	setBody(req, offer, contentType)
	tx, err := c.ua.start(ctx, req)
	if err != nil {
		return nil, err
	}
	res, err := c.ua.awaitFinal(ctx, tx, nil)
	if err != nil {
		tx.Terminate()
		return nil, err
	}
	if !res.IsSuccess() {
		if res.StatusCode == 481 || res.StatusCode == 408 { // [RFC3261-12.2.1.2]
			c.end(statusError(res))
		}
		return nil, statusError(res)
	}
	c.mu.Lock()
	refreshTarget(&c.dialog, res.Contact())
	ack := c.dialog.build(c.ua, sip.ACK, seq)
	c.ack = ack
	c.mu.Unlock()
	return res.Body(), c.ua.write(ctx, ack)
}

// refreshTarget takes the peer's Contact as the new remote target. See RFC
// 3261, section 12.2.
func refreshTarget(d *dialog, contact *sip.ContactHeader) {
	if contact != nil && contact.Address.Host != "" {
		d.target = *contact.Address.Clone()
	}
}
