package sipua

import (
	"strings"

	"github.com/emiago/sipgo/sip"
)

// onNotify takes a NOTIFY for one of our subscriptions.
func (ua *UA) onNotify(req *sip.Request, tx sip.ServerTransaction) {
	ua.mu.Lock()
	s := ua.subs[dialogKey{req.CallID().Value(), tagOf(req.To().Params)}]
	ua.mu.Unlock()
	if s == nil || !s.notified(req) {
		ua.respond(req, tx, 481, "") // [RFC6665-4.1.3]
		return
	}
	ua.respond(req, tx, 200, "")
}

// notified hands a NOTIFY on; false if it belongs to no dialog of ours.
func (s *Subscription) notified(req *sip.Request) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.dialog
	if d == nil {
		return false
	}
	tag := tagOf(req.From().Params)
	if known := tagOf(d.remote.Params); known != "" && known != tag {
		return false // another branch of a fork; one is enough
	}
	s.learn(tag, req.Contact(), recordRoutes(req))
	seq := req.CSeq().SeqNo
	if seq <= d.remoteSeq {
		return true // older than what we know [RFC3261-12.2.2]
	}
	d.remoteSeq = seq
	n := Notification{ContentType: headerValue(req, "Content-Type"), Body: req.Body(), CSeq: seq}
	state, params, _ := strings.Cut(headerValue(req, "Subscription-State"), ";")
	n.State = strings.ToLower(strings.TrimSpace(state))
	for p := range strings.SplitSeq(params, ";") {
		if k, v, _ := strings.Cut(strings.TrimSpace(p), "="); strings.EqualFold(k, "reason") {
			n.Reason = v
		}
	}
	s.r.OnNotify(n)
	if n.State == "terminated" {
		select {
		case s.lost <- struct{}{}:
		default:
		}
	}
	return true
}
