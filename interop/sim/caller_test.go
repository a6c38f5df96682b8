package sim

import (
	"fmt"
	"strings"
	"sync"
	"time"
)

// A call is one that a user makes to leave messages.
type call struct {
	w        *world
	from, to string
	session  string // session-id of our MSRP URI
	passive  bool   // the media server is to connect

	d    *dialogOf
	ops  chan func()
	over chan struct{} // closed when the dialog has ended, or was never there
	once sync.Once

	// Under w.mu.
	conn  *msrpConn
	sent  []*message
	mixed bool // its messages may come in another order
	up    bool
	bound chan struct{} // closed when conn is there, of a passive one
}

// sdpOf is a session description with one MSRP line.
func sdpOf(port int, path, setup string) []byte {
	return fmt.Appendf(nil, "v=0\r\no=- 1 1 IN IP4 %s\r\ns=-\r\nc=IN IP4 %s\r\nt=0 0\r\nm=message %d TCP/MSRP *\r\na=accept-types:*\r\na=path:%s\r\na=setup:%s\r\n",
		outsideIP, outsideIP, port, path, setup)
}

// pathIn is the MSRP path of a session description.
func pathIn(sdp []byte) string {
	for line := range strings.Lines(string(sdp)) {
		if path, ok := strings.CutPrefix(strings.TrimSpace(line), "a=path:"); ok {
			return path
		}
	}
	return ""
}

// addressIn is the host and port of an MSRP URI.
func addressIn(path string) string {
	rest := strings.TrimPrefix(path, "msrp://")
	address, _, _ := strings.Cut(rest, "/")
	return address
}

func ourPath(session string) string {
	return fmt.Sprintf("msrp://%s:%d/%s;tcp", outsideIP, msrpPort, session)
}

// invite begins a call. What it is to do comes over its ops, one after the other.
func (w *world) invite(from, to string, passive bool) *call {
	c := &call{w: w, from: from, to: to, passive: passive, ops: make(chan func(), 200), over: make(chan struct{}), bound: make(chan struct{})}
	c.session = w.e.unique("store")
	c.d = &dialogOf{
		e: w.e, callID: w.e.unique("call") + "@" + outsideIP, target: uriOf(to),
		local: "<" + uriOf(from) + ">;tag=" + w.e.unique("f"), remote: "<" + uriOf(to) + ">", contact: "sip:" + from + "@" + sipAddress,
	}
	w.mu.Lock()
	w.calls = append(w.calls, c)
	w.mu.Unlock()
	w.e.onDialog(c.d.callID, c.request)
	w.work.Go(c.run)
	return c
}

// request takes one of the cluster's within the dialog.
func (c *call) request(m *sipMessage) {
	switch m.method() {
	case "BYE":
		c.w.e.reply(m, "200 OK", "", nil, nil)
		c.end()
	case "ACK":
	case "INVITE": // a refresh: nothing changes
		c.w.e.reply(m, "200 OK", "", answerHeaders(c.from), sdpOf(msrpPort, ourPath(c.session), c.setup()))
	default:
		c.w.e.reply(m, "501 Not Implemented", "", nil, nil)
	}
}

// setup is our role in offers.
func (c *call) setup() string {
	if c.passive {
		return "passive"
	}
	return "active"
}

// end notes that the dialog is over, and closes the connection.
func (c *call) end() {
	c.once.Do(func() {
		close(c.over)
		c.w.mu.Lock()
		conn := c.conn
		c.w.mu.Unlock()
		if conn != nil {
			conn.conn.Close()
		}
	})
}

func (c *call) run() {
	defer c.end()
	setup := "active"
	if c.passive {
		setup = "actpass"
		c.w.mu.Lock()
		c.w.passive[c.session] = &pushSession{w: c.w, user: c.from, call: c}
		c.w.mu.Unlock()
	}
	final := c.d.do("INVITE", []string{"Content-Type: application/sdp"}, sdpOf(msrpPort, ourPath(c.session), setup))
	if final == nil {
		return
	}
	c.d.answered(final)
	if final.code() >= 300 {
		return
	}
	if !c.connect(final.body) {
		c.d.do("BYE", nil, nil)
		return
	}
	c.w.mu.Lock()
	c.up = true
	c.w.mu.Unlock()
	for {
		select {
		case op := <-c.ops:
			op()
		case <-c.over:
			return
		}
	}
}

// connect makes the MSRP connection that the answer describes.
func (c *call) connect(answer []byte) bool {
	path := pathIn(answer)
	if strings.Contains(string(answer), "a=setup:active") {
		timer := time.NewTimer(20 * time.Second)
		defer timer.Stop()
		select {
		case <-c.bound:
			return true
		case <-timer.C:
		case <-c.over:
		}
		return false
	}
	conn, err := c.w.outside.DialContext(c.w.ctx(10*time.Second), "tcp", addressIn(path))
	if err != nil {
		return false
	}
	mc := newMSRPConn(c.w.e, conn, path, ourPath(c.session))
	c.use(mc)
	c.w.work.Go(func() { mc.serve(func(f *frame) { c.frame(mc, f) }) })
	return true
}

// use has the call send over a connection.
func (c *call) use(mc *msrpConn) {
	c.w.mu.Lock()
	defer c.w.mu.Unlock()
	c.conn = mc
}

// frame takes a request on the connection: an empty SEND, or a report on a message.
func (c *call) frame(mc *msrpConn, f *frame) {
	if f.what != "REPORT" {
		mc.answer(f, "200 OK")
		return
	}
	code := 0
	_, _ = fmt.Sscanf(strings.TrimPrefix(f.headers["Status"], "000 "), "%d", &code)
	c.w.mu.Lock()
	var about *message
	for _, m := range c.sent {
		if m.id == f.headers["Message-ID"] {
			about = m
		}
	}
	c.w.mu.Unlock()
	if about != nil {
		c.w.answered(about, code)
	}
}

// A sending is how messages go out.
type sending struct {
	count, size int
	part        bool // the first chunk only
	typeless    bool
	report      bool // asks for success reports
	again       bool // what was refused, or not answered, before
	bye         bool // hangs up behind them, at once
	reset       bool // resets the connection behind them
}

// send sends messages, all with one write.
func (c *call) send(s sending) {
	w := c.w
	w.mu.Lock()
	conn := c.conn
	var list []*message
	if s.again {
		list = w.sendAgain(c, s.count)
	}
	for range s.count - len(list) {
		m := w.newMessage(c.from, c.to, s.size)
		m.typeless, m.partial, m.report = s.typeless, s.part, s.report
		list = append(list, m)
	}
	for _, m := range list {
		m.call, m.sent = c, time.Now()
		c.sent = append(c.sent, m)
		c.mixed = c.mixed || s.again || s.report
	}
	w.mu.Unlock()
	var wire strings.Builder
	for _, m := range list {
		w.log.Info("SENT", "message", m.String(), "call", c.d.callID, "part", s.part)
		c.frames(&wire, conn, m)
	}
	done := make(chan struct{})
	go func() {
		_ = conn.write(wire.String())
		close(done)
	}()
	if s.bye || s.reset {
		c.hangUp(s.reset)
		return
	}
	select {
	case <-done:
	case <-c.over:
	}
}

// sendAgain chooses messages of the same pair that were refused, or not answered. w.mu is
// held.
func (w *world) sendAgain(c *call, most int) (list []*message) {
	for _, m := range w.messages {
		if len(list) == most {
			break
		}
		if m.from == c.from && m.to == c.to && m.state != confirmed && !m.partial && !m.typeless && !m.report && m.call != c {
			m.mayCome = m.mayCome || m.state == unknown
			m.state, m.mayDouble = unknown, true
			list = append(list, m)
		}
	}
	return list
}

// chunkSize is that of the chunks of larger messages.
const chunkSize = 8192

// frames writes a message's chunks as they go on the wire.
func (c *call) frames(wire *strings.Builder, conn *msrpConn, m *message) {
	kind := "text/plain"
	if m.typeless {
		kind = ""
	}
	reports := ""
	if m.report {
		reports = "Success-Report: yes\r\n"
	}
	for at := 0; at < len(m.body); at += chunkSize {
		part, flag := m.body[at:min(at+chunkSize, len(m.body))], byte('$')
		if at+len(part) < len(m.body) {
			flag = '+'
		} else if m.partial {
			part, flag = part[:len(part)-1], '+'
		}
		headers := fmt.Sprintf("Message-ID: %s\r\nByte-Range: %d-%d/%d\r\n%s", m.id, at+1, at+len(part), len(m.body), reports)
		last := flag == '$'
		wire.WriteString(conn.request("SEND", headers, kind, part, flag, func(code int) {
			if code != 200 || last && !m.report {
				c.w.answered(m, code)
			}
		}))
	}
}

// hangUp ends the call: with BYE, or by a reset of the connection without one.
func (c *call) hangUp(reset bool) {
	if reset {
		c.w.mu.Lock()
		conn := c.conn
		c.w.mu.Unlock()
		local, remote := conn.conn.LocalAddr().String(), conn.conn.RemoteAddr().String()
		c.w.outside.Reset(matchConn(local, remote))
		return
	}
	c.d.do("BYE", nil, nil)
	timer := time.NewTimer(time.Second) // for the last answers
	defer timer.Stop()
	<-timer.C
	c.end()
}

// op has the call do something when it has done what it does now.
func (c *call) op(do func()) {
	select {
	case c.ops <- do:
	default:
	}
}

// ended reports whether the call is over.
func (c *call) ended() bool {
	select {
	case <-c.over:
		return true
	default:
		return false
	}
}
