package strictpeer

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
)

// An Endpoint sends and receives SIP messages on loopback, over UDP or TCP. It has no
// transactions.
type Endpoint struct {
	transport string
	packets   net.PacketConn
	listener  net.Listener
	in        chan Packet
	done      chan struct{}
	once      sync.Once
	work      sync.WaitGroup

	mu    sync.Mutex
	conns map[string]net.Conn // by the other end's address
}

// A Packet is a received message, or the error of a message that could not be read.
type Packet struct {
	From string // address
	*Message
	Err error
}

// Listen opens an endpoint at a free port; transport is UDP or TCP.
func Listen(transport string) (*Endpoint, error) { return ListenAt(transport, "127.0.0.1:0") }

// ListenAt opens an endpoint at addr, a host:port; transport is UDP or TCP.
func ListenAt(transport, addr string) (*Endpoint, error) {
	e := &Endpoint{transport: transport, in: make(chan Packet, maxQueue), done: make(chan struct{}), conns: map[string]net.Conn{}}
	var err error
	if transport == "UDP" {
		if e.packets, err = net.ListenPacket("udp", addr); err == nil {
			e.work.Go(e.readPackets)
		}
		return e, err
	}
	if e.listener, err = net.Listen("tcp", addr); err == nil {
		e.work.Go(e.accept)
	}
	return e, err
}

// Addr returns the host:port of the endpoint.
func (e *Endpoint) Addr() string {
	if e.packets != nil {
		return e.packets.LocalAddr().String()
	}
	return e.listener.Addr().String()
}

// Via returns a new Via value of the endpoint.
func (e *Endpoint) Via() string {
	return "SIP/2.0/" + e.transport + " " + e.Addr() + ";branch=z9hG4bK" + token(16)
}

// Contact returns a SIP URI of the endpoint.
func (e *Endpoint) Contact(user string) string {
	uri := "sip:" + user + "@" + e.Addr()
	if e.transport == "TCP" {
		uri += ";transport=tcp"
	}
	return uri
}

// Send sends a message to an address; over TCP it uses the existing connection.
func (e *Endpoint) Send(to string, m *Message) error {
	if e.packets != nil {
		addr, err := net.ResolveUDPAddr("udp", to)
		if err != nil {
			return err
		}
		_, err = e.packets.WriteTo([]byte(m.String()), addr)
		return err
	}
	c, err := e.conn(to)
	if err != nil {
		return err
	}
	_, err = c.Write([]byte(m.String()))
	return err
}

func (e *Endpoint) conn(to string) (net.Conn, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if c := e.conns[to]; c != nil {
		return c, nil
	}
	c, err := net.DialTimeout("tcp", to, dialWait)
	if err != nil {
		return nil, err
	}
	e.add(c)
	return c, nil
}

// add reads from a connection. e.mu is held.
func (e *Endpoint) add(c net.Conn) {
	select {
	case <-e.done:
		c.Close()
	default:
		e.conns[c.RemoteAddr().String()] = c
		e.work.Go(func() { e.readStream(c) })
	}
}

// Receive returns the next message.
func (e *Endpoint) Receive(ctx context.Context) (Packet, error) {
	select {
	case p := <-e.in:
		return p, nil
	case <-e.done:
		return Packet{}, net.ErrClosed
	case <-ctx.Done():
		return Packet{}, ctx.Err()
	}
}

// Close closes all sockets.
func (e *Endpoint) Close() {
	e.once.Do(func() {
		e.mu.Lock()
		close(e.done)
		if e.packets != nil {
			e.packets.Close()
		} else {
			e.listener.Close()
		}
		for _, c := range e.conns {
			c.Close()
		}
		e.mu.Unlock()
	})
	e.work.Wait()
}

func (e *Endpoint) take(from, text string) {
	p := Packet{From: from}
	p.Message, p.Err = ParseMessage(text)
	select {
	case e.in <- p:
	case <-e.done:
	}
}

func (e *Endpoint) readPackets() {
	buf := make([]byte, maxSIP)
	for {
		n, from, err := e.packets.ReadFrom(buf)
		if err != nil {
			return
		}
		if n > 4 { // not what keeps the way open
			e.take(from.String(), string(buf[:n]))
		}
	}
}

func (e *Endpoint) accept() {
	for {
		c, err := e.listener.Accept()
		if err != nil {
			return
		}
		e.mu.Lock()
		e.add(c)
		e.mu.Unlock()
	}
}

func (e *Endpoint) readStream(c net.Conn) {
	from := c.RemoteAddr().String()
	defer func() {
		c.Close()
		e.mu.Lock()
		if e.conns[from] == c {
			delete(e.conns, from)
		}
		e.mu.Unlock()
	}()
	r := bufio.NewReaderSize(c, maxLine)
	for {
		text, err := readText(r)
		if err != nil {
			return
		}
		e.take(from, text)
	}
}

// readText reads one message from a stream, with the body that Content-Length
// tells of. See RFC 3261, section 18.3.
func readText(r *bufio.Reader) (string, error) {
	var b strings.Builder
	length := -1
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return "", err
		}
		if b.Len() == 0 && string(line) == "\r\n" {
			continue // keeps the connection open
		}
		if b.Write(line); b.Len() > maxSIP {
			return "", errors.New("too long")
		}
		if string(line) == "\r\n" {
			break
		}
		if name, value, ok := strings.Cut(string(line), ":"); ok && (strings.EqualFold(name, "Content-Length") || name == "l") {
			if length, err = strconv.Atoi(strings.TrimSpace(value)); err != nil || length < 0 || length > maxSIP {
				return "", fmt.Errorf("Content-Length %q", value)
			}
		}
	}
	if length < 0 {
		return "", errors.New("no Content-Length over TCP") // [RFC3261-18.3]
	}
	body := make([]byte, length)
	for n := 0; n < length; {
		k, err := r.Read(body[n:])
		if err != nil {
			return "", err
		}
		n += k
	}
	return b.String() + string(body), nil
}
