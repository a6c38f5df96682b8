package sipua

import (
	"bytes"
	"cmp"
	"fmt"
	"hash/maphash"
	"log/slog"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/gomscp/gomscp/internal/admit"
	"github.com/gomscp/gomscp/sipua/internal/screen"
)

// Requests of strangers are judged before sipgo sees them: it makes a goroutine and a
// transaction of each, and keeps that for 32 s over UDP, while a stranger can send as many
// as he likes and need not be where his address says. What is refused here gets one
// response, and nothing is kept of it. See RFC 3261, sections 8.2.7 and 26.3.2.4.

// isPeer reports whether an address, or who has proved those names, is a peer.
func (ua *agent) isPeer(a netip.Addr, names []string) bool {
	return ua.cfg.IsPeer == nil || ua.cfg.IsPeer(a, names)
}

// mayTry reports whether a stranger may send one more message now.
func (ua *agent) mayTry(a netip.Addr) bool {
	if ua.rate.Take(admit.Source(a)) {
		return true
	}
	ua.gate.Count(admit.ReasonRate)
	return false
}

// judge looks at a message of a stranger. It reports whether sipgo is to have it; if not,
// res is the answer, nil without one.
func (ua *agent) judge(m *screen.Message, clean []byte, from Peer) (res *sip.Response, pass bool) {
	defer func() {
		if p := recover(); p != nil {
			ua.note(slog.LevelError, "panic over a stranger's request", "source", from.Addr, "panic", fmt.Sprint(p))
			res, pass = nil, false
		}
	}()
	msg, err := ua.parser.ParseSIP(bytes.Clone(clean)) // what is read next overwrites it
	if err != nil {
		return nil, false
	}
	req, ok := msg.(*sip.Request)
	if !ok {
		return nil, true
	}
	req.SetTransport(from.Transport)
	req.SetSource(from.Addr.String())
	if reason := malformed(req); reason != "" {
		if req.Method == sip.ACK {
			return nil, false
		}
		return ua.stateless(req, 400, "Bad Request ("+reason+")"), false
	}
	key := ua.keyOf(req, from)
	switch inDialog := tagOf(req.To().Params) != ""; {
	case inDialog && req.Method != sip.NOTIFY && ua.hooks.inDialog(req): // the tags are proof enough
		return nil, true
	case ua.letIn.has(key): // sent again, or the ACK or CANCEL of what was let in
		return nil, true
	case req.Method == sip.ACK: // of a refusal, which has no transaction
		return nil, false
	case req.Method == sip.CANCEL, inDialog && req.Method != sip.NOTIFY:
		return ua.stateless(req, 481, ""), false // [RFC3261-9.2]
	case ua.hooks.admit == nil:
		return nil, true
	}
	if res := ua.hooks.admit(req, from); res != nil {
		ua.tag(req, res)
		return res, false
	}
	ua.letIn.add(key, time.Now())
	return nil, true
}

// stateless is a response that is sent without a transaction.
func (ua *agent) stateless(req *sip.Request, code int, reason string) *sip.Response {
	res := ua.response(req, code, reason)
	ua.tag(req, res)
	return res
}

// tag gives the response to a request that has no To tag one that is the same whenever
// the request is sent again. See RFC 3261, section 8.2.7.
func (ua *agent) tag(req *sip.Request, res *sip.Response) {
	if tagOf(req.To().Params) == "" && res.To() != nil {
		res.To().Params.Add("tag", strconv.FormatUint(ua.keyOf(req, Peer{}), 36))
	}
}

// keyOf is the same of a request that is sent again, of its ACK, unless that is for a 2xx,
// and of its CANCEL.
func (ua *agent) keyOf(req *sip.Request, from Peer) uint64 {
	var h maphash.Hash
	h.SetSeed(ua.seed)
	via := req.Via()
	branch, _ := via.Params.Get("branch")
	fmt.Fprintf(&h, "%v\n%s\n%s:%d\n%s\n%s\n%d", from.Addr.Addr(), branch, via.Host, via.Port, req.CallID().Value(), tagOf(req.From().Params), req.CSeq().SeqNo)
	return h.Sum64()
}

// letIn remembers the requests of strangers that were let in for 32 s at the least, unless
// there are too many: then it forgets the oldest, whose CANCEL gets 481.
type letIn struct {
	mu         sync.Mutex
	young, old map[uint64]bool
	turn       time.Time
}

func (l *letIn) has(key uint64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.young[key] || l.old[key]
}

func (l *letIn) add(key uint64, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.young == nil || now.After(l.turn) || len(l.young) >= maxLetIn {
		if l.old = l.young; now.After(l.turn.Add(t64)) {
			l.old = nil
		}
		l.young, l.turn = map[uint64]bool{}, now.Add(t64)
	}
	l.young[key] = true
}

// connectionLimits are the limits of connections; 0 means the default.
func connectionLimits(all, source int) admit.Limits {
	return admit.Limits{Source: cmp.Or(source, DefaultMaxStrangersSource), All: cmp.Or(all, DefaultMaxStrangers), Peers: MaxConnections}
}
