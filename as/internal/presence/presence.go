package presence

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/gomscp/gomscp/sipua"
)

// A Source says which recipients are reachable. It is safe for concurrent use.
type Source struct {
	cfg        Config
	subscriber *subscriber
	users      *registrar // nil without the package register
}

// New makes the source that the settings name. With the package register it looks up the
// registrar's address, for at most five seconds.
func New(cfg Config) (*Source, error) {
	s := &Source{cfg: cfg, subscriber: &subscriber{cfg: cfg, pace: pace{rate: cfg.Rate}}}
	switch cfg.Package {
	case packagePresence, "", packageReg:
	case packageRegister:
		var err error
		if s.users, err = newRegistrar(cfg.Server); err != nil {
			return nil, fmt.Errorf("presence.server: %w", err)
		}
	default:
		return nil, fmt.Errorf("presence.package: %q is not known", cfg.Package)
	}
	return s, nil
}

// Watch calls told with each notice about the recipient, one at a time, until stop, which
// waits for a call of told that is under way. News is false for a notice that only answers a
// SUBSCRIBE of ours, such as a refresh, and repeats the last one; otherwise the user may have
// registered anew. Told must not block. An error is about the request, not about the network.
func (s *Source) Watch(ctx context.Context, recipient string, told func(reachable, news bool)) (stop func(), err error) {
	counted := func(reachable, news bool) {
		state := "closed"
		if reachable {
			state = "open"
		}
		s.cfg.Count(state)
		told(reachable, news)
	}
	switch {
	case s.users != nil:
		return s.users.watch(recipient, counted), nil
	case s.cfg.Package == packageReg:
		return s.subscriber.watchRegistrations(ctx, recipient, counted)
	}
	return s.subscriber.watchPresence(ctx, recipient, counted)
}

// Register answers a REGISTER of the registrar. One that is older than what is known is
// answered like the others: a registrar might take a refusal for the end of the service.
func (s *Source) Register(req *sip.Request, tx sip.ServerTransaction) {
	respond := func(code int, reason string, headers ...sip.Header) {
		res := sip.NewResponseFromRequest(req, code, reason, nil)
		for _, h := range headers {
			res.AppendHeader(h)
		}
		_ = tx.Respond(res) // the registrar asks again
	}
	if !s.users.trusts(s.cfg.UA.Peer(req).Addr.Addr()) {
		s.cfg.Count("refused")
		s.cfg.Log.Warn("REGISTER refused: it is not from presence.server", "peer", req.Source())
		respond(403, "Forbidden")
		return
	}
	reg, err := sipua.ParseThirdPartyRegister(req)
	if err != nil {
		s.cfg.Count("unreadable")
		respond(400, "Bad Request")
		return
	}
	life := min(reg.Expires, maxRegistrationLife)
	s.users.apply(reg.AOR, life, req.CallID().Value(), req.CSeq().SeqNo)
	headers := []sip.Header{sip.NewHeader("Expires", strconv.Itoa(int(life/time.Second)))}
	if c := req.Contact(); c != nil && life > 0 {
		headers = append(headers, &sip.ContactHeader{Address: *c.Address.Clone()}) // [RFC3261-10.3-8]
	}
	respond(200, "OK", headers...)
}

// Registered returns the number of registered users; ok is false unless the package is
// register.
func (s *Source) Registered() (n int, ok bool) {
	if s.users == nil {
		return 0, false
	}
	return s.users.len(), true
}

// Close ends the timers of registrations.
func (s *Source) Close() {
	if s != nil && s.users != nil {
		s.users.close()
	}
}
