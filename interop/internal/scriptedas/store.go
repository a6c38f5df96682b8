package scriptedas

import (
	"context"
	"errors"
	"strings"
	"time"
)

// A user is a recipient who has messages, or had some.
type user struct {
	uri     string
	here    bool // registered, as far as is known
	pushing bool
	kept    []kept
}

// Kept says that a sender has left something with a media server.
type kept struct {
	from string
	c    *channel
}

// canonical is a SIP URI without parameters, its host in lower case and nothing escaped
// that need not be.
func canonical(uri string) string {
	uri, _, _ = strings.Cut(uri, ";")
	scheme, rest, _ := strings.Cut(uri, ":")
	name, host, ok := strings.Cut(rest, "@")
	if !ok {
		return uri
	}
	for _, c := range "abcdefghijklmnopqrstuvwxyz" {
		name = strings.ReplaceAll(name, "%"+hexOf(byte(c)), string(c))
	}
	return strings.ToLower(scheme) + ":" + name + "@" + strings.ToLower(host)
}

func hexOf(c byte) string {
	const digits = "0123456789abcdef"
	return string([]byte{digits[c>>4], digits[c&15]})
}

// fromOf is the URI of the caller.
func (l *leg) fromOf() string {
	v := l.remote
	if i := strings.IndexByte(v, '<'); i >= 0 {
		v, _, _ = strings.Cut(v[i+1:], ">")
	}
	v, _, _ = strings.Cut(v, ";tag=")
	return strings.TrimSpace(v)
}

// pick chooses the channel by eq. (1) of the paper, and counts one more session on it.
func (s *Server) pick() *channel {
	s.mu.Lock()
	defer s.mu.Unlock()
	var best *channel
	var value float64
	for _, c := range s.channels {
		c.mu.Lock()
		weight := c.media.Weight
		if s.is(IgnoresWeights) {
			weight = 1
		}
		v, up := float64(c.live+1)/float64(weight), c.up
		c.mu.Unlock()
		if up && (best == nil || v < value) {
			best, value = c, v
		}
	}
	if best != nil {
		best.count(1)
	}
	return best
}

func (c *channel) count(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.live += n
}

// storeCall takes a call to a user who is away. See the paper, section 2.3.
func (s *Server) storeCall(in *leg, to string) {
	c := s.pick()
	if c == nil {
		in.refuse("503 Service Unavailable")
		return
	}
	defer c.count(-1)
	ctx, cancel := context.WithTimeout(s.ctx, answerWait)
	defer cancel()
	out, err := s.invite(ctx, c.media.Addr, "sip:ms@"+c.media.Addr+";transport=tcp", s.sip.Contact("as"), s.rewritten(OwnOffer, in.body))
	if err != nil {
		in.refuse("500 Server Internal Error")
		return
	}
	keep := s.is(KeepsLegOfCaller)
	defer func() {
		if !keep {
			out.bye()
		}
	}()
	if s.is(NamesBeforeAck) {
		s.work.Go(func() { s.pause(lateAck); out.ack("") })
	} else {
		out.ack("")
	}
	from := canonical(in.fromOf())
	if s.is(KeepsURIForm) {
		from = in.fromOf()
	}
	if s.is(AnswersFirst) {
		in.answer(out.body)
	}
	failed := s.restore(c, out, from, to)
	if s.is(AnswersFirst) {
		failed = false
	}
	select {
	case <-in.stopped:
		in.refuse("487 Request Terminated")
		return
	default:
	}
	if failed {
		if s.is(NeverRefuses) {
			return
		}
		in.refuse("500 Server Internal Error")
		keep = s.is(KeepsLegOfRefused)
		return
	}
	if !s.is(AnswersFirst) {
		in.answer(s.answerTo(out.body))
	}
	s.keep(to, kept{from, c})
	s.bridge(in, out)
}

// answerTo is what a caller is answered, given the media server's answer.
func (s *Server) answerTo(sdp string) string {
	if s.is(AnswersWithoutSDP) {
		return ""
	}
	return s.rewritten(OwnAnswer, sdp)
}

// rewritten is a session description; with the fault, it is not as it came.
func (s *Server) rewritten(f Fault, sdp string) string {
	if s.is(f) {
		return strings.Replace(sdp, "\r\ns=-\r\n", "\r\ns=scripted\r\n", 1)
	}
	return sdp
}

// bridge lasts until either leg ends, and ends the other.
func (s *Server) bridge(a, b *leg) {
	var limit <-chan time.Time
	if s.is(EndsStoreSessions) {
		limit = time.After(s.cfg.Retry)
	}
	select {
	case <-a.ended:
	case <-b.ended:
	case <-limit:
	case <-s.ctx.Done():
	}
	a.bye()
}

// restore announces a store session and reports whether the media server has refused it.
// One that does not answer has not.
func (s *Server) restore(c *channel, out *leg, from, to string) (failed bool) {
	id := out.id()
	if s.is(SwapsTags) {
		parts := strings.Split(id, ";")
		id = parts[0] + ";" + parts[2] + ";" + parts[1]
	}
	if s.is(NamesOneConnection) {
		id = "session;1;2"
	}
	wait := s.cfg.RestoreWait
	if s.is(WaitsForever) {
		wait = time.Hour
	}
	if s.is(AnswersTooEarly) {
		wait /= 8
	}
	o := c.request(s.tag("RestoreMsg", "", "xmlns", paperSpace, "from-uri", from, "to-uri", to, "connection-id", id), wait)
	if s.is(AnnouncesTwice) {
		c.request(s.tag("RestoreMsg", "", "xmlns", paperSpace, "from-uri", from, "to-uri", to, "connection-id", id), wait)
	}
	return !errors.Is(o.err, context.DeadlineExceeded) && !s.succeeded(o, "MsgRestored", from, to, id)
}

// succeeded reports whether an outcome is the success of a request of the paper.
func (s *Server) succeeded(o outcome, name, from, to, id string) bool {
	switch {
	case o.err != nil:
		return s.is(TakesMalformed) && o.status == 200
	case o.status == 400:
		return s.is(Takes400)
	case o.status == 500:
		return s.is(Takes500)
	case o.XMLName.Space == draftSpace:
		return s.is(TakesErrors)
	case o.XMLName.Local != name:
		return s.is(TakesAnyElement) && o.XMLName.Local != "MsgNotRestored"
	case o.get("from-uri") != from || o.get("to-uri") != to || o.get("connection-id") != id:
		return s.is(TakesAnyIDs)
	}
	return true
}
