package load

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	t1         = 500 * time.Millisecond // before a request over UDP is sent again
	maxPacket  = 64 << 10
	msrpBuffer = 1 << 10
)

// A Caller makes calls from one address. See New.
type Caller struct {
	// User is the user part of who calls; New makes it "load".
	User string
	// Users, if it is more than 1, is how many users the calls are of, in turn: User and a
	// number. The memory of one sender is bounded.
	Users int

	made atomic.Int64 // calls

	target    string
	transport string // UDP or TCP
	addr      string // ours
	udp       *net.UDPConn
	tcp       net.Conn
	writing   sync.Mutex

	mu    sync.Mutex
	calls map[string]chan response // by Call-ID
}

// A response is what a call needs of one.
type response struct {
	code    int
	cseq    string
	toTag   string
	contact string
	path    string // of the MSRP session in the body
}

// New makes a caller whose requests go to target, a host:port, over UDP, or over one
// connection if tcp.
func New(target string, tcp bool) (*Caller, error) {
	c := &Caller{User: "load", target: target, transport: "UDP", calls: map[string]chan response{}}
	if tcp {
		conn, err := net.Dial("tcp", target)
		if err != nil {
			return nil, err
		}
		c.transport, c.tcp, c.addr = "TCP", conn, conn.LocalAddr().String()
		go c.readStream()
		return c, nil
	}
	to, err := net.ResolveUDPAddr("udp", target)
	if err != nil {
		return nil, err
	}
	if c.udp, err = net.DialUDP("udp", nil, to); err != nil {
		return nil, err
	}
	_ = c.udp.SetReadBuffer(8 << 20) // best effort
	c.addr = c.udp.LocalAddr().String()
	go c.readPackets()
	return c, nil
}

// Close ends everything. It may be called again.
func (c *Caller) Close() error {
	if c.tcp != nil {
		return c.tcp.Close()
	}
	return c.udp.Close()
}

func (c *Caller) readPackets() {
	buf := make([]byte, maxPacket)
	for {
		n, err := c.udp.Read(buf)
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return
			}
			continue // a refused datagram
		}
		c.take(buf[:n])
	}
}

func (c *Caller) readStream() {
	r := bufio.NewReaderSize(c.tcp, maxPacket)
	for {
		var head []byte
		length := 0
		for {
			line, err := r.ReadSlice('\n')
			if err != nil {
				return
			}
			head = append(head, line...)
			if v, ok := header(line, "Content-Length"); ok {
				length, _ = strconv.Atoi(v)
			}
			if len(bytes.TrimSpace(line)) == 0 {
				break
			}
		}
		body := make([]byte, min(length, maxPacket))
		if _, err := io.ReadFull(r, body); err != nil {
			return
		}
		c.take(append(head, body...))
	}
}

// header is the value of a line that has that header.
func header(line []byte, name string) (string, bool) {
	if len(line) <= len(name) || line[len(name)] != ':' || !strings.EqualFold(string(line[:len(name)]), name) {
		return "", false
	}
	return strings.TrimSpace(string(line[len(name)+1:])), true
}

// take reads a message. A response goes to its call; a request is a BYE that nobody
// has asked for, or a refresh, and is answered.
func (c *Caller) take(m []byte) {
	if !bytes.HasPrefix(m, []byte("SIP/2.0 ")) {
		c.agree(m)
		return
	}
	var res response
	res.code, _ = strconv.Atoi(string(m[8:min(11, len(m))]))
	if res.code < 200 {
		return
	}
	var callID string
	for line := range bytes.Lines(m) {
		switch {
		case line[0] == 'a':
			if v, ok := header(line, "a=path"); ok {
				res.path = v
			}
		default:
			if v, ok := header(line, "Call-ID"); ok {
				callID = v
			} else if v, ok := header(line, "CSeq"); ok {
				res.cseq = v
			} else if v, ok := header(line, "Contact"); ok {
				_, v, _ = strings.Cut(v, "<")
				res.contact, _, _ = strings.Cut(v, ">")
			} else if v, ok := header(line, "To"); ok {
				_, res.toTag, _ = strings.Cut(v, ";tag=")
			}
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if ch := c.calls[callID]; ch != nil {
		select {
		case ch <- res:
		default: // repeated, and not waited for
		}
	}
}

// agree answers a request with 200.
func (c *Caller) agree(m []byte) {
	if bytes.HasPrefix(m, []byte("ACK ")) {
		return
	}
	res := []byte("SIP/2.0 200 OK\r\n")
	for line := range bytes.Lines(m) {
		for _, name := range []string{"Via", "From", "To", "Call-ID", "CSeq", "Record-Route"} {
			if _, ok := header(line, name); ok {
				res = append(res, line...)
			}
		}
	}
	_ = c.write(append(res, "Contact: <sip:load@"+c.addr+">\r\nContent-Length: 0\r\n\r\n"...)) // it is sent again if it is lost
}

func (c *Caller) write(m []byte) error {
	if c.udp != nil {
		_, err := c.udp.Write(m)
		return err
	}
	c.writing.Lock()
	defer c.writing.Unlock()
	_, err := c.tcp.Write(m)
	return err
}

// A Call is one that is up.
type Call struct {
	c         *Caller
	id        string
	from, to  string // user parts
	toTag     string
	target    string
	path      string
	responses chan response
	msrp      net.Conn
	reader    *bufio.Reader
	messages  int
}

// Invite calls sip:user@example.com with an offer of an MSRP session, and acknowledges
// the answer.
func (c *Caller) Invite(ctx context.Context, user string) (*Call, error) {
	call := &Call{c: c, from: c.User, id: rand.Text(), to: user, target: "sip:" + user + "@example.com", responses: make(chan response, 2)}
	if c.Users > 1 {
		call.from = fmt.Sprint(c.User, c.made.Add(1)%int64(c.Users))
	}
	c.mu.Lock()
	c.calls[call.id] = call.responses
	c.mu.Unlock()
	host, _, _ := net.SplitHostPort(c.addr)
	sdp := "v=0\r\no=load 1 1 IN IP4 " + host + "\r\ns=-\r\nc=IN IP4 " + host + "\r\nt=0 0\r\nm=message 9 TCP/MSRP *\r\n" +
		"a=accept-types:*\r\na=path:msrp://" + host + ":9/" + call.id + ";tcp\r\na=setup:active\r\n"
	res, err := call.request(ctx, "INVITE", 1, sdp)
	if err != nil {
		c.forget(call)
		return nil, err
	}
	call.toTag, call.target, call.path = res.toTag, res.contact, res.path
	return call, c.write(call.message("ACK", 1, ""))
}

func (c *Caller) forget(call *Call) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.calls, call.id)
}

// message makes a request of the call.
func (call *Call) message(method string, seq int, body string) []byte {
	c := call.c
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s SIP/2.0\r\nVia: SIP/2.0/%s %s;branch=z9hG4bK%s%s\r\nMax-Forwards: 70\r\n"+
		"From: <sip:%s@example.com>;tag=l\r\nTo: <sip:%s@example.com>", method, call.target, c.transport, c.addr, method, call.id, call.from, call.to)
	if call.toTag != "" {
		b.WriteString(";tag=" + call.toTag)
	}
	fmt.Fprintf(&b, "\r\nCall-ID: %s\r\nCSeq: %d %s\r\nContact: <sip:load@%s;transport=%s>\r\n", call.id, seq, method, c.addr, strings.ToLower(c.transport))
	if body != "" {
		b.WriteString("Content-Type: application/sdp\r\n")
	}
	fmt.Fprintf(&b, "Content-Length: %d\r\n\r\n%s", len(body), body)
	return b.Bytes()
}

// request sends a request, again and again over UDP, until its final response comes.
func (call *Call) request(ctx context.Context, method string, seq int, body string) (response, error) {
	m := call.message(method, seq, body)
	if err := call.c.write(m); err != nil {
		return response{}, err
	}
	wait := t1
	again := time.NewTimer(wait)
	defer again.Stop()
	cseq := fmt.Sprintf("%d %s", seq, method)
	for {
		select {
		case res := <-call.responses:
			switch {
			case res.cseq != cseq:
			case res.code >= 300:
				return res, fmt.Errorf("%s: %d", method, res.code)
			default:
				return res, nil
			}
		case <-again.C:
			if call.c.udp != nil {
				_ = call.c.write(m) // and again
			}
			wait *= 2
			again.Reset(wait)
		case <-ctx.Done():
			return response{}, fmt.Errorf("%s: %w", method, ctx.Err())
		}
	}
}

// Send sends one message of that size over MSRP and waits for its 200. The first
// connects.
func (call *Call) Send(ctx context.Context, body []byte) error {
	return call.send(ctx, body, len(body), '$')
}

// Begin sends the first bytes of a message of total bytes, whose rest never comes, and
// waits for their 200.
func (call *Call) Begin(ctx context.Context, first []byte, total int) error {
	return call.send(ctx, first, total, '+')
}

func (call *Call) send(ctx context.Context, body []byte, total int, flag byte) error {
	if call.msrp == nil {
		_, rest, _ := strings.Cut(call.path, "://")
		addr, _, _ := strings.Cut(rest, "/")
		var d net.Dialer
		conn, err := d.DialContext(ctx, "tcp", addr)
		if err != nil {
			return err
		}
		call.msrp, call.reader = conn, bufio.NewReaderSize(conn, msrpBuffer)
	}
	call.messages++
	host, _, _ := net.SplitHostPort(call.c.addr)
	tid := fmt.Sprintf("t%07d%s", call.messages, call.id[:8])
	var b bytes.Buffer
	fmt.Fprintf(&b, "MSRP %s SEND\r\nTo-Path: %s\r\nFrom-Path: msrp://%s:9/%s;tcp\r\nMessage-ID: %s%s\r\nByte-Range: 1-%d/%d\r\nContent-Type: text/plain\r\n\r\n%s\r\n-------%s%c\r\n",
		tid, call.path, host, call.id, tid, call.id, len(body), total, body, tid, flag)
	if deadline, ok := ctx.Deadline(); ok {
		_ = call.msrp.SetDeadline(deadline)
	}
	if _, err := call.msrp.Write(b.Bytes()); err != nil {
		return err
	}
	first, err := call.reader.ReadString('\n')
	if err != nil {
		return err
	}
	for line := first; !strings.HasPrefix(line, "-------"); {
		if line, err = call.reader.ReadString('\n'); err != nil {
			return err
		}
	}
	if !strings.HasPrefix(first, "MSRP "+tid+" 200") {
		return fmt.Errorf("SEND: %s", strings.TrimSpace(first))
	}
	return nil
}

// Bye ends the call.
func (call *Call) Bye(ctx context.Context) error {
	defer call.c.forget(call)
	_, err := call.request(ctx, "BYE", 2, "")
	if call.msrp != nil {
		call.msrp.Close()
	}
	return err
}
