package scriptedas

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gomscp/gomscp/interop/strictpeer"
)

// keep notes that a user has messages, and watches for their return.
func (s *Server) keep(uri string, k kept) {
	s.mu.Lock()
	u := s.users[uri]
	if u == nil {
		u = &user{uri: uri}
		s.users[uri] = u
	}
	first := len(u.kept) == 0 && !s.is(NeverSubscribes)
	u.kept = append(u.kept, k)
	s.mu.Unlock()
	if first {
		s.work.Go(func() { s.subscribe(u) })
	}
}

// subscribe asks for the user's presence. See RFC 3856.
func (s *Server) subscribe(u *user) {
	callID := token()
	m := &strictpeer.Message{Start: "SUBSCRIBE " + u.uri + " SIP/2.0"}
	m.Add("Via", s.sip.Via())
	m.Add("Max-Forwards", "70")
	m.Add("From", "<"+s.sip.Contact("as")+">;tag="+token())
	m.Add("To", "<"+u.uri+">")
	m.Add("Call-ID", callID)
	m.Add("CSeq", "1 SUBSCRIBE")
	m.Add("Contact", "<"+s.sip.Contact("as")+">")
	m.Add("Event", "presence")
	m.Add("Accept", "application/pidf+xml")
	m.Add("Expires", "600")
	s.mu.Lock()
	s.watches[callID] = u
	s.mu.Unlock()
	ctx, cancel := context.WithTimeout(s.ctx, answerWait)
	defer cancel()
	_, _ = s.do(ctx, s.cfg.Proxy, m) // a NOTIFY comes, or none does
}

// notified takes a presence document.
func (s *Server) notified(u *user, body string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u.here = strings.Contains(body, "open</") || s.is(PushesToAbsent)
	if u.here && !u.pushing && len(u.kept) > 0 {
		u.pushing = true
		s.work.Go(func() { s.push(u) })
	}
}

// push has everything that a user has delivered, again and again until it is, or the user
// is gone.
func (s *Server) push(u *user) {
	for {
		s.mu.Lock()
		if !u.here || len(u.kept) == 0 {
			u.pushing = false
			s.mu.Unlock()
			return
		}
		k := u.kept[0]
		s.mu.Unlock()
		if s.pushOne(u, k) && (!s.is(PushesTwice) || s.pushOne(u, k)) || s.is(ForgetsRefused) {
			s.mu.Lock()
			u.kept = slices.Delete(u.kept, 0, 1)
			s.mu.Unlock()
			continue
		}
		if !s.pause(s.cfg.Retry) {
			return
		}
	}
}

// pushOne sets up one push session, and reports whether everything of one sender is
// delivered. See the paper, section 2.2, and RFC 3725, flow I.
func (s *Server) pushOne(u *user, k kept) bool {
	ctx, cancel := context.WithTimeout(s.ctx, answerWait)
	defer cancel()
	c := k.c
	if other := s.channels[len(s.channels)-1-c.index]; s.is(PushesElsewhere) && other.isUp() {
		c = other
	}
	media, err := s.invite(ctx, c.media.Addr, "sip:ms@"+c.media.Addr+";transport=tcp", s.sip.Contact("as"), s.pushOffer())
	if err != nil {
		return false
	}
	from := k.from
	if s.is(CallsInOwnName) {
		from = "sip:as@" + s.cfg.Domain
	}
	phone, err := s.invite(ctx, s.cfg.Proxy, u.uri, from, media.body)
	if err != nil {
		if s.is(LeavesMediaLeg) {
			return false
		}
		media.ack(refusal(media.body))
		media.bye()
		return false
	}
	answer := phone.body
	if s.is(SwallowsAnswer) {
		answer = ""
	}
	if s.is(SendsMsgBeforeAck) {
		s.work.Go(func() { s.pause(lateAck); media.ack(answer) })
	} else {
		media.ack(answer)
	}
	phone.ack("")
	o := c.request(s.tag("SendMsg", "", "xmlns", paperSpace, "from-uri", k.from, "to-uri", u.uri, "connection-id", media.id()), answerWait)
	if s.is(LeavesPushLegs) || s.is(LeavesFailedLegs) && o.XMLName.Local != "MsgSended" {
		<-s.ctx.Done()
	}
	media.bye()
	phone.bye()
	return s.succeeded(o, "MsgSended", k.from, u.uri, media.id())
}

// pushOffer is what the INVITE to the media server holds: nothing.
func (s *Server) pushOffer() string {
	if s.is(OffersInPush) {
		return "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
	}
	return ""
}

// refusal is an answer that refuses all media of an offer. See RFC 3264, section 6.
func refusal(offer string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "v=0\r\no=- %d 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n", time.Now().UnixNano())
	for line := range strings.SplitSeq(offer, "\r\n") {
		if words := strings.Fields(line); len(words) > 3 && strings.HasPrefix(line, "m=") {
			words[1] = "0"
			b.WriteString(strings.Join(words, " ") + "\r\n")
		}
	}
	return b.String()
}
