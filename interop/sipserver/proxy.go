package sipserver

import (
	"context"
	"strings"
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

// relay forwards a request to where it belongs, and the responses back. See
// RFC 3261, section 16.
func (s *Server) relay(req *sip.Request, tx sip.ServerTransaction) {
	fwd := req.Clone()
	if req.Method == sip.ACK {
		s.relayAck(fwd)
		return
	}
	if code, reason := s.target(fwd); code != 0 {
		s.respond(req, tx, code, reason)
		return
	}
	if hops := fwd.MaxForwards(); hops != nil {
		if hops.Val() == 0 {
			s.respond(req, tx, 483, "Too Many Hops") // [RFC3261-16.3]
			return
		}
		hops.Dec()
	}
	s.addVia(fwd)
	if req.Method == sip.INVITE {
		s.respond(req, tx, 100, "Trying")
	}
	s.forward(req, fwd, tx)
}

// relayAck forwards an ACK for a 2xx that was sent to us though we are not in
// the dialog's path. An ACK for another response ends at its transaction, and
// does not come here. [RFC3261-16.6]
func (s *Server) relayAck(fwd *sip.Request) {
	if s.ours(&fwd.Recipient) {
		return
	}
	setTarget(fwd, &fwd.Recipient)
	s.addVia(fwd)
	if err := s.ua.Send(s.ctx, fwd); err != nil {
		s.log.Debug("ACK not forwarded", "err", err)
	}
}

// target sets where fwd goes. A code says that it goes nowhere.
func (s *Server) target(fwd *sip.Request) (code int, reason string) {
	uri := &fwd.Recipient
	if !s.ours(uri) {
		setTarget(fwd, uri) // a dialog's request, addressed to its Contact
		return 0, ""
	}
	if contact, ok := s.newest(uri.User); ok {
		fwd.Recipient = contact
		setTarget(fwd, &contact)
		return 0, ""
	}
	if fwd.Method != sip.INVITE || s.cfg.AppServer == "" || s.fromAppServer(fwd) {
		return 480, "Temporarily Unavailable"
	}
	fwd.SetDestination(s.cfg.AppServer)
	fwd.SetTransport("UDP")
	return 0, ""
}

// fromAppServer recognises the application server by where it sends from or
// where it wants to be reached.
func (s *Server) fromAppServer(req *sip.Request) bool {
	if req.Source() == s.cfg.AppServer {
		return true
	}
	c := req.Contact()
	return c != nil && c.Address.HostPort() == s.cfg.AppServer
}

func setTarget(req *sip.Request, uri *sip.Uri) {
	transport := "UDP"
	if v, ok := uri.UriParams.Get("transport"); ok {
		transport = strings.ToUpper(v)
	}
	req.SetTransport(transport)
	req.SetDestination(uri.HostPort())
}

// addVia puts our Via on top. [RFC3261-16.6-8]
func (s *Server) addVia(req *sip.Request) {
	host, port, _ := sip.ParseAddr(s.ua.Addr())
	via := &sip.ViaHeader{
		ProtocolName: "SIP", ProtocolVersion: "2.0", Transport: req.Transport(), Host: host, Port: port,
	}
	via.Params.Add("branch", sip.GenerateBranch())
	req.PrependHeader(via)
}

// forward sends fwd and passes what comes back to tx.
func (s *Server) forward(req, fwd *sip.Request, tx sip.ServerTransaction) {
	wait := requestWait
	if req.Method == sip.INVITE {
		wait = inviteWait
	}
	ctx, cancel := context.WithTimeout(s.ctx, wait)
	defer cancel()
	down, err := s.ua.Transact(ctx, fwd)
	if err != nil {
		s.log.Info("request not forwarded", "method", req.Method, "to", fwd.Destination(), "err", err)
		s.respond(req, tx, 503, "Service Unavailable")
		return
	}
	defer s.goroutine(func() { lingering(s.ctx, down) })
	down.OnRetransmission(func(res *sip.Response) { s.passBack(req, res, tx) })
	cancelled := make(chan struct{}, 1)
	tx.OnCancel(func(*sip.Request) { cancelled <- struct{}{} })
	for {
		select {
		case res := <-down.Responses():
			if res.StatusCode == 100 {
				continue // [RFC3261-16.7-5]
			}
			s.passBack(req, res, tx)
			if !res.IsProvisional() {
				return
			}
		case <-cancelled:
			s.goroutine(func() { _, _ = s.ua.Do(ctx, sipua.NewCancel(fwd)) })
		case <-down.Done():
			s.respond(req, tx, 408, "Request Timeout")
			return
		case <-ctx.Done():
			s.respond(req, tx, 408, "Request Timeout")
			return
		}
	}
}

// lingering keeps a client transaction for the repetitions of its final
// response, and then ends it.
func lingering(ctx context.Context, tx sip.ClientTransaction) {
	timer := time.NewTimer(requestWait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-tx.Done():
	case <-ctx.Done():
	}
	tx.Terminate()
}

// passBack forwards a response without our Via.
func (s *Server) passBack(req *sip.Request, res *sip.Response, tx sip.ServerTransaction) {
	back := res.Clone()
	back.RemoveHeader("Via") // the first one, ours [RFC3261-16.7-3]
	back.SetDestination(req.Source())
	if err := tx.Respond(back); err != nil {
		s.log.Debug("response not passed back", "code", res.StatusCode, "err", err)
	}
}
