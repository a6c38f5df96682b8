package scriptedas

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gomscp/gomscp/interop/strictpeer"
)

// dialWait bounds a TCP connection and its handshake.
const dialWait = 5 * time.Second

// A channel is the control channel to one media server, set up anew whenever it ends.
type channel struct {
	s     *Server
	media Media
	index int

	writing sync.Mutex // held from the choice of a request-id to the end of the request

	mu      sync.Mutex
	leg     *leg
	conn    net.Conn // nil over INFO, and while there is none
	up      bool
	serial  int      // the last request-id
	sent    int      // that of SendMsg, for a fault
	left    net.Conn // that was not closed, for a fault
	version int      // of the offer's o=
	live    int      // store sessions
	pending map[string]chan outcome
}

// An outcome is what has become of a request.
type outcome struct {
	element
	status int
	err    error
}

var errLost = errors.New("the channel has ended")

// keep sets the channel up again and again.
func (c *channel) keep() {
	c.serial = 1000 * (c.index + 1)
	for {
		c.setUp()
		pause := c.s.cfg.Retry
		if c.s.is(StaysAway) && c.leg != nil {
			pause = time.Hour
		}
		if !c.s.pause(pause) {
			return
		}
	}
}

// setUp lasts as long as the control dialog.
func (c *channel) setUp() {
	ctx, cancel := context.WithTimeout(c.s.ctx, answerWait)
	defer cancel()
	session := strconv.FormatInt(time.Now().UnixNano(), 10)
	c.version = 1
	uri := "sip:ms@" + c.media.Addr + ";transport=tcp"
	l, err := c.s.invite(ctx, c.media.Addr, uri, c.s.sip.Contact("as"), c.offer(session))
	if err != nil {
		return
	}
	l.ack("")
	defer l.bye()
	c.mu.Lock()
	c.leg = l
	c.mu.Unlock()
	if c.s.cfg.Info {
		c.overInfo(l)
		return
	}
	for c.connect(l) {
		c.version++
		if c.s.is(KeepsVersion) {
			c.version--
		}
		if !c.s.pause(c.s.cfg.Retry/4) || l.reinvite(ctx, c.offer(session)) != nil {
			return
		}
	}
}

// offer is the session description of the channel. See section 7.2.1.
func (c *channel) offer(session string) string {
	host, _, _ := net.SplitHostPort(c.s.cfg.Addr)
	sdp := fmt.Sprintf("v=0\r\no=as %s %d IN IP4 %s\r\ns=-\r\nc=IN IP4 %[3]s\r\nt=0 0\r\n", session, c.version, host)
	if !c.s.cfg.Info {
		sdp += "m=application 9 TCP/MS *\r\na=setup:active\r\na=connection:new\r\n"
	}
	if cert := c.s.cfg.TLS; cert != nil {
		sdp = strings.Replace(sdp, "TCP/MS", "TCP/TLS/MS", 1) + "a=fingerprint:SHA-256 " + fingerprint(cert.Certificate[0]) + "\r\n"
	}
	if c.s.cfg.SDP != nil {
		sdp = c.s.cfg.SDP(sdp)
	}
	return sdp
}

// fingerprint is that of a certificate by SHA-256. See RFC 8122, section 5.
func fingerprint(der []byte) string {
	sum := sha256.Sum256(der)
	return strings.ReplaceAll(fmt.Sprintf("% X", sum[:]), " ", ":")
}

// sdpValue is the rest of the first line of a session description that begins so.
func sdpValue(sdp, prefix string) string {
	for line := range strings.SplitSeq(sdp, "\r\n") {
		if rest, ok := strings.CutPrefix(line, prefix); ok {
			return rest
		}
	}
	return ""
}

// connect lasts as long as the connection that the answer names, and reports whether a new
// one is to be offered in the dialog.
func (c *channel) connect(l *leg) bool {
	port, _, _ := strings.Cut(sdpValue(l.body, "m=application "), " ")
	setup := sdpValue(l.body, "a=setup:")
	if port == "0" || port == "" || setup != "passive" && !c.s.is(ConnectsToActive) {
		return false
	}
	host := sdpValue(l.body, "c=IN IP4 ")
	if c.s.is(ConnectsToSIPAddress) {
		host, _, _ = net.SplitHostPort(c.media.Addr)
	}
	conn, err := c.dial(net.JoinHostPort(host, port), sdpValue(l.body, "a=fingerprint:"))
	if err != nil {
		return false
	}
	if c.s.is(LeavesConnection) {
		c.left = conn
	} else {
		defer conn.Close()
	}
	if c.s.is(ConnectsTwice) {
		if second, err := net.DialTimeout("tcp", net.JoinHostPort(host, port), dialWait); err == nil {
			defer second.Close()
		}
	}
	read := make(chan struct{})
	c.open(conn)
	go func() { defer close(read); c.read(conn) }()
	idle := make(<-chan time.Time)
	if c.s.is(ClosesWhenIdle) {
		idle = time.After(4 * c.s.cfg.Retry)
	}
	select {
	case <-read:
	case <-l.ended:
	case <-idle:
	case <-c.s.ctx.Done():
	}
	if !c.s.is(LeavesConnection) {
		conn.Close()
		<-read
	}
	c.lost()
	select {
	case <-l.ended:
		return false
	default:
		return c.s.ctx.Err() == nil && !c.s.is(NeverReoffers)
	}
}

// dial connects, over TLS if the channel is to be, to a peer of the fingerprint.
func (c *channel) dial(addr, wanted string) (net.Conn, error) {
	conn, err := net.DialTimeout("tcp", addr, dialWait)
	if err != nil || c.s.cfg.TLS == nil {
		return conn, err
	}
	secured := tls.Client(conn, &tls.Config{Certificates: []tls.Certificate{*c.s.cfg.TLS}, InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}) // the fingerprint is what counts
	_ = conn.SetDeadline(time.Now().Add(dialWait))
	if err := secured.Handshake(); err != nil {
		conn.Close()
		return nil, err
	}
	_ = conn.SetDeadline(time.Time{})
	_, sum, _ := strings.Cut(wanted, " ")
	if sum != fingerprint(secured.ConnectionState().PeerCertificates[0].Raw) && !c.s.is(TrustsAnyCertificate) {
		conn.Close()
		return nil, errors.New("another certificate")
	}
	return secured, nil
}

func (c *channel) open(conn net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.conn, c.up, c.pending = conn, true, map[string]chan outcome{}
}

// lost resolves what is outstanding.
func (c *channel) lost() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.up, c.conn = false, nil
	for _, w := range c.pending {
		w <- outcome{err: errLost}
	}
	c.pending = nil
}

// end ends the dialog, and with it the connection.
func (c *channel) end() {
	c.mu.Lock()
	l, conn := c.leg, c.conn
	c.mu.Unlock()
	if l != nil {
		l.bye()
	}
	if conn != nil && !c.s.is(LeavesConnection) {
		conn.Close()
	}
}

// read takes PDUs until the connection ends.
func (c *channel) read(conn net.Conn) {
	r := bufio.NewReader(conn)
	for {
		p, err := readPDU(c.segment(conn, r))
		if err != nil && c.s.is(ReadsOneSegment) && !errors.Is(err, net.ErrClosed) && c.s.ctx.Err() == nil && p.start != "" {
			continue
		}
		if err != nil {
			return
		}
		switch status, id, ok := p.status(); {
		case ok && c.s.is(NeedsContentTypeFirst) && !p.typeFirst:
		case ok:
			c.response(status, id, p.body)
		case strings.HasPrefix(p.start, "NOTIF "):
			c.notification(p.body)
		case strings.HasPrefix(p.start, "REQ "):
			c.asked(p)
		}
	}
}

// segment is where the next PDU is read from: the connection, but for the faults that take
// a segment for a PDU.
func (c *channel) segment(conn net.Conn, r *bufio.Reader) *bufio.Reader {
	switch {
	case c.s.is(DropsRestOfSegment):
		if next, _ := r.Peek(min(1, r.Buffered())); len(next) == 1 && strings.Contains("MN", string(next)) {
			_, _ = r.Discard(r.Buffered()) // what is buffered is there
		}
	case c.s.is(ReadsOneSegment):
		b := make([]byte, maxBody)
		n, err := conn.Read(b)
		if err != nil {
			return bufio.NewReader(strings.NewReader(""))
		}
		return bufio.NewReader(bytes.NewReader(b[:n]))
	}
	return r
}

// response gives a response to whoever awaits it.
func (c *channel) response(status int, id, body string) {
	if c.s.is(EndsOnSurprise) && !c.awaits(id) {
		c.conn.Close()
		return
	}
	o := outcome{status: status}
	o.element, _, o.err = content(body, "response")
	if c.s.is(RefusesForeign) && strings.Contains(body, ":tag=") || c.s.is(MatchesText) && !strings.Contains(body, "<MsgRestored") && !strings.Contains(body, "<MsgSended") && o.XMLName.Space == paperSpace {
		o.err = errors.New("not understood")
	}
	c.resolve(id, o)
}

func (c *channel) awaits(id string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.pending[id] != nil
}

func (c *channel) resolve(id string, o outcome) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.s.is(TakesResponsesInOrder) {
		for first := range c.pending {
			if len(first) < len(id) || first < id {
				id = first
			}
		}
	}
	if w := c.pending[id]; w != nil {
		delete(c.pending, id)
		w <- o
	}
}

// asked takes a request, which a media server has no right to send: it is ignored.
func (c *channel) asked(p pdu) {
	if !c.s.is(AnswersRequests) {
		return
	}
	_, id, _ := strings.Cut(p.start, "/1.0 ")
	c.write("MSCP/1.0 400 Bad Request "+id, document("response", "", `<e:error xmlns:e="urn:x-scripted" reason="a request"/>`))
}

// request sends a request and returns its outcome within d.
func (c *channel) request(element string, d time.Duration) outcome {
	w := make(chan outcome, 1)
	c.writing.Lock()
	c.mu.Lock()
	if !c.up {
		c.mu.Unlock()
		c.writing.Unlock()
		return outcome{err: errLost}
	}
	c.serial++
	n := c.serial
	if c.s.is(CountsSendMsgApart) && strings.HasPrefix(element, "<SendMsg") {
		c.sent++
		n = c.sent
	}
	id := strconv.Itoa(n)
	if c.s.cfg.Info {
		id = fmt.Sprintf("r%010d", n) // an XML id begins with a letter
	}
	c.pending[id] = w
	c.mu.Unlock()
	if c.s.is(InterleavesPDUs) {
		c.writing.Unlock()
	}
	if c.s.cfg.Info {
		c.inform(document("request", id, element))
	} else {
		c.write("REQ MSCP/1.0 "+id, document("request", "", element))
	}
	if !c.s.is(InterleavesPDUs) {
		c.writing.Unlock()
	}
	limit := time.NewTimer(d)
	defer limit.Stop()
	select {
	case o := <-w:
		if errors.Is(o.err, errLost) && c.s.is(ForgetsOutstanding) {
			<-c.s.ctx.Done()
		}
		return o
	case <-limit.C:
		return outcome{err: context.DeadlineExceeded}
	case <-c.s.ctx.Done():
		return outcome{err: errLost}
	}
}

// notify sends a notification.
func (c *channel) notify(element string) {
	if c.s.cfg.Info {
		c.inform(document("notification", "", element))
		return
	}
	c.write("NOTIF MSCP/1.0", document("notification", "", element))
}

// write sends one PDU.
func (c *channel) write(start, body string) {
	text := start + "\r\nContent-Type: application/mscp+xml\r\nContent-Length: " + strconv.Itoa(len(body)) + "\r\n\r\n" + body
	if c.s.cfg.PDU != nil {
		text = c.s.cfg.PDU(text)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.conn == nil {
		return
	}
	if head := strings.Index(text, "\r\n\r\n") + 4; c.s.is(InterleavesPDUs) {
		_, _ = c.conn.Write([]byte(text[:head]))
		c.mu.Unlock()
		time.Sleep(time.Millisecond)
		c.mu.Lock()
		text = text[head:]
	}
	if c.conn != nil {
		_ = c.conn.SetWriteDeadline(time.Now().Add(dialWait))
		_, _ = c.conn.Write([]byte(text)) // a connection that is gone is seen by read
	}
}

// isAsking reports whether a request is outstanding.
func (c *channel) isAsking() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.pending) > 0
}

// isUp reports whether requests can be sent.
func (c *channel) isUp() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.up
}

// overInfo lasts as long as a dialog that carries documents in INFO. See section 7.1.
func (c *channel) overInfo(l *leg) {
	deaf := c.s.is(DropsInfo)
	l.onInfo = func(m *strictpeer.Message) {
		if !strings.HasPrefix(m.Body, "<") && c.s.is(EndsOnStrangeInfo) {
			deaf = true
		}
		if deaf {
			return
		}
		if e, id, err := content(m.Body, "response"); err == nil {
			c.resolve(id, outcome{element: e, status: 200})
			return
		}
		c.notification(m.Body)
	}
	c.mu.Lock()
	c.up, c.pending = true, map[string]chan outcome{}
	c.mu.Unlock()
	select {
	case <-l.ended:
	case <-c.s.ctx.Done():
	}
	c.lost()
}

// inform sends a document in an INFO.
func (c *channel) inform(doc string) {
	if c.s.cfg.PDU != nil {
		doc = c.s.cfg.PDU(doc)
	}
	c.mu.Lock()
	l := c.leg
	c.mu.Unlock()
	m := l.request("INFO", l.next())
	m.Add("Content-Type", "application/mscp+xml")
	m.Body = doc
	ctx, cancel := context.WithTimeout(c.s.ctx, answerWait)
	defer cancel()
	_, _ = c.s.do(ctx, l.hop(), m) // what comes of it is seen by the response
}
