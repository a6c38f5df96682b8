package sim

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
)

// A frame is one request or response of MSRP.
type frame struct {
	tid, what string // what is SEND, REPORT, or a code
	headers   map[string]string
	body      []byte
	flag      byte // '$', '+' or '#'
}

// readFrame reads one.
func readFrame(r *bufio.Reader) (*frame, error) {
	first, err := r.ReadString('\n')
	if err != nil {
		return nil, err
	}
	words := strings.Fields(first)
	if len(words) < 3 || words[0] != "MSRP" {
		return nil, fmt.Errorf("no MSRP: %q", first)
	}
	f := &frame{tid: words[1], what: words[2], headers: map[string]string{}}
	end := "-------" + f.tid
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return nil, err
		}
		line = strings.TrimSuffix(line, "\r\n")
		if strings.HasPrefix(line, end) {
			f.flag = line[len(line)-1]
			return f, nil
		}
		if line == "" {
			break
		}
		name, value, _ := strings.Cut(line, ":")
		f.headers[name] = strings.TrimSpace(value)
	}
	for {
		line, err := r.ReadSlice('\n')
		if err != nil && err != bufio.ErrBufferFull {
			return nil, err
		}
		f.body = append(f.body, line...)
		at := len(f.body) - len(end) - 5 // CRLF, end, flag, CRLF
		if at >= 0 && bytes.HasPrefix(f.body[at:], []byte("\r\n"+end)) && bytes.HasSuffix(f.body, []byte("\r\n")) {
			f.flag = f.body[len(f.body)-3]
			f.body = f.body[:at]
			return f, nil
		}
	}
}

// An msrpConn is one connection with one session.
type msrpConn struct {
	conn     net.Conn
	to, from string // paths
	e        *endpoint

	mu      sync.Mutex
	waiting map[string]func(code int) // by transaction
}

func newMSRPConn(e *endpoint, conn net.Conn, to, from string) *msrpConn {
	return &msrpConn{conn: conn, e: e, to: to, from: from, waiting: map[string]func(int){}}
}

// serve takes what comes until the connection ends, and closes it.
func (c *msrpConn) serve(take func(*frame)) {
	defer c.conn.Close()
	r := bufio.NewReader(c.conn)
	for {
		f, err := readFrame(r)
		if err != nil {
			return
		}
		c.took(f, take)
	}
}

func (c *msrpConn) took(f *frame, take func(*frame)) {
	code, err := strconv.Atoi(f.what)
	if err != nil {
		take(f)
		return
	}
	c.mu.Lock()
	answered := c.waiting[f.tid]
	delete(c.waiting, f.tid)
	c.mu.Unlock()
	if answered != nil {
		answered(code)
	}
}

func (c *msrpConn) write(b string) error {
	_, err := io.WriteString(c.conn, b)
	return err
}

// answer answers a request.
func (c *msrpConn) answer(f *frame, status string) {
	c.to = f.headers["From-Path"]
	_ = c.write(fmt.Sprintf("MSRP %s %s\r\nTo-Path: %s\r\nFrom-Path: %s\r\n-------%s$\r\n", f.tid, status, f.headers["From-Path"], c.from, f.tid))
}

// request is a request as it is on the wire, whose response answered gets; contentType is
// left out if it is empty.
func (c *msrpConn) request(method, headers, contentType, body string, flag byte, answered func(code int)) string {
	tid := c.e.unique("t") + "xyz"
	c.mu.Lock()
	c.waiting[tid] = answered
	c.mu.Unlock()
	b := fmt.Sprintf("MSRP %s %s\r\nTo-Path: %s\r\nFrom-Path: %s\r\n%s", tid, method, c.to, c.from, headers)
	if contentType != "" {
		b += "Content-Type: " + contentType + "\r\n"
	}
	if body != "" {
		b += "\r\n" + body + "\r\n"
	}
	return b + "-------" + tid + string(flag) + "\r\n"
}
