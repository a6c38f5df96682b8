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

// Requests of strangers are judged before sipgo gets them. sipgo starts a goroutine and a
// transaction for each request and keeps them for 32 s over UDP, but a stranger can send any
// number of requests and can forge the source address. A refused request gets one response,
// and no state is kept for it. See RFC 3261, sections 8.2.7 and 26.3.2.4.

// isPeer reports whether a sender is a peer, by its address or by the names in its
// certificate.
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

// judge decides on a message of a stranger. It reports whether sipgo gets the message; if
// not, res is the answer, nil for none.
func (ua *agent) judge(m *screen.Message, clean []byte, from Peer) (res *sip.Response, pass bool) {
	defer func() {
		if p := recover(); p != nil {
			ua.note(slog.LevelError, "panic over a stranger's request", "source", from.Addr, "panic", fmt.Sprint(p))
			res, pass = nil, false
		}
	}()
	msg, err := ua.parser.ParseSIP(bytes.Clone(clean)) // the next read overwrites it
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
	case inDialog && req.Method != sip.NOTIFY && ua.hooks.inDialog(req): // only the peer knows both tags
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

// tag adds a To tag to the response if the request has none. A repeated request gets the
// same tag. See RFC 3261, section 8.2.7.
func (ua *agent) tag(req *sip.Request, res *sip.Response) {
	if tagOf(req.To().Params) == "" && res.To() != nil {
		res.To().Params.Add("tag", strconv.FormatUint(ua.keyOf(req, Peer{}), 36))
	}
}

// keyOf returns the same key for a request, its repetitions, its CANCEL, and its ACK
// unless the ACK is for a 2xx.
func (ua *agent) keyOf(req *sip.Request, from Peer) uint64 {
	var h maphash.Hash
	h.SetSeed(ua.seed)
	via := req.Via()
	branch, _ := via.Params.Get("branch")
	fmt.Fprintf(&h, "%v\n%s\n%s:%d\n%s\n%s\n%d", from.Addr.Addr(), branch, via.Host, via.Port, req.CallID().Value(), tagOf(req.From().Params), req.CSeq().SeqNo)
	return h.Sum64()
}

// letIn remembers the admitted requests of strangers for at least 32 s. If there are too
// many, it forgets the oldest; their CANCEL then gets 481.
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
