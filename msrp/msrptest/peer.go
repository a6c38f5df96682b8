package msrptest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Timeout bounds every wait of a Peer.
const Timeout = 10 * time.Second

// Frame is a request or response as received.
type Frame struct {
	// TID is the transaction id.
	TID string
	// Method is that of a request, "" in a response.
	Method string
	// Code and Comment are those of a response.
	Code    int
	Comment string
	// Header holds "Name: value" lines in order, without CRLF.
	Header []string
	// Body is nil if there was no blank line.
	Body []byte
	// Flag is '$', '+' or '#'.
	Flag byte
}

// Get gives the value of the header of that name, or "".
func (f *Frame) Get(name string) string {
	for _, h := range f.Header {
		if n, v, _ := strings.Cut(h, ":"); strings.EqualFold(n, name) {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

// Peer is one end of a connection.
type Peer struct {
	// Conn is the connection, for tests that need more than the methods.
	Conn net.Conn

	t testing.TB
	r *bufio.Reader
}

// New makes a Peer of a connection, which it closes when the test ends.
func New(t testing.TB, nc net.Conn) *Peer {
	t.Cleanup(func() { nc.Close() })
	return &Peer{Conn: nc, t: t, r: bufio.NewReader(nc)}
}

// Dial connects to addr.
func Dial(t testing.TB, addr string) *Peer {
	t.Helper()
	nc, err := net.DialTimeout("tcp", addr, Timeout)
	if err != nil {
		t.Fatal(err)
	}
	return New(t, nc)
}

// Listener waits for connections.
type Listener struct {
	t  testing.TB
	nl net.Listener
}

// Listen opens a port on the loopback address.
func Listen(t testing.TB) *Listener {
	t.Helper()
	nl, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nl.Close() })
	return &Listener{t, nl}
}

// Port is the port listened on.
func (l *Listener) Port() int { return l.nl.Addr().(*net.TCPAddr).Port }

// URI makes an msrp URI for this listener.
func (l *Listener) URI(sessionID string) string {
	return fmt.Sprintf("msrp://127.0.0.1:%d/%s;tcp", l.Port(), sessionID)
}

// Accept takes the next connection.
func (l *Listener) Accept() *Peer {
	l.t.Helper()
	l.nl.(*net.TCPListener).SetDeadline(time.Now().Add(Timeout))
	nc, err := l.nl.Accept()
	if err != nil {
		l.t.Fatal(err)
	}
	return New(l.t, nc)
}

// Write writes bytes as they are.
func (p *Peer) Write(b string) {
	p.t.Helper()
	p.Conn.SetWriteDeadline(time.Now().Add(Timeout))
	if _, err := io.WriteString(p.Conn, b); err != nil {
		p.t.Fatal(err)
	}
}

// Send writes lines, each with CRLF behind it.
func (p *Peer) Send(lines ...string) {
	p.t.Helper()
	p.Write(strings.Join(lines, "\r\n") + "\r\n")
}

// Answer writes a response to f.
func (p *Peer) Answer(f *Frame, code int, comment string) {
	p.t.Helper()
	from, _, _ := strings.Cut(f.Get("From-Path"), " ")
	to, _, _ := strings.Cut(f.Get("To-Path"), " ")
	p.Send(strings.TrimSpace(fmt.Sprintf("MSRP %s %03d %s", f.TID, code, comment)),
		"To-Path: "+from, "From-Path: "+to, "-------"+f.TID+"$")
}

// Next reads one frame.
func (p *Peer) Next() *Frame {
	p.t.Helper()
	p.Conn.SetReadDeadline(time.Now().Add(Timeout))
	f, err := p.read()
	if err != nil {
		p.t.Fatalf("reading a frame: %v", err)
	}
	return f
}

// Quiet fails the test if anything arrives within d.
func (p *Peer) Quiet(d time.Duration) {
	p.t.Helper()
	p.Conn.SetReadDeadline(time.Now().Add(d))
	b, err := p.r.Peek(1)
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		p.t.Fatalf("got %q, %v instead of nothing", b, err)
	}
}

// Closed waits for the other side to close, and fails the test if more arrives.
func (p *Peer) Closed() {
	p.t.Helper()
	p.Conn.SetReadDeadline(time.Now().Add(Timeout))
	b, err := p.r.Peek(1)
	if len(b) > 0 || errors.Is(err, os.ErrDeadlineExceeded) {
		rest, _ := p.r.Peek(min(p.r.Buffered(), 200))
		p.t.Fatalf("got %q, %v instead of the end", rest, err)
	}
}

func (p *Peer) line() (string, error) {
	s, err := p.r.ReadString('\n')
	if err != nil {
		return s, err
	}
	if !strings.HasSuffix(s, "\r\n") {
		return s, fmt.Errorf("line without CRLF: %q", s)
	}
	return strings.TrimSuffix(s, "\r\n"), nil
}

func (p *Peer) read() (*Frame, error) {
	s, err := p.line()
	if err != nil {
		return nil, err
	}
	f := &Frame{}
	word := strings.SplitN(s, " ", 4)
	if len(word) < 3 || word[0] != "MSRP" {
		return nil, fmt.Errorf("start-line %q", s)
	}
	f.TID, f.Method = word[1], word[2]
	if n, err := strconv.Atoi(word[2]); err == nil {
		f.Method, f.Code = "", n
	}
	if len(word) > 3 {
		f.Comment = word[3]
	}
	for {
		s, err := p.line()
		switch {
		case err != nil:
			return nil, err
		case s == "":
			return f, p.body(f)
		case f.ends(s):
			return f, nil
		}
		f.Header = append(f.Header, s)
	}
}

// ends reports whether a line is the end-line of f.
func (f *Frame) ends(s string) bool {
	rest, ok := strings.CutPrefix(s, "-------"+f.TID)
	if ok && len(rest) == 1 && strings.Contains("$+#", rest) {
		f.Flag = rest[0]
	}
	return f.Flag != 0
}

func (p *Peer) body(f *Frame) error {
	var b strings.Builder
	for {
		s, err := p.r.ReadString('\n')
		if err != nil {
			return err
		}
		if strings.HasSuffix(s, "\r\n") && f.ends(strings.TrimSuffix(s, "\r\n")) {
			f.Body = []byte(strings.TrimSuffix(b.String(), "\r\n"))
			return nil
		}
		b.WriteString(s)
	}
}
