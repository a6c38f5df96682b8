package strictpeer

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// A Call is one INVITE dialog with a message session.
type Call struct {
	p       *Phone
	session *session
	callID  string
	local   string // From of our requests
	remote  string // To of our requests
	target  string // the other side's Contact
	routes  []string
	setup   string // of our answers and offers
	done    chan struct{}
	once    sync.Once

	mu    sync.Mutex
	seq   int
	acked chan struct{}
}

// Call calls a user, to send messages.
func (p *Phone) Call(ctx context.Context, to string) (*Call, error) {
	c := &Call{p: p, callID: token(16), local: "<" + p.o.aor() + ">;tag=" + token(8), remote: "<" + to + ">", target: to, done: make(chan struct{}), seq: 1}
	c.setup = "active"
	if p.o.Passive {
		c.setup = "passive"
	}
	var err error
	if c.session, err = p.newSession(to, c.hangUp); err != nil {
		return nil, err
	}
	invite := p.request("INVITE", to, c.callID, 1, c.local, c.remote)
	p.describeIn(invite, c)
	p.mu.Lock()
	p.calls[c.callID] = c
	p.mu.Unlock()
	res, err := p.transact(ctx, invite)
	if err != nil {
		return nil, err
	}
	if res.Status() != 200 {
		ack := p.request("ACK", to, c.callID, 1, c.local, res.Get("To"))
		ack.Fields[0] = invite.Fields[0] // [RFC3261-17.1.1.3]
		_ = p.send(ack)
		return nil, fmt.Errorf("INVITE: %s", res.Start)
	}
	c.establish(res)
	if err := p.send(c.request("ACK", 1)); err != nil {
		return nil, err
	}
	answer, err := p.checkAnswer(res, c.setup)
	if err != nil {
		p.fault("answer: %v", err)
		_ = c.Close(ctx)
		return nil, err
	}
	p.work.Go(func() { c.session.run(answer, !p.o.Passive) })
	return c, nil
}

// establish takes what a 200 says of the dialog.
func (c *Call) establish(res *Message) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.remote, c.target, c.routes = res.Get("To"), Address(res.Get("Contact")), routesOf(res)
	slices.Reverse(c.routes) // [RFC3261-12.1.2]
}

// checkAnswer reads the answer in a 200.
func (p *Phone) checkAnswer(res *Message, offered string) (*media, error) {
	if res.Get("Content-Type") != "application/sdp" || len(res.All("Contact")) != 1 {
		return nil, fmt.Errorf("Content-Type %q, %d Contacts", res.Get("Content-Type"), len(res.All("Contact")))
	}
	m, err := parseSDP(res.Body)
	if err != nil {
		return nil, err
	}
	if want := map[string]string{"active": "passive", "passive": "active"}[offered]; m.setup != want { // [RFC6135-4.2.2]
		return nil, fmt.Errorf("setup %q where %q is offered", m.setup, offered)
	}
	if !p.common(m.acceptTypes) {
		return nil, fmt.Errorf("no type in common: %q", m.acceptTypes)
	}
	return m, nil
}

// describeIn adds what an INVITE and its 200 have in common.
func (p *Phone) describeIn(m *Message, c *Call) {
	p.mu.Lock()
	contact := p.contact
	p.mu.Unlock()
	m.Add("Contact", "<"+contact+">")
	m.Add("Allow", "SUBSCRIBE, NOTIFY, PRACK, INVITE, ACK, BYE, CANCEL, UPDATE, MESSAGE, REFER")
	m.Add("Supported", "100rel, replaces, norefersub, gruu")
	m.Add("Content-Type", "application/sdp")
	m.Body = p.describe(c.session, c.setup)
}

// routesOf are the values of Record-Route, in their order.
func routesOf(m *Message) (routes []string) {
	for _, v := range m.All("Record-Route") {
		for r := range strings.SplitSeq(v, ",") {
			routes = append(routes, strings.TrimSpace(r))
		}
	}
	return routes
}

// request makes a request within the dialog.
func (c *Call) request(method string, seq int) *Message {
	c.mu.Lock()
	defer c.mu.Unlock()
	m := c.p.request(method, c.target, c.callID, seq, c.local, c.remote)
	for _, r := range c.routes {
		m.Add("Route", r)
	}
	return m
}

// Send sends a message and waits for the responses and reports that it requests.
func (c *Call) Send(ctx context.Context, m Letter) error { return c.session.send(ctx, m) }

// Done returns a channel that is closed when either side has ended the call.
func (c *Call) Done() <-chan struct{} { return c.done }

// Close ends the call.
func (c *Call) Close(ctx context.Context) error {
	c.mu.Lock()
	c.seq++
	seq := c.seq
	c.mu.Unlock()
	first := false
	c.once.Do(func() { first = true; close(c.done) })
	if !first {
		return nil
	}
	res, err := c.p.transact(ctx, c.request("BYE", seq))
	c.session.close()
	if err == nil && res.Status() != 200 {
		err = fmt.Errorf("BYE: %s", res.Start)
	}
	return err
}

// hangUp ends the call because of a fault.
func (c *Call) hangUp() {
	ctx, cancel := context.WithTimeout(c.p.ctx, answerWait)
	defer cancel()
	if err := c.Close(ctx); err != nil {
		c.p.note("hang up", err.Error())
	}
}

// serve takes what comes by SIP.
func (p *Phone) serve() {
	for {
		packet, err := p.sip.Receive(p.ctx)
		if err != nil {
			return
		}
		m := packet.Message
		if packet.Err != nil {
			p.fault("SIP: %v", packet.Err)
			continue
		}
		p.note("SIP received", m.String())
		if m.Status() != 0 {
			p.takeResponse(m)
			continue
		}
		if err := checkRequest(m); err != nil {
			p.fault("SIP: %v", err)
			_ = p.sip.Send(packet.From, m.Reply("400 Bad Request", token(8)))
			continue
		}
		key := branchOf(m) + m.Method()
		p.mu.Lock()
		res := p.answers[key]
		p.mu.Unlock()
		if res == nil && m.Method() != "ACK" {
			res = p.takeRequest(packet)
			p.mu.Lock()
			p.answers[key] = res
			p.mu.Unlock()
		}
		if m.Method() == "ACK" {
			p.takeAck(m)
			continue
		}
		p.note("SIP sent", res.String())
		if err := p.sip.Send(packet.From, res); err != nil {
			p.note("not sent", err.Error())
		}
	}
}

// takeResponse gives a response to its transaction. A repeated 2xx to an INVITE gets
// its ACK again.
func (p *Phone) takeResponse(m *Message) {
	p.mu.Lock()
	waiting, call := p.waiting[branchOf(m)], p.calls[m.Get("Call-ID")]
	p.mu.Unlock()
	switch {
	case waiting != nil:
		select {
		case waiting <- m:
		default:
		}
	case m.Status() == 200 && m.Get("CSeq") == "1 INVITE" && call != nil:
		_ = p.send(call.request("ACK", 1))
	}
}

func (p *Phone) takeAck(m *Message) {
	p.mu.Lock()
	c := p.calls[m.Get("Call-ID")]
	p.mu.Unlock()
	if c == nil || c.acked == nil {
		return // for a refusal
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	select {
	case <-c.acked:
	default:
		close(c.acked)
	}
}

// takeRequest returns the response to a request other than ACK.
func (p *Phone) takeRequest(packet Packet) *Message {
	m := packet.Message
	if m.Method() == "INVITE" && Tag(m.Get("To")) == "" {
		res := p.takeInvite(packet)
		p.mu.Lock()
		p.statuses = append(p.statuses, res.Status())
		p.mu.Unlock()
		return res
	}
	p.mu.Lock()
	c := p.calls[m.Get("Call-ID")]
	p.mu.Unlock()
	if c == nil || !c.owns(m) {
		if m.Method() == "OPTIONS" {
			return m.Reply("200 OK", token(8))
		}
		return m.Reply("481 Call/Transaction Does Not Exist", token(8))
	}
	switch m.Method() {
	case "BYE":
		c.once.Do(func() { close(c.done) })
		c.session.close()
	case "INVITE":
		res := m.Reply("200 OK", "")
		p.describeIn(res, c)
		return res
	case "UPDATE", "INFO", "OPTIONS":
	default:
		return m.Reply("405 Method Not Allowed", "")
	}
	return m.Reply("200 OK", "")
}

// owns reports whether a request belongs to the dialog.
func (c *Call) owns(m *Message) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return Tag(m.Get("To")) == Tag(c.local) && Tag(m.Get("From")) == Tag(c.remote)
}

// takeInvite answers a call as a SIP SIMPLE client does.
func (p *Phone) takeInvite(packet Packet) *Message {
	m, tag := packet.Message, token(8)
	if m.Get("Content-Type") != "application/sdp" {
		p.fault("INVITE with Content-Type %q", m.Get("Content-Type"))
		return m.Reply("415 Unsupported Media Type", tag)
	}
	offer, err := parseSDP(m.Body)
	if err != nil {
		p.fault("offer: %v", err)
		return m.Reply("488 Not Acceptable Here", tag)
	}
	if !p.common(offer.acceptTypes) || p.o.DemandCPIM && !(slices.Contains(offer.acceptTypes, "message/cpim") && takes(offer.acceptWrapped, "text/plain")) {
		return m.Reply("415 Unsupported Media Type", tag) // as captured
	}
	c := &Call{p: p, callID: m.Get("Call-ID"), local: m.Get("To") + ";tag=" + tag, remote: m.Get("From"), target: Address(m.Get("Contact")),
		routes: routesOf(m), done: make(chan struct{}), acked: make(chan struct{})}
	active := offer.setup == "passive" || offer.setup == "actpass" && !p.o.Passive
	c.setup = "passive"
	if active {
		c.setup = "active"
	}
	if c.session, err = p.newSession(Address(m.Get("From")), c.hangUp); err != nil {
		return m.Reply("500 Server Internal Error", tag)
	}
	res := m.Reply("200 OK", tag)
	p.describeIn(res, c)
	p.mu.Lock()
	p.calls[c.callID] = c
	p.mu.Unlock()
	p.work.Go(func() { c.awaitAck(packet.From, res) })
	p.work.Go(func() { c.session.run(offer, active) })
	return res
}

// awaitAck repeats a 200 until its ACK comes. See RFC 3261, section 13.3.1.4.
func (c *Call) awaitAck(to string, res *Message) {
	interval := t1
	repeat, end := time.NewTimer(interval), time.NewTimer(answerWait)
	defer repeat.Stop()
	defer end.Stop()
	for {
		select {
		case <-c.acked:
			return
		case <-c.p.ctx.Done():
			return
		case <-repeat.C:
			_ = c.p.sip.Send(to, res)
			interval = min(2*interval, 4*time.Second)
			repeat.Reset(interval)
		case <-end.C:
			c.session.fault("no ACK")
			return
		}
	}
}
