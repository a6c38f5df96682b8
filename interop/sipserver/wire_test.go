package sipserver

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// patience bounds every wait for a message of the server's.
const patience = 10 * time.Second

// A packet is a message that an endpoint got, and how to answer it.
type packet struct {
	text   string
	answer func(string)
}

// An endpoint is a peer played by hand on a raw socket: it knows no SIP, so
// nothing of the server's is hidden by a stack that makes up for it.
type endpoint struct {
	t         *testing.T
	transport string // UDP or TCP
	addr      string
	in        chan packet
	seen      map[string]bool
	send      func(to, text string)
}

// newUDP opens an endpoint at a UDP socket.
func newUDP(t *testing.T) *endpoint {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	e := &endpoint{t: t, transport: "UDP", addr: conn.LocalAddr().String(), in: make(chan packet, 100), seen: map[string]bool{}}
	e.send = func(to, text string) {
		addr, err := net.ResolveUDPAddr("udp", to)
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = conn.WriteTo([]byte(text), addr)
	}
	go func() {
		buf := make([]byte, 65536)
		for {
			n, from, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			e.in <- packet{string(buf[:n]), func(s string) { _, _ = conn.WriteTo([]byte(s), from) }}
		}
	}()
	return e
}

// newTCP opens an endpoint at a TCP listener; what it sends first goes over a
// connection of its own to the server.
func newTCP(t *testing.T) *endpoint {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	e := &endpoint{t: t, transport: "TCP", addr: l.Addr().String(), in: make(chan packet, 100), seen: map[string]bool{}}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go e.read(c)
		}
	}()
	var mu sync.Mutex
	conns := map[string]net.Conn{}
	e.send = func(to, text string) {
		mu.Lock()
		defer mu.Unlock()
		if conns[to] == nil {
			c, err := net.Dial("tcp", to)
			if err != nil {
				t.Error(err)
				return
			}
			conns[to] = c
			go e.read(c)
		}
		_, _ = io.WriteString(conns[to], text)
	}
	return e
}

// read takes messages off a TCP connection.
func (e *endpoint) read(c net.Conn) {
	defer c.Close()
	r := textproto.NewReader(bufio.NewReader(c))
	for {
		var b strings.Builder
		length := 0
		for {
			line, err := r.ReadLine()
			if err != nil {
				return
			}
			b.WriteString(line + "\r\n")
			if name, value, ok := strings.Cut(line, ":"); ok && strings.EqualFold(name, "Content-Length") {
				length, _ = strconv.Atoi(strings.TrimSpace(value))
			}
			if line == "" {
				break
			}
		}
		body := make([]byte, length)
		if _, err := io.ReadFull(r.R, body); err != nil {
			return
		}
		e.in <- packet{b.String() + string(body), func(s string) { _, _ = io.WriteString(c, s) }}
	}
}

// want waits for a message that begins so. Repetitions of earlier ones are
// passed over; anything else is an error.
func (e *endpoint) want(prefix string) packet {
	e.t.Helper()
	timeout := time.After(patience)
	for {
		select {
		case p := <-e.in:
			if strings.HasPrefix(p.text, prefix) && !e.seen[p.text] {
				e.seen[p.text] = true
				return p
			}
			if !e.seen[p.text] {
				e.t.Fatalf("wanted %q, got\n%s", prefix, p.text)
			}
		case <-timeout:
			e.t.Fatalf("wanted %q, got nothing", prefix)
		}
	}
}

// wantSilence sends an OPTIONS to the server, so that whatever it had to send
// before its 200 would be seen first.
func (e *endpoint) wantSilence(server string) {
	e.t.Helper()
	e.send(server, e.request("OPTIONS", "sip:"+server, "silence"+strconv.Itoa(len(e.seen)), 1))
	e.want("SIP/2.0 200 ")
}

// request makes a request with the endpoint's Via and Contact. Extra are header
// lines; one that names a standing header replaces it.
func (e *endpoint) request(method, uri, callID string, seq int, extra ...string) string {
	lines := []string{
		fmt.Sprintf("Via: SIP/2.0/%s %s;rport;branch=%s", e.transport, e.addr, branch(callID, seq, strings.ReplaceAll(method, "CANCEL", "INVITE"))),
		"Max-Forwards: 70",
		"From: <sip:alice@example.com>;tag=a",
		"To: <sip:bob@example.com>",
		"Call-ID: " + callID,
		fmt.Sprintf("CSeq: %d %s", seq, method),
		fmt.Sprintf("Contact: <sip:alice@%s;transport=%s>", e.addr, strings.ToLower(e.transport)),
	}
	for _, x := range extra {
		name, _, _ := strings.Cut(x, ":")
		i := slices.IndexFunc(lines, func(l string) bool { return strings.HasPrefix(l, name+":") })
		switch {
		case i >= 0 && strings.HasSuffix(x, ":"):
			lines = slices.Delete(lines, i, i+1)
		case i >= 0:
			lines[i] = x
		default:
			lines = append(lines, x)
		}
	}
	return fmt.Sprintf("%s %s SIP/2.0\r\n%s\r\nContent-Length: 0\r\n\r\n", method, uri, strings.Join(lines, "\r\n"))
}

func branch(callID string, seq int, method string) string {
	return fmt.Sprintf("z9hG4bK%s-%d-%s", strings.ReplaceAll(callID, " ", "-"), seq, method)
}

// response answers a request as a user agent does.
func response(request string, status string, extra ...string) string {
	lines := []string{"SIP/2.0 " + status}
	for _, name := range []string{"Via", "Record-Route", "From", "To", "Call-ID", "CSeq"} {
		for _, v := range headers(request, name) {
			if name == "To" && !strings.Contains(v, ";tag=") {
				v += ";tag=b"
			}
			lines = append(lines, name+": "+v)
		}
	}
	return strings.Join(append(lines, extra...), "\r\n") + "\r\nContent-Length: 0\r\n\r\n"
}

// headers are the values of a header, in order.
func headers(text, name string) []string {
	head, _, _ := strings.Cut(text, "\r\n\r\n")
	var list []string
	for line := range strings.SplitSeq(head, "\r\n") {
		if n, v, ok := strings.Cut(line, ":"); ok && strings.EqualFold(n, name) {
			list = append(list, strings.TrimSpace(v))
		}
	}
	return list
}

// header is the first value of a header.
func header(text, name string) string {
	if list := headers(text, name); len(list) > 0 {
		return list[0]
	}
	return ""
}

// body is what follows a message's head.
func body(text string) string { _, b, _ := strings.Cut(text, "\r\n\r\n"); return b }

// newServer starts a server for the domain example.com.
func newServer(t *testing.T, cfg Config) *Server {
	t.Helper()
	cfg.Addr, cfg.Domain = "127.0.0.1:0", "example.com"
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// register has the endpoint register as a user, without a password.
func (e *endpoint) register(s *Server, user, callID string, seq int, extra ...string) string {
	e.t.Helper()
	aor := "<sip:" + user + "@example.com>"
	e.send(s.Addr(), e.request("REGISTER", "sip:example.com", callID, seq, append([]string{
		"From: " + aor + ";tag=r", "To: " + aor,
		fmt.Sprintf("Contact: <sip:%s@%s;transport=%s>", user, e.addr, strings.ToLower(e.transport)),
	}, extra...)...))
	return e.want("SIP/2.0 ").text
}
