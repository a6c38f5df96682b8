package scriptedas

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gomscp/gomscp/interop/strictpeer"
)

// answerWait bounds every wait for a SIP response.
const answerWait = 20 * time.Second

// A leg is one INVITE dialog.
type leg struct {
	s       *Server
	callID  string
	local   string // From of our requests
	remote  string // To of our requests
	target  string // the other side's Contact
	routes  []string
	body    string        // the other side's session description
	ended   chan struct{} // closed when either side has ended it
	once    sync.Once
	stopped chan struct{} // closed when the caller has cancelled
	in      *strictpeer.Packet
	onInfo  func(*strictpeer.Message)

	mu  sync.Mutex
	seq int
}

// incoming makes the leg of a call that comes.
func (s *Server) incoming(p strictpeer.Packet) *leg {
	tag := token()
	l := &leg{
		s: s, callID: p.Get("Call-ID"), local: p.Get("To") + ";tag=" + tag, remote: p.Get("From"), target: strictpeer.Address(p.Get("Contact")),
		routes: list(p.Message, "Record-Route"), body: p.Body, ended: make(chan struct{}), stopped: make(chan struct{}), in: &p,
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.legs[l.callID+tag] = l
	return l
}

// cancelled has a caller give up.
func (s *Server) cancelled(callID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.legs {
		if l.callID == callID && l.in != nil {
			select {
			case <-l.stopped:
			default:
				close(l.stopped)
			}
		}
	}
}

// answer sends a 200 with a session description.
func (l *leg) answer(sdp string) {
	res := l.in.Reply("200 OK", strictpeer.Tag(l.local))
	res.Add("Contact", "<"+l.s.sip.Contact("as")+">")
	l.s.reply(l.in.From, l.withBody(res, sdp))
}

// refuse ends a call that was not answered.
func (l *leg) refuse(status string) {
	l.s.reply(l.in.From, l.in.Reply(status, strictpeer.Tag(l.local)))
	l.finish()
}

// errRefused is a final response that is no success.
type errRefused struct{ *strictpeer.Message }

func (e errRefused) Error() string { return e.Start }

// invite calls dest, a host:port, and returns the leg; it is not acknowledged. from is the
// URI in whose name it calls.
func (s *Server) invite(ctx context.Context, dest, uri, from, body string) (*leg, error) {
	tag := token()
	l := &leg{s: s, callID: token(), local: "<" + from + ">;tag=" + tag, remote: "<" + uri + ">", target: uri, ended: make(chan struct{}), seq: 1}
	if s.is(ReusesCallID) && strings.HasPrefix(uri, "sip:ms@") && strings.Contains(body, "m=application") {
		l.callID = "control-" + strings.ReplaceAll(dest, ":", "-")
	}
	m := l.request("INVITE", 1)
	m.Add("Contact", "<"+s.sip.Contact("as")+">")
	if body != "" {
		m.Add("Content-Type", "application/sdp")
		m.Body = body
	}
	s.mu.Lock()
	s.legs[l.callID+tag] = l
	s.mu.Unlock()
	res, err := s.do(ctx, dest, m)
	if err != nil {
		return nil, err
	}
	if res.Status() >= 300 {
		ack := l.request("ACK", 1)
		ack.Fields[0] = m.Fields[0]
		for i := range ack.Fields {
			if ack.Fields[i].Name == "To" {
				ack.Fields[i].Value = res.Get("To")
			}
		}
		s.reply(dest, ack)
		return nil, errRefused{res}
	}
	l.remote, l.target, l.body = res.Get("To"), strictpeer.Address(res.Get("Contact")), res.Body
	l.routes = list(res, "Record-Route")
	slices.Reverse(l.routes)
	return l, nil
}

// ack acknowledges the 200, with a session description if it had the offer.
func (l *leg) ack(body string) { l.s.reply(l.hop(), l.withBody(l.request("ACK", l.last()), body)) }

func (l *leg) withBody(m *strictpeer.Message, body string) *strictpeer.Message {
	if body != "" {
		m.Add("Content-Type", "application/sdp")
		m.Body = body
	}
	return m
}

// reinvite makes a new offer in the dialog.
func (l *leg) reinvite(ctx context.Context, offer string) error {
	m := l.request("INVITE", l.next())
	m.Add("Contact", "<"+l.s.sip.Contact("as")+">")
	res, err := l.s.do(ctx, l.hop(), l.withBody(m, offer))
	if err != nil {
		return err
	}
	if res.Status() >= 300 {
		return errRefused{res}
	}
	l.body = res.Body
	l.ack("")
	return nil
}

// bye ends the dialog; one that has ended stays so.
func (l *leg) bye() {
	select {
	case <-l.ended:
		return
	default:
	}
	l.finish()
	ctx, cancel := context.WithTimeout(l.s.ctx, answerWait)
	defer cancel()
	_, _ = l.s.do(ctx, l.hop(), l.request("BYE", l.next())) // the peer may be gone
}

// finish marks the dialog as ended.
func (l *leg) finish() { l.once.Do(func() { close(l.ended) }) }

func (l *leg) next() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.seq++
	return l.seq
}

func (l *leg) last() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.seq
}

// id names the connection: Call-ID, From tag and To tag of our dialog. See section 2.3.1.
func (l *leg) id() string {
	return l.callID + ";" + strictpeer.Tag(l.local) + ";" + strictpeer.Tag(l.remote)
}

func (l *leg) request(method string, seq int) *strictpeer.Message {
	m := &strictpeer.Message{Start: method + " " + l.target + " SIP/2.0"}
	m.Add("Via", l.s.sip.Via())
	m.Add("Max-Forwards", "70")
	m.Add("From", l.local)
	m.Add("To", l.remote)
	m.Add("Call-ID", l.callID)
	m.Add("CSeq", fmt.Sprint(seq, " ", method))
	for _, r := range l.routes {
		m.Add("Route", r)
	}
	return m
}

// hop is where requests of the dialog go.
func (l *leg) hop() string {
	if len(l.routes) > 0 {
		return address(strictpeer.Address(l.routes[0]))
	}
	return address(l.target)
}

// address is the host:port of a SIP URI.
func address(uri string) string {
	_, rest, _ := strings.Cut(uri, ":")
	if i := strings.IndexByte(rest, '@'); i >= 0 {
		rest = rest[i+1:]
	}
	rest, _, _ = strings.Cut(rest, ";")
	if !strings.Contains(rest, ":") {
		rest += ":5060"
	}
	return rest
}

// list are the values of a header, in their order.
func list(m *strictpeer.Message, name string) (values []string) {
	for _, v := range m.All(name) {
		for r := range strings.SplitSeq(v, ",") {
			values = append(values, strings.TrimSpace(r))
		}
	}
	return values
}

// reply sends a message of which nothing is awaited: a peer that is gone is seen elsewhere.
func (s *Server) reply(to string, m *strictpeer.Message) { _ = s.send(to, m) }

// send sends a message as the fault of the server has it.
func (s *Server) send(to string, m *strictpeer.Message) error {
	if s.cfg.SIP != nil {
		if changed, err := strictpeer.ParseMessage(s.cfg.SIP(m.String())); err == nil {
			changed.Fields = slices.DeleteFunc(changed.Fields, func(f strictpeer.Field) bool { return f.Name == "Content-Length" })
			m = changed
		}
	}
	return s.sip.Send(to, m)
}

// do sends a request and returns its final response. An INVITE that ctx ends is cancelled.
func (s *Server) do(ctx context.Context, to string, m *strictpeer.Message) (*strictpeer.Message, error) {
	_, rest, _ := strings.Cut(m.Get("Via"), ";branch=")
	branch, _, _ := strings.Cut(rest, ";")
	c := make(chan *strictpeer.Message, 10)
	s.mu.Lock()
	s.waiting[branch] = c
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		delete(s.waiting, branch)
		s.mu.Unlock()
	}()
	if err := s.send(to, m); err != nil {
		return nil, err
	}
	limit := time.NewTimer(answerWait)
	defer limit.Stop()
	for {
		select {
		case res := <-c:
			if res.Status() >= 200 {
				return res, nil
			}
		case <-limit.C:
			return nil, errors.New("no response")
		case <-ctx.Done():
			if m.Method() == "INVITE" && !s.is(NeverCancels) {
				s.reply(to, cancelOf(m))
			}
			return nil, ctx.Err()
		case <-s.ctx.Done():
			return nil, s.ctx.Err()
		}
	}
}

// cancelOf makes the CANCEL of an INVITE.
func cancelOf(m *strictpeer.Message) *strictpeer.Message {
	c := &strictpeer.Message{Start: "CANCEL " + m.URI() + " SIP/2.0"}
	for _, name := range []string{"Via", "Max-Forwards", "From", "To", "Call-ID"} {
		c.Add(name, m.Get(name))
	}
	number, _, _ := strings.Cut(m.Get("CSeq"), " ")
	c.Add("CSeq", number+" CANCEL")
	return c
}

func (s *Server) takeResponse(m *strictpeer.Message) {
	_, rest, _ := strings.Cut(m.Get("Via"), ";branch=")
	branch, _, _ := strings.Cut(rest, ";")
	s.mu.Lock()
	c := s.waiting[branch]
	s.mu.Unlock()
	select {
	case c <- m:
	default: // nobody waits any more
	}
}
