package conform

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"github.com/gomscp/gomscp/interop/strictpeer"
)

// A recipientFault is what a recipient of messages does wrong, and the strict case that
// notices it first.
type recipientFault struct {
	name, fails string

	sdp   func(offer, answer string) string              // changes the answer of the call
	in    func(c *recipientConn, f *recipientFrame)      // changes a request before it is handled
	out   func(f *recipientFrame, out string) string     // changes a response or REPORT; f is the SEND
	serve func(c *recipientConn, f *recipientFrame) bool // handles a request; false has the recipient do it

	sessionID     string // of every session; "" makes a new one each
	tornReads     bool   // bytes are lost unless a request is read at once
	mergedReads   bool   // bytes behind a request in the same read are lost
	earlyEnd      bool   // a line that begins as the end-line does is one
	ignoresCase   bool   // in session-ids
	minimumReport int    // a shorter message is reported as failed
}

// A recipient takes messages. It shares no code with packages msrp and sipua.
type recipient struct {
	f   recipientFault
	sip *strictpeer.Endpoint
	ln  net.Listener

	mu       sync.Mutex
	calls    map[string]*recipientSession // by Call-ID
	sessions map[string]*recipientSession // by the normal form of their URIs
}

// A recipientSession is one call's session.
type recipientSession struct {
	uri, remote, answer string
	conn                *recipientConn // that it is bound to
	messages            map[string]*recipientMessage
}

// A recipientMessage is a message of which chunks have come.
type recipientMessage struct{ got, total int } // total is 0 before the last chunk

// maxRecipientSize is the recipient's max-size.
const maxRecipientSize = 200_000

// startRecipient starts one on loopback, and returns where it takes SIP.
func startRecipient(t *testing.T, f recipientFault) string {
	t.Helper()
	r := &recipient{f: f, calls: map[string]*recipientSession{}, sessions: map[string]*recipientSession{}}
	var err error
	if r.sip, err = strictpeer.Listen("UDP"); err != nil {
		t.Fatal(err)
	}
	if r.ln, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var work sync.WaitGroup
	t.Cleanup(func() { cancel(); r.ln.Close(); r.sip.Close(); work.Wait() })
	work.Go(func() { r.takeCalls(ctx) })
	work.Go(func() {
		for {
			c, err := r.ln.Accept()
			if err != nil {
				return
			}
			stop := context.AfterFunc(ctx, func() { c.Close() })
			work.Go(func() { defer stop(); defer c.Close(); (&recipientConn{Conn: c, r: r}).read() })
		}
	})
	return r.sip.Addr()
}

// takeCalls answers INVITE and BYE.
func (r *recipient) takeCalls(ctx context.Context) {
	for {
		p, err := r.sip.Receive(ctx)
		if err != nil {
			return
		}
		if p.Err != nil || p.Method() == "" || p.Method() == "ACK" {
			continue
		}
		resp := p.Reply("200 OK", "recipient")
		if p.Method() == "INVITE" {
			resp.Add("Contact", "<"+r.sip.Contact("recipient")+">")
			resp.Add("Content-Type", sdpType)
			resp.Body = r.agree(p.Get("Call-ID"), p.Body)
		}
		if p.Method() == "BYE" {
			r.mu.Lock()
			if s := r.calls[p.Get("Call-ID")]; s != nil && r.sessions[r.key(s.uri)] == s {
				delete(r.sessions, r.key(s.uri))
			}
			delete(r.calls, p.Get("Call-ID"))
			r.mu.Unlock()
		}
		_ = r.sip.Send(p.From, resp)
	}
}

// agree makes the session of a call, and the answer to its offer.
func (r *recipient) agree(callID, offer string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s := r.calls[callID]; s != nil {
		return s.answer
	}
	port := r.ln.Addr().(*net.TCPAddr).Port
	s := &recipientSession{messages: map[string]*recipientMessage{}, remote: lineOf(offer, "a=path:")}
	id := r.f.sessionID
	if id == "" {
		id = fmt.Sprintf("recipient%08d", port+100_000*(len(r.calls)+1)+len(callID))
		for n := 0; r.sessions[r.key(r.uri(id))] != nil; n++ {
			id = fmt.Sprintf("recipient%08dx%d", port, n)
		}
	}
	s.uri = r.uri(id)
	s.answer = fmt.Sprintf("v=0\r\no=recipient 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=message %d TCP/MSRP *\r\n"+
		"a=accept-types:text/plain\r\na=max-size:%d\r\na=setup:passive\r\na=path:%s\r\n", port, maxRecipientSize, s.uri)
	if strings.Contains(offer, "\r\nm=audio ") {
		s.answer += "m=audio 0 RTP/AVP 0\r\n"
	}
	if r.f.sdp != nil {
		s.answer = r.f.sdp(offer, s.answer)
	}
	r.calls[callID], r.sessions[r.key(s.uri)] = s, s
	return s.answer
}

func (r *recipient) uri(id string) string { return fmt.Sprintf("msrp://%s/%s;tcp", r.ln.Addr(), id) }

// lineOf is the rest of the line that begins with prefix.
func lineOf(sdp, prefix string) string {
	_, rest, _ := strings.Cut(sdp, "\r\n"+prefix)
	line, _, _ := strings.Cut(rest, "\r\n")
	return line
}

// key is the normal form of a URI: all but the session-id in lower case. See RFC 4975,
// section 6.1.
func (r *recipient) key(uri string) string {
	from, to := strings.LastIndexByte(uri, '/')+1, strings.LastIndexByte(uri, ';')
	if to < from || r.f.ignoresCase {
		return strings.ToLower(uri)
	}
	return strings.ToLower(uri[:from]) + uri[from:to] + strings.ToLower(uri[to:])
}

// A recipientConn is a TCP connection.
type recipientConn struct {
	net.Conn
	r     *recipient
	bound *recipientSession
	n     int    // requests that have come
	empty int    // of them without a body, in a row
	last  string // transaction id of the request before
}

// A recipientFrame is a request.
type recipientFrame struct {
	tid, method, flag string
	header            []string
	body              string
	hasBody           bool
}

func (f *recipientFrame) get(name string) string {
	for _, line := range f.header {
		if n, v, _ := strings.Cut(line, ":"); strings.EqualFold(n, name) {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

// set gives a header that is there another value.
func (f *recipientFrame) set(name, value string) {
	for i, line := range f.header {
		if n, _, _ := strings.Cut(line, ":"); strings.EqualFold(n, name) {
			f.header[i] = name + ": " + value
		}
	}
}

// byteRange is that of a SEND; end and total are -1 for *.
func (f *recipientFrame) byteRange() (start, end, total int) {
	number := func(s string) int {
		n, err := strconv.Atoi(s)
		if err != nil {
			return -1
		}
		return n
	}
	span, all, _ := strings.Cut(f.get("Byte-Range"), "/")
	from, to, _ := strings.Cut(span, "-")
	return number(from), number(to), number(all)
}

// read handles requests until one cannot be read.
func (c *recipientConn) read() {
	var buf []byte
	chunk := make([]byte, 256<<10)
	for {
		n, err := c.Conn.Read(chunk)
		if err != nil {
			return
		}
		buf = append(buf, chunk[:n]...)
		whole := false
		for len(buf) > 0 {
			f, size := cutFrame(buf, c.r.f.earlyEnd)
			if size < 0 {
				return
			}
			if size == 0 {
				break
			}
			whole = true
			buf = buf[size:]
			if c.r.f.mergedReads {
				buf = nil
			}
			c.handle(f)
		}
		if c.r.f.tornReads && !whole {
			buf = nil
		}
	}
}

// cutFrame takes the frame that b begins with; size is 0 if it has not all come, and
// negative if it is none.
func cutFrame(b []byte, earlyEnd bool) (f *recipientFrame, size int) {
	eol := bytes.Index(b, []byte("\r\n"))
	if eol < 0 {
		return nil, 0
	}
	words := strings.SplitN(string(b[:eol]), " ", 4)
	if len(words) < 3 || words[0] != "MSRP" {
		return nil, -1
	}
	f = &recipientFrame{tid: words[1], method: words[2]}
	mark := "\r\n-------" + f.tid
	at := eol
	for {
		next := bytes.Index(b[at:], []byte(mark))
		if next < 0 {
			return nil, 0
		}
		at += next
		end := at + len(mark)
		if earlyEnd && end+3 <= len(b) || end+3 <= len(b) && strings.IndexByte("$+#", b[end]) >= 0 && string(b[end+1:end+3]) == "\r\n" {
			f.flag, size = string(b[end]), end+3
			break
		}
		if end+3 > len(b) {
			return nil, 0
		}
		at = end
	}
	content := string(b[eol:at])
	head, body, ok := strings.Cut(content, "\r\n\r\n")
	f.hasBody, f.body = ok, body
	for line := range strings.SplitSeq(strings.TrimPrefix(head, "\r\n"), "\r\n") {
		f.header = append(f.header, line)
	}
	return f, size
}

// handle answers one request.
func (c *recipientConn) handle(f *recipientFrame) {
	if _, err := strconv.Atoi(f.method); err == nil || f.method == "" {
		return // a response
	}
	c.n++
	if c.empty++; f.hasBody {
		c.empty = 0
	}
	c.r.mu.Lock()
	defer c.r.mu.Unlock()
	if c.r.f.in != nil {
		c.r.f.in(c, f)
	}
	if c.r.f.serve == nil || !c.r.f.serve(c, f) {
		if f.method != "REPORT" {
			c.answer(f, c.take(f))
		}
	}
	c.last = f.tid
}

// answer sends the response of a code, if Failure-Report wants one. See RFC 4975, section 7.2.
func (c *recipientConn) answer(f *recipientFrame, code int) {
	switch failure := f.get("Failure-Report"); {
	case failure == "no", failure == "partial" && code == 200:
		return
	}
	c.respond(f, code)
}

// respond sends a response.
func (c *recipientConn) respond(f *recipientFrame, code int) {
	to, _, _ := strings.Cut(f.get("From-Path"), " ")
	from, _, _ := strings.Cut(f.get("To-Path"), " ")
	c.write(f, fmt.Sprintf("MSRP %s %d OK\r\nTo-Path: %s\r\nFrom-Path: %s\r\n-------%[1]s$\r\n", f.tid, code, to, from))
}

func (c *recipientConn) write(f *recipientFrame, out string) {
	if c.r.f.out != nil {
		out = c.r.f.out(f, out)
	}
	_, _ = c.Conn.Write([]byte(out))
}

// take returns the code of the response to a request.
func (c *recipientConn) take(f *recipientFrame) int {
	s := c.r.sessions[c.r.key(f.get("To-Path"))]
	switch {
	case s == nil || s.remote != f.get("From-Path"):
		return 481
	case s.conn != nil && s.conn != c:
		return 506
	case f.method != "SEND":
		return 501
	case f.get("Message-ID") == "":
		return 400
	}
	s.conn, c.bound = c, s
	if !f.hasBody {
		return 200
	}
	_, _, total := f.byteRange()
	switch {
	case total > maxRecipientSize:
		return 413
	case f.get("Content-Type") != "text/plain":
		return 415
	}
	c.chunk(s, f)
	return 200
}

// chunk adds a chunk to its message. The success report of a complete message goes out
// before the response.
func (c *recipientConn) chunk(s *recipientSession, f *recipientFrame) {
	id := f.get("Message-ID")
	m := s.messages[id]
	if m == nil {
		m = &recipientMessage{}
		s.messages[id] = m
	}
	start, _, _ := f.byteRange()
	m.got += len(f.body)
	switch f.flag {
	case "#":
		delete(s.messages, id)
		return
	case "$":
		m.total = start - 1 + len(f.body)
	}
	if m.total == 0 && f.flag != "$" || m.got < m.total {
		return
	}
	delete(s.messages, id)
	if f.get("Success-Report") == "yes" {
		c.report(f, m.total)
	}
}

// report sends a success report.
func (c *recipientConn) report(f *recipientFrame, n int) {
	status := "000 200 OK"
	if n < c.r.f.minimumReport {
		status = "000 413 Too Short"
	}
	tid := fmt.Sprintf("report%04d", c.n)
	c.write(f, fmt.Sprintf("MSRP %s REPORT\r\nTo-Path: %s\r\nFrom-Path: %s\r\nMessage-ID: %s\r\nByte-Range: 1-%d/%[5]d\r\nStatus: %[6]s\r\n-------%[1]s$\r\n",
		tid, f.get("From-Path"), f.get("To-Path"), f.get("Message-ID"), n, status))
}

// knownHeaders are those of RFC 4975 that a SEND may have.
var knownHeaders = []string{"To-Path", "From-Path", "Message-ID", "Success-Report", "Failure-Report", "Byte-Range", "Content-Type", "Status"}

// hasUnknown reports whether a request has a header that is not known.
func (f *recipientFrame) hasUnknown() bool {
	return slices.ContainsFunc(f.header, func(line string) bool {
		name, _, _ := strings.Cut(line, ":")
		return !slices.ContainsFunc(knownHeaders, func(known string) bool { return strings.EqualFold(known, name) })
	})
}

// isText reports whether the body is UTF-8.
func (f *recipientFrame) isText() bool { return utf8.ValidString(f.body) }
