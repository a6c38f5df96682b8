package msrp

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/gomscp/gomscp/internal/admit"
	"github.com/gomscp/gomscp/internal/testutil"
	"github.com/gomscp/gomscp/msrp/msrptest"
)

// dialFrom connects from a loopback address of its own; on systems that have none but
// 127.0.0.1, the test is skipped.
func dialFrom(t *testing.T, host, addr string) *msrptest.Peer {
	t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(host)}, Timeout: msrptest.Timeout}
	nc, err := d.Dial("tcp", addr)
	if err != nil {
		if strings.Contains(err.Error(), "assign") {
			t.Skip(err)
		}
		t.Fatal(err)
	}
	return msrptest.New(t, nc)
}

// awaitCounts waits until a listener has that many connections without and with a
// session.
func awaitCounts(t *testing.T, l *Listener, strangers, bound int) {
	t.Helper()
	for end := time.Now().Add(msrptest.Timeout); ; time.Sleep(time.Millisecond) {
		c := l.Counts()
		if c.Strangers == strangers && c.Peers == bound {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%+v, want %d without and %d with a session", c, strangers, bound)
		}
	}
}

// TestUnboundBySource floods a listener with connections that do nothing. Each source has
// its share, a newcomer pushes out the flood's oldest and nobody else's, a peer with a
// session is served all the while, and in the end nothing is left.
func TestUnboundBySource(t *testing.T) {
	l := testListener(t, Config{MaxUnbound: 20, MaxUnboundSource: 15})
	quiet := dialFrom(t, "127.0.0.3", l.Addr().String())
	awaitCounts(t, l, 1, 0)
	var flood []*msrptest.Peer
	for i := range 15 {
		flood = append(flood, dialFrom(t, "127.0.0.2", l.Addr().String()))
		awaitCounts(t, l, 2+i, 0)
	}
	dialFrom(t, "127.0.0.2", l.Addr().String()).Closed()
	for i := range 4 {
		dialFrom(t, "127.0.0.4", l.Addr().String())
		awaitCounts(t, l, 17+i, 0)
	}
	s, err := l.Accept(SessionConfig{Local: l.NewURI(""), Remote: Path{testURI(t, "msrp://127.0.0.1:9/peer;tcp")}})
	if err != nil {
		t.Fatal(err)
	}
	peer := msrptest.Dial(t, l.Addr().String())
	flood[0].Closed()
	bind(t, peer, s)
	awaitCounts(t, l, 19, 1)
	for i := range 3 { // room for one, and then two of the flood's go
		dialFrom(t, fmt.Sprintf("127.0.0.%d", 5+i), l.Addr().String())
	}
	flood[1].Closed()
	flood[2].Closed()
	quiet.Quiet(20 * time.Millisecond)
	peer.Quiet(time.Millisecond)
	if r := l.Counts().Refused; r[admit.ReasonSource] != 1 || r[admit.ReasonEvicted] != 3 {
		t.Errorf("counted: %v", r)
	}
	for _, p := range flood {
		p.Conn.Close()
	}
	quiet.Conn.Close()
	awaitCounts(t, l, 7, 1)
	peer.Conn.Close()
	awaitCounts(t, l, 7, 0)
}

// bind sends an empty SEND for s, and waits for its 200.
func bind(t *testing.T, p *msrptest.Peer, s *Session) {
	t.Helper()
	p.Write("MSRP bind0001 SEND\r\nTo-Path: " + s.Local().String() + "\r\nFrom-Path: msrp://127.0.0.1:9/peer;tcp\r\nMessage-ID: 1\r\nByte-Range: 1-0/0\r\n-------bind0001$\r\n")
	if f := p.Next(); f.Code != 200 {
		t.Fatalf("bound with %d %s", f.Code, f.Comment)
	}
}

// TestMaxConns has one connection with a session where there may be one. Another one's
// request does not bind.
func TestMaxConns(t *testing.T) {
	l := testListener(t, Config{MaxConns: 1})
	var s [2]*Session
	for i := range s {
		var err error
		if s[i], err = l.Accept(SessionConfig{Local: l.NewURI(""), Remote: Path{testURI(t, "msrp://127.0.0.1:9/peer;tcp")}}); err != nil {
			t.Fatal(err)
		}
	}
	bind(t, msrptest.Dial(t, l.Addr().String()), s[0])
	second := msrptest.Dial(t, l.Addr().String())
	second.Write("MSRP bind0001 SEND\r\nTo-Path: " + s[1].Local().String() + "\r\nFrom-Path: msrp://127.0.0.1:9/peer;tcp\r\nMessage-ID: 1\r\nByte-Range: 1-0/0\r\n-------bind0001$\r\n")
	if f := second.Next(); f.Code != 481 {
		t.Errorf("%d %s", f.Code, f.Comment)
	}
	if n := l.Counts().Refused[admit.ReasonPeers]; n != 1 {
		t.Errorf("%d counted", n)
	}
}

// TestHalfHandshakes has connections stop in the middle of TLS, and talk nonsense. They
// end in time, a peer's session comes in beside them, and the log is not filled.
func TestHalfHandshakes(t *testing.T) {
	cert, err := SelfSigned()
	if err != nil {
		t.Fatal(err)
	}
	logs := &testutil.Buffer{}
	l := testListener(t, Config{
		TLS: &tls.Config{Certificates: []tls.Certificate{cert}}, UnboundTimeout: 300 * time.Millisecond, MaxUnbound: 200,
		Logger: slog.New(slog.NewTextHandler(logs, nil)),
	})
	hello := clientHello(t)
	var half []*msrptest.Peer
	for i := range 40 {
		p := msrptest.Dial(t, l.Addr().String())
		p.Write(string(hello[:i%len(hello)]))
		half = append(half, p)
	}
	s, err := l.Accept(SessionConfig{Local: l.NewURI(""), Remote: Path{testURI(t, "msrp://127.0.0.1:9/peer;tcp")}})
	if err != nil {
		t.Fatal(err)
	}
	nc, err := tls.Dial("tcp", l.Addr().String(), &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	peer := msrptest.New(t, nc)
	bind(t, peer, s)
	for _, p := range half {
		p.Closed()
	}
	awaitCounts(t, l, 0, 1)
	if n := l.Counts().Refused[admit.ReasonLate]; n != 40 {
		t.Errorf("%d were counted as late, want 40", n)
	}
	for range 2 * strangerLines {
		p := msrptest.Dial(t, l.Addr().String())
		p.Write("GET / HTTP/1.0\r\n\r\n")
		_, _ = io.Copy(io.Discard, p.Conn)
	}
	awaitCounts(t, l, 0, 1)
	if n := logs.Count("\n"); n != strangerLines {
		t.Errorf("%d lines in the log, want %d", n, strangerLines)
	}
}

// clientHello is what a client of TLS sends first.
func clientHello(t *testing.T) []byte {
	t.Helper()
	ours, theirs := net.Pipe()
	defer ours.Close()
	go func() {
		_ = tls.Client(theirs, &tls.Config{InsecureSkipVerify: true}).Handshake() // it ends with the pipe
	}()
	b := make([]byte, 4096)
	n, err := ours.Read(b)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Clone(b[:n])
}
