package sipserver

import (
	"context"
	"strings"
	"sync/atomic"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/gomscp/gomscp/sipua"
)

const (
	// inviteWait bounds how long a relayed INVITE may ring. See RFC 3261,
	// section 16.6, Timer C.
	inviteWait  = 3 * time.Minute
	requestWait = 32 * time.Second
)

// relay forwards a request to its destination, and the responses back. See RFC 3261,
// section 16.
func (s *Server) relay(req *sip.Request, tx sip.ServerTransaction) {
	fwd := req.Clone()
	s.takeRoute(fwd)
	if req.Method == sip.ACK {
		s.relayAck(fwd)
		return
	}
	mark := loopMark(req)
	if code, reason, headers := s.refusal(req, mark); code != 0 {
		s.respond(req, tx, code, reason, headers...)
		return
	}
	if code, reason := s.target(fwd); code != 0 {
		s.respond(req, tx, code, reason)
		return
	}
	if s.pending.Add(1) > maxPending {
		s.pending.Add(-1)
		s.respond(req, tx, 503, "Service Unavailable")
		return
	}
	defer s.pending.Add(-1)
	lessHops(fwd)
	s.recordRoute(fwd)
	s.addVia(fwd, mark)
	if req.Method == sip.INVITE {
		s.respond(req, tx, 100, "Trying")
	}
	r := &relaying{s: s, req: req, fwd: fwd, tx: tx, cancels: make(chan struct{}, 1)}
	r.run()
}

// refusal tells why a request is not relayed; 0 if it is. See RFC 3261,
// section 16.3.
func (s *Server) refusal(req *sip.Request, mark string) (code int, reason string, headers []sip.Header) {
	if scheme := req.Recipient.Scheme; scheme != "sip" && scheme != "" {
		return 416, "Unsupported URI Scheme", nil // [RFC3261-16.3-2]
	}
	if hops := req.MaxForwards(); hops != nil && hops.Val() == 0 {
		return 483, "Too Many Hops", nil // [RFC3261-16.3-3]
	}
	if s.looped(req, mark) {
		return 482, "Loop Detected", nil // [RFC3261-16.3-4]
	}
	if unknown := sipua.ListHeader(req, "Proxy-Require"); len(unknown) > 0 {
		return 420, "Bad Extension", []sip.Header{sip.NewHeader("Unsupported", strings.Join(unknown, ", "))} // [RFC3261-16.3-5]
	}
	return 0, "", nil
}

// relayAck forwards an ACK for a 2xx that was sent to us though we are not in
// the dialog's path, as one for a GRUU is. An ACK for another response ends at its transaction, and
// does not come here. [RFC3261-16.6]
func (s *Server) relayAck(fwd *sip.Request) {
	mark := loopMark(fwd)
	if code, _, _ := s.refusal(fwd, mark); code != 0 {
		return
	}
	if fwd.Route() == nil && s.ours(&fwd.Recipient) {
		contact, ok := s.contactOf(&fwd.Recipient)
		if !ok || !fwd.Recipient.UriParams.Has("gr") {
			return
		}
		fwd.Recipient = contact
	}
	setTarget(fwd, nextHop(fwd))
	lessHops(fwd)
	s.addVia(fwd, mark)
	if err := s.ua.Send(s.ctx, fwd); err != nil {
		s.log.Debug("ACK not forwarded", "err", err)
	}
}

// A relaying is a request that is being relayed, with its two transactions.
type relaying struct {
	s        *Server
	req, fwd *sip.Request
	tx       sip.ServerTransaction
	down     sip.ClientTransaction

	cancels   chan struct{} // of capacity 1: a CANCEL has come
	cancelled atomic.Bool   // and so the caller has got 487
}

// run forwards the request and passes back what comes, until a final response.
func (r *relaying) run() {
	// The callback runs under the transaction's lock, so it may neither wait
	// nor use the transaction.
	if !r.tx.OnCancel(func(*sip.Request) {
		r.cancelled.Store(true)
		select {
		case r.cancels <- struct{}{}:
		default:
		}
	}) {
		return // it was cancelled before it could go anywhere
	}
	wait := requestWait
	if r.req.Method == sip.INVITE {
		wait = inviteWait
	}
	ctx, cancel := context.WithTimeout(r.s.ctx, wait)
	defer cancel()
	var err error
	if r.down, err = r.s.ua.Transact(ctx, r.fwd); err != nil {
		r.s.log.Info("request not forwarded", "method", r.req.Method, "to", r.fwd.Destination(), "err", err)
		r.fail(503, "Service Unavailable")
		return
	}
	defer r.s.goroutine(r.linger)
	r.down.OnRetransmission(r.passBack)
	r.await(ctx)
}

// await passes responses back. A CANCEL is relayed once the next hop has said
// anything at all, so that it does not overtake the INVITE, and then the end is
// awaited for a bounded time only. [RFC3261-9.1]
func (r *relaying) await(ctx context.Context) {
	var heard, asked bool
	var end <-chan time.Time
	for {
		select {
		case res := <-r.down.Responses():
			if heard = true; asked && res.IsProvisional() {
				asked = false
				r.cancelDown()
			}
			if res.StatusCode != 100 { // [RFC3261-16.7-5]
				r.passBack(res)
			}
			if !res.IsProvisional() {
				return
			}
		case <-r.cancels:
			end = time.After(requestWait)
			if asked = !heard; heard {
				r.cancelDown()
			}
		case <-end:
			return
		case <-r.down.Done():
			r.fail(408, "Request Timeout")
			return
		case <-ctx.Done():
			if heard && r.req.Method == sip.INVITE && !r.cancelled.Load() {
				r.cancelDown() // [RFC3261-16.8]
			}
			r.fail(408, "Request Timeout")
			return
		}
	}
}

// cancelDown relays the CANCEL.
func (r *relaying) cancelDown() {
	r.s.goroutine(func() {
		ctx, cancel := context.WithTimeout(r.s.ctx, requestWait)
		defer cancel()
		if _, err := r.s.ua.Do(ctx, sipua.NewCancel(r.fwd)); err != nil {
			r.s.log.Debug("CANCEL not answered", "err", err)
		}
	})
}

// fail answers a request that got no answer.
func (r *relaying) fail(code int, reason string) {
	if !r.cancelled.Load() {
		r.s.respond(r.req, r.tx, code, reason)
	}
}

// linger keeps the client transaction for the repetitions of its final
// response, and then ends it.
func (r *relaying) linger() {
	timer := time.NewTimer(requestWait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.down.Done():
	case <-r.s.ctx.Done():
	}
	r.down.Terminate()
}

// passBack forwards a response without our Via. A 2xx to an INVITE always
// reaches the caller, who alone can end the dialog it makes, even if our
// transaction has been answered with 487 or is over. [RFC3261-16.7-5]
func (r *relaying) passBack(res *sip.Response) {
	back := res.Clone()
	back.RemoveHeader("Via") // the first one, ours [RFC3261-16.7-3]
	back.SetDestination(r.req.Source())
	var err error
	if !r.cancelled.Load() {
		err = r.tx.Respond(back)
	}
	must := r.req.Method == sip.INVITE && res.IsSuccess()
	if must && (err != nil || r.cancelled.Load()) {
		if t, ok := r.tx.(*sip.ServerTx); ok {
			err = t.Connection().WriteMsg(back)
		}
	}
	if err != nil {
		r.s.log.Debug("response not passed back", "code", res.StatusCode, "err", err)
	}
}
