package conform

import (
	"context"
	"errors"
	"net"
	"strings"
	"time"

	"github.com/gomscp/gomscp/sipua"
)

const sdpType = "application/sdp"

// A caller makes calls for the cases.
type caller struct {
	SIP  string // host:port of the peer, with ;transport=tcp if it is TCP
	From string // our URI; "" names the address we are at
	To   string // whom we call; "" names the peer's address

	Password string // of From's user, if we are asked for one
}

// call makes a call with a body. It is not acknowledged yet. An error is a
// *sipua.StatusError if the peer has refused.
func (c caller) call(t *T, body []byte) (*sipua.Call, error) {
	t.Helper()
	host, params, _ := strings.Cut(c.SIP, ";")
	ua := t.userAgent(host)
	to, uri := c.To, "sip:"+c.SIP
	if to == "" {
		to = "sip:" + host
	} else {
		uri = to
	}
	from := c.From
	if from == "" {
		from = ua.Contact()
	}
	destination := host
	if params != "" {
		destination += ";" + params
	}
	ctx, cancel := t.within()
	defer cancel()
	call, err := ua.Invite(ctx, sipua.InviteRequest{URI: uri, From: from, To: to, Destination: destination, Body: body, ContentType: sdpType, Password: c.Password})
	var silent *sipua.NoAnswerError
	var network *net.OpError
	if errors.As(err, &silent) || errors.As(err, &network) {
		t.unreached = err
	}
	if err == nil {
		t.Cleanup(func() { t.bye(call) })
	}
	return call, err
}

// ack acknowledges.
func (t *T) ack(call *sipua.Call) {
	t.Helper()
	ctx, cancel := t.within()
	defer cancel()
	if err := call.Ack(ctx, nil, ""); err != nil {
		t.Fatalf("ACK: %v", err)
	}
}

// bye ends a call, however far it has come.
func (t *T) bye(call *sipua.Call) {
	if !call.Acknowledged() {
		t.ack(call)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.ctx), t.timeout)
	defer cancel()
	if err := call.Bye(ctx); err != nil {
		t.Logf("BYE: %v", err) // what comes of a BYE is no case's matter
	}
}

// userAgent opens a user agent that can reach host.
func (t *T) userAgent(host string) *sipua.UA {
	t.Helper()
	ua, err := sipua.New(sipua.Config{Addr: net.JoinHostPort(ownHost(host), "0"), User: "conform", UserAgent: "mscp-interop", Trace: t.sipTrace}, sipua.Handlers{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ua.Close() })
	return ua
}

// sipTrace takes down what goes over SIP.
func (t *T) sipTrace(e sipua.TraceEvent) {
	dir := "<"
	if e.Sent {
		dir = ">"
	}
	t.wire.note(dir, e.Raw)
}

// ownHost is the address from which host is reached.
func ownHost(hostport string) string {
	c, err := net.Dial("udp", hostport) // sends nothing
	if err != nil {
		return "127.0.0.1"
	}
	defer c.Close()
	return c.LocalAddr().(*net.UDPAddr).IP.String()
}

// dial connects, and takes down what goes over the connection.
func (t *T) dial(addr string) net.Conn {
	t.Helper()
	c, err := net.DialTimeout("tcp", addr, t.timeout)
	if err != nil {
		t.Fatalf("connecting: %v", err)
	}
	t.Cleanup(func() { c.Close() })
	return recorded{c, t}
}

// recorded is a connection whose bytes are taken down, and on which no wait is
// longer than the run wants it.
type recorded struct {
	net.Conn
	t *T
}

func (r recorded) Write(b []byte) (int, error) {
	r.t.wire.note(">", b)
	return r.Conn.Write(b)
}

func (r recorded) Read(b []byte) (int, error) {
	n, err := r.Conn.Read(b)
	if n > 0 {
		r.t.wire.note("<", b[:n])
	}
	return n, err
}

// SetReadDeadline shortens the waits of the scripted peers.
func (r recorded) SetReadDeadline(at time.Time) error {
	if latest := time.Now().Add(r.t.timeout); at.After(latest) {
		at = latest
	}
	return r.Conn.SetReadDeadline(at)
}
