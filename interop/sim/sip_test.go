package sim

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gomscp/gomscp/internal/simnet"
)

// T1, T2 and 64*T1 of RFC 3261, section 17.
const (
	t1  = 500 * time.Millisecond
	t2  = 4 * time.Second
	t64 = 64 * t1
)

// A sipMessage is a request or a response, whose headers are as they came.
type sipMessage struct {
	first   string
	headers [][2]string // names in lower case
	body    []byte
}

func parseSIP(b []byte) *sipMessage {
	head, body, _ := bytes.Cut(b, []byte("\r\n\r\n"))
	lines := strings.Split(string(head), "\r\n")
	m := &sipMessage{first: lines[0], body: bytes.Clone(body)}
	for _, line := range lines[1:] {
		name, value, _ := strings.Cut(line, ":")
		m.headers = append(m.headers, [2]string{strings.ToLower(strings.TrimSpace(name)), strings.TrimSpace(value)})
	}
	return m
}

// get is the first header of that name.
func (m *sipMessage) get(name string) string {
	for _, h := range m.headers {
		if h[0] == name {
			return h[1]
		}
	}
	return ""
}

func (m *sipMessage) method() string {
	word, _, _ := strings.Cut(m.first, " ")
	return word
}

// code is that of a response, 0 of a request.
func (m *sipMessage) code() int {
	if !strings.HasPrefix(m.first, "SIP/2.0 ") {
		return 0
	}
	n, _ := strconv.Atoi(m.first[8:11])
	return n
}

func (m *sipMessage) branch() string { return param(m.get("via"), "branch") }

// cseq is the number and the method.
func (m *sipMessage) cseq() (number, method string) {
	number, method, _ = strings.Cut(m.get("cseq"), " ")
	return number, method
}

// param is a header parameter.
func param(value, name string) string {
	for _, p := range strings.Split(value, ";")[1:] {
		if k, v, _ := strings.Cut(strings.TrimSpace(p), "="); k == name {
			return v
		}
	}
	return ""
}

// uriIn is the URI of a From, To or Contact.
func uriIn(value string) string {
	if _, rest, ok := strings.Cut(value, "<"); ok {
		value, _, _ = strings.Cut(rest, ">")
		return value
	}
	value, _, _ = strings.Cut(value, ";")
	return value
}

// An endpoint is the SIP of everybody but the cluster, on one UDP socket: the proxy, the
// presence server and all user agents.
type endpoint struct {
	conn   net.PacketConn
	server net.Addr // the application server
	take   func(*sipMessage)
	log    *slog.Logger

	mu       sync.Mutex
	number   int
	waiting  map[string]chan *sipMessage // by branch
	answers  map[string][]byte           // last responses, by branch and method
	acks     map[string][]byte           // of our INVITEs, by Call-ID and From tag
	awaiting map[string]chan struct{}    // 2xx whose ACK is awaited, by Call-ID
	dialogs  map[string]func(*sipMessage)
}

func newEndpoint(h *simnet.Host, address, server string, log *slog.Logger, take func(*sipMessage)) (*endpoint, error) {
	conn, err := h.ListenPacket("udp", address)
	if err != nil {
		return nil, err
	}
	to, err := net.ResolveUDPAddr("udp", server)
	return &endpoint{
		conn: conn, server: to, take: take, log: log, waiting: map[string]chan *sipMessage{}, answers: map[string][]byte{},
		acks: map[string][]byte{}, awaiting: map[string]chan struct{}{}, dialogs: map[string]func(*sipMessage){},
	}, err
}

// serve takes what comes until the socket is closed.
func (e *endpoint) serve() {
	buf := make([]byte, 65536)
	for {
		n, _, err := e.conn.ReadFrom(buf)
		if err != nil {
			return
		}
		m := parseSIP(buf[:n])
		e.trace("<-", buf[:n])
		if m.code() != 0 {
			e.response(m)
		} else {
			e.request(m)
		}
	}
}

func (e *endpoint) response(m *sipMessage) {
	e.mu.Lock()
	wait, ack := e.waiting[m.branch()], e.acks[m.get("call-id")]
	e.mu.Unlock()
	if _, method := m.cseq(); wait == nil && method == "INVITE" && m.code() >= 200 && ack != nil {
		e.send(ack)
	}
	select {
	case wait <- m: // nil: nobody waits
	default:
	}
}

func (e *endpoint) request(m *sipMessage) {
	key := m.branch() + m.method()
	e.mu.Lock()
	again, seen := e.answers[key]
	inDialog := e.dialogs[m.get("call-id")]
	if !seen && m.method() != "ACK" {
		e.answers[key] = nil
	}
	if m.method() == "ACK" {
		if done := e.awaiting[m.get("call-id")]; done != nil {
			close(done)
			delete(e.awaiting, m.get("call-id"))
		}
	}
	e.mu.Unlock()
	switch {
	case again != nil:
		e.send(again)
	case seen:
	case inDialog != nil:
		inDialog(m)
	case m.method() != "ACK" && strings.Contains(m.get("to"), ";tag=") && m.method() != "SUBSCRIBE":
		e.reply(m, "481 Call/Transaction Does Not Exist", "", nil, nil)
	default:
		e.take(m)
	}
}

func (e *endpoint) send(b []byte) {
	e.trace("->", b)
	_, _ = e.conn.WriteTo(b, e.server)
}

// trace logs a message.
func (e *endpoint) trace(way string, b []byte) {
	if e.log.Enabled(context.Background(), slog.LevelDebug) {
		m := parseSIP(b)
		e.log.Debug("SIP "+way, "first", m.first, "call", m.get("call-id"), "cseq", m.get("cseq"))
	}
}

// unique is a name that nobody else has.
func (e *endpoint) unique(prefix string) string {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.number++
	return fmt.Sprint(prefix, e.number)
}

// onDialog has take get the requests of a Call-ID; nil ends that.
func (e *endpoint) onDialog(callID string, take func(*sipMessage)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if take == nil {
		delete(e.dialogs, callID)
	} else {
		e.dialogs[callID] = take
	}
}

// reply answers a request. A 2xx to an INVITE is repeated until the ACK has come.
func (e *endpoint) reply(m *sipMessage, status, tag string, headers []string, body []byte) {
	var b bytes.Buffer
	fmt.Fprintf(&b, "SIP/2.0 %s\r\n", status)
	for _, h := range m.headers {
		switch h[0] {
		case "via", "from", "call-id", "cseq":
			fmt.Fprintf(&b, "%s: %s\r\n", h[0], h[1])
		case "to":
			if !strings.Contains(h[1], ";tag=") && tag != "" {
				h[1] += ";tag=" + tag
			}
			fmt.Fprintf(&b, "To: %s\r\n", h[1])
		}
	}
	for _, h := range headers {
		b.WriteString(h + "\r\n")
	}
	fmt.Fprintf(&b, "Content-Length: %d\r\n\r\n%s", len(body), body)
	done := make(chan struct{})
	e.mu.Lock()
	e.answers[m.branch()+m.method()] = b.Bytes()
	repeat := m.method() == "INVITE" && status[0] >= '2'
	if repeat {
		e.awaiting[m.get("call-id")] = done
	}
	e.mu.Unlock()
	e.send(b.Bytes())
	if repeat {
		first := t1
		if status[0] > '2' {
			// The servers' SIP stack waits for T2 before it acknowledges a refusal again,
			// in a mutex; a third one would hold virtual time up.
			first = 2 * t2
		}
		go e.repeat(b.Bytes(), done, first)
	}
}

// repeat sends b again and again until done, first after that time.
func (e *endpoint) repeat(b []byte, done <-chan struct{}, first time.Duration) {
	for wait, spent := first, time.Duration(0); spent < t64; wait = max(min(2*wait, t2), first) {
		timer := time.NewTimer(wait)
		select {
		case <-done:
			timer.Stop()
			return
		case <-timer.C:
			e.send(b)
			spent += wait
		}
	}
}

// A dialogOf is what requests within a dialog, or one that is to begin, have in common.
type dialogOf struct {
	e                    *endpoint
	callID, target       string // Call-ID, and Request-URI
	local, remote        string // From and To, with tags
	contact, inviteCSeq  string
	inviteBranch, toSaid string // of the INVITE: its branch, and its To without a tag

	mu   sync.Mutex
	cseq int
}

func (d *dialogOf) build(method, branch, cseq, to string, headers []string, body []byte) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=%s\r\nMax-Forwards: 70\r\nFrom: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %s %s\r\nContact: <%s>\r\n",
		method, d.target, d.e.conn.LocalAddr(), branch, d.local, to, d.callID, cseq, method, d.contact)
	for _, h := range headers {
		b.WriteString(h + "\r\n")
	}
	fmt.Fprintf(&b, "Content-Length: %d\r\n\r\n%s", len(body), body)
	return b.Bytes()
}

// do sends a request, repeats it, and returns its final response; nil if none comes.
func (d *dialogOf) do(method string, headers []string, body []byte) *sipMessage {
	d.mu.Lock()
	d.cseq++
	cseq, branch, to := strconv.Itoa(d.cseq), d.e.unique("z9hG4bKc"), d.remote
	if method == "INVITE" {
		d.inviteCSeq, d.inviteBranch, d.toSaid = cseq, branch, to
	}
	d.mu.Unlock()
	return d.e.transact(branch, method, d.build(method, branch, cseq, to, headers, body))
}

func (e *endpoint) transact(branch, method string, b []byte) *sipMessage {
	answers := make(chan *sipMessage, 8)
	e.mu.Lock()
	e.waiting[branch] = answers
	e.mu.Unlock()
	defer func() {
		e.mu.Lock()
		delete(e.waiting, branch)
		e.mu.Unlock()
	}()
	e.send(b)
	wait, provisional := t1, false
	over := time.NewTimer(2 * t64)
	defer over.Stop()
	for {
		timer := time.NewTimer(wait)
		select {
		case m := <-answers:
			timer.Stop()
			if m.code() >= 200 {
				return m
			}
			provisional = true
		case <-over.C:
			timer.Stop()
			return nil
		case <-timer.C:
			if wait *= 2; method != "INVITE" {
				wait = min(wait, t2)
			}
			if method != "INVITE" || !provisional {
				e.send(b)
			}
		}
	}
}

// answered takes the final response to our INVITE: it is acknowledged, and its tag,
// target and body are those of the dialog.
func (d *dialogOf) answered(m *sipMessage) {
	d.mu.Lock()
	defer d.mu.Unlock()
	branch := d.inviteBranch
	if m.code() < 300 {
		branch = d.e.unique("z9hG4bKa")
		d.remote, d.target = m.get("to"), uriIn(m.get("contact"))
	}
	ack := d.build("ACK", branch, d.inviteCSeq, m.get("to"), nil, nil)
	d.e.mu.Lock()
	d.e.acks[d.callID] = ack
	d.e.mu.Unlock()
	d.e.send(ack)
}

// cancel sends the CANCEL of our INVITE.
func (d *dialogOf) cancel() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.inviteBranch != "" {
		d.e.send(d.build("CANCEL", d.inviteBranch, d.inviteCSeq, d.toSaid, nil, nil))
	}
}
