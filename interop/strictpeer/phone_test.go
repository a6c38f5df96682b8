package strictpeer

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// A caller plays proxy, caller and media server by hand.
type caller struct {
	*Endpoint
	t     *testing.T
	phone *Phone
	media net.Listener
}

func newCaller(t *testing.T, o Options) *caller {
	t.Helper()
	e, err := Listen("UDP")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	o.User, o.Domain, o.Proxy = "bob", "example.com", e.Addr()
	p, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return &caller{e, t, p, l}
}

func (c *caller) path() string { return "msrp://" + c.media.Addr().String() + "/there;tcp" }

// invite offers these attributes, and returns the final response.
func (c *caller) invite(types, setup string) (res *Message) {
	c.t.Helper()
	host, port, _ := net.SplitHostPort(c.media.Addr().String())
	m := c.request("INVITE", "<sip:bob@example.com>", 1)
	m.Add("Contact", "<"+c.Contact("as")+">")
	m.Add("Content-Type", "application/sdp")
	m.Body = "v=0\r\no=- 1 1 IN IP4 " + host + "\r\ns=-\r\nc=IN IP4 " + host + "\r\nt=0 0\r\nm=message " + port + " TCP/MSRP *\r\n" + types + "a=path:" + c.path() + "\r\na=setup:" + setup + "\r\n"
	c.send(m)
	if res = c.next(""); res.Status() == 200 {
		c.send(c.request("ACK", res.Get("To"), 1))
	}
	return res
}

func (c *caller) request(method, to string, seq int) *Message {
	m := &Message{Start: method + " sip:bob@example.com SIP/2.0"}
	m.Add("Via", c.Via())
	m.Add("Max-Forwards", "70")
	m.Add("From", "<sip:alice@example.com>;tag=a")
	m.Add("To", to)
	m.Add("Call-ID", "call")
	m.Add("CSeq", fmt.Sprint(seq, " ", method))
	return m
}

func (c *caller) send(m *Message) {
	c.t.Helper()
	_, port, _ := net.SplitHostPort(c.phone.sip.Addr())
	if err := c.Send("127.0.0.1:"+port, m); err != nil {
		c.t.Fatal(err)
	}
}

// next returns the next request of that method, or the next response for "".
func (c *caller) next(method string) *Message {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), 10*time.Second)
	defer cancel()
	for {
		p, err := c.Receive(ctx)
		if err != nil {
			c.t.Fatalf("no %q: %v; faults %q", method, err, c.phone.Faults())
		}
		if p.Method() == method {
			return p.Message
		}
	}
}

const goodTypes = "a=accept-types:message/cpim text/* *\r\na=accept-wrapped-types:text/* *\r\n"

// TestPhoneRefusesOffers offers types that tell the phone nothing: it answers as a
// SIP SIMPLE client has been recorded to do.
func TestPhoneRefusesOffers(t *testing.T) {
	for name, tc := range map[string]struct {
		types  string
		demand bool
		code   int
	}{
		"by name":                {goodTypes, true, 200},
		"a star alone":           {"a=accept-types:*\r\n", false, 415},
		"nothing that it knows":  {"a=accept-types:application/pdf *\r\n", false, 415},
		"text without CPIM":      {"a=accept-types:text/plain\r\n", false, 200},
		"CPIM is demanded":       {"a=accept-types:text/plain\r\n", true, 415},
		"nothing may be wrapped": {"a=accept-types:message/cpim text/plain\r\n", true, 415},
		"no types":               {"", false, 488},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCaller(t, Options{DemandCPIM: tc.demand, Passive: true})
			if res := c.invite(tc.types, "actpass"); res.Status() != tc.code {
				t.Errorf("got %s", res.Start)
			}
		})
	}
}

// accept takes the phone's MSRP connection and its binding SEND.
func (c *caller) accept() (conn net.Conn, r *bufio.Reader, binding *frame) {
	c.t.Helper()
	_ = c.media.(*net.TCPListener).SetDeadline(time.Now().Add(10 * time.Second))
	conn, err := c.media.Accept()
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { conn.Close() })
	r = bufio.NewReader(conn)
	if binding, err = readFrame(r); err != nil || binding.method != "SEND" || binding.hasBody {
		c.t.Fatalf("the binding SEND: %v, %+v", err, binding)
	}
	return conn, r, binding
}

func ok(f *frame) string {
	return "MSRP " + f.tid + " 200 OK\r\nTo-Path: " + f.get("From-Path") + "\r\nFrom-Path: " + f.get("To-Path") + "\r\n-------" + f.tid + "$\r\n"
}

func content(f *frame, contentType, body string) string {
	return "MSRP content1 SEND\r\nTo-Path: " + f.get("From-Path") + "\r\nFrom-Path: " + f.get("To-Path") + "\r\nMessage-ID: m123\r\n" +
		fmt.Sprintf("Byte-Range: 1-%d/%d\r\n", len(body), len(body)) + "Content-Type: " + contentType + "\r\n\r\n" + body + "\r\n-------content1$\r\n"
}

// TestPhoneBindsFirst sends content before the 200 to the binding SEND: the phone
// ends the call, as msrplib does. Behind the 200, content is welcome.
func TestPhoneBindsFirst(t *testing.T) {
	for _, early := range []bool{true, false} {
		c := newCaller(t, Options{})
		res := c.invite(goodTypes, "actpass")
		if res.Status() != 200 || !strings.Contains(res.Body, "a=setup:active\r\n") {
			t.Fatalf("got\n%s", res)
		}
		conn, r, binding := c.accept()
		if early {
			_, _ = io.WriteString(conn, content(binding, "text/plain", "early")+ok(binding))
			bye := c.next("BYE")
			c.send(bye.Reply("200 OK", ""))
			if f := c.phone.Faults(); len(f) != 1 || !strings.Contains(f[0], "481 Chunk received while binding session") {
				t.Errorf("faults: %q", f)
			}
			continue
		}
		_, _ = io.WriteString(conn, ok(binding)+content(binding, "text/plain", "in time"))
		if f, err := readFrame(r); err != nil || f.code != 200 {
			t.Errorf("the content got %v, %+v", err, f)
		}
		if m := <-c.phone.Received(); m.Body != "in time" {
			t.Errorf("received %+v", m)
		}
		if _, err := io.WriteString(conn, content(binding, "application/pdf", "what?")); err != nil {
			t.Fatal(err)
		}
		if f, err := readFrame(r); err != nil || f.code != 415 {
			t.Errorf("a type that it does not take got %v, %+v", err, f)
		}
		if f := c.phone.Faults(); len(f) != 0 {
			t.Errorf("faults: %q", f)
		}
	}
}
