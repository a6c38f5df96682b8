package e2e

import (
	"bufio"
	"crypto/sha256"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gomscp/gomscp/as"
	"github.com/gomscp/gomscp/interop/internal/softphone"
	"github.com/gomscp/gomscp/interop/internal/testenv"
	"github.com/gomscp/gomscp/ms"
	"github.com/gomscp/gomscp/mscp"
	"github.com/gomscp/gomscp/sipua"
)

// strangerHost is a loopback address that belongs to nobody in the cluster.
const strangerHost = "127.0.0.9"

func needHost(t *testing.T, host string) {
	t.Helper()
	l, err := net.Listen("tcp", host+":0")
	if err != nil {
		t.Skip("this system has one loopback address only: ", err)
	}
	l.Close()
}

// guarded lets 127.0.0.1 in, and from elsewhere alice with her password.
func guarded(t *testing.T, o envOptions) *env {
	needHost(t, strangerHost)
	users := filepath.Join(t.TempDir(), "users")
	line := fmt.Sprintf("alice:%s:%x\n", domain, sha256.Sum256([]byte("alice:"+domain+":"+ownPassword)))
	if err := os.WriteFile(users, []byte(line), 0o600); err != nil {
		t.Fatal(err)
	}
	change := o.configAS
	o.configAS = func(c *as.Config) {
		c.Access = as.AccessConfig{Peers: []string{"127.0.0.1"}, Trusted: []string{"127.0.0.1"}, Users: users, Realm: domain}
		if change != nil {
			change(c)
		}
	}
	o.configMS = func(_ int, c *ms.Config) { c.Access.Peers = []string{"127.0.0.1"} }
	return newEnv(t, o)
}

const ownPassword = "alice's own"

// stranger is a phone on strangerHost that calls the application server itself.
func (e *env) stranger(user, password string) *softphone.Phone {
	e.t.Helper()
	p, err := softphone.New(softphone.Config{User: user, Password: password, Proxy: e.cluster.AS.SIP, Addr: strangerHost + ":0"})
	if err != nil {
		e.t.Fatal(err)
	}
	e.t.Cleanup(func() { p.Close() })
	return p
}

func (e *env) wantRefused(p *softphone.Phone, code int) {
	e.t.Helper()
	chat, err := p.Call(e.ctx, bob)
	var status *sipua.StatusError
	if err == nil {
		_ = chat.Close(e.ctx)
	}
	if !errors.As(err, &status) || status.Code != code {
		e.t.Errorf("the call ended with %v, want %d", err, code)
	}
}

// TestStrangers has callers come round the proxy: those without credentials, with
// wrong ones, and with another's name in From are refused; a user with credentials
// gets through. Through the proxy all is as ever.
func TestStrangers(t *testing.T) {
	e := guarded(t, envOptions{})
	e.wantRefused(e.stranger(alice, ""), 401)
	e.wantRefused(e.stranger(alice, "a guess"), 401)
	spoofed, err := sipua.New(sipua.Config{Addr: strangerHost + ":0", User: "alice"}, sipua.Handlers{})
	if err != nil {
		t.Fatal(err)
	}
	defer spoofed.Close()
	_, err = spoofed.Invite(e.ctx, sipua.InviteRequest{
		URI: bob, From: carol, To: bob, Destination: e.cluster.AS.SIP, ContentType: "application/sdp",
		Username: "alice", Password: ownPassword,
	})
	var status *sipua.StatusError
	if !errors.As(err, &status) || status.Code != 403 {
		t.Errorf("carol's name with alice's password: %v", err)
	}
	e.eventually("the rejections are counted", func() bool {
		return e.metric(e.cluster.AS, `mscp_as_rejected_total{reason="from"}`) == "1" &&
			e.metric(e.cluster.AS, `mscp_as_rejected_total{reason="credentials"}`) == "1"
	})
	chat, err := e.stranger(alice, ownPassword).Call(e.ctx, bob)
	if err != nil {
		t.Fatalf("alice with her password: %v", err)
	}
	if err := chat.Close(e.ctx); err != nil {
		t.Error(err)
	}
	e.leave(carol, bob, "through the proxy")
	e.wantKept(1)
}

// TestFlood has one stranger call at a rate, which does not keep others out, and
// does not fill the log.
func TestFlood(t *testing.T) {
	e := guarded(t, envOptions{configAS: func(c *as.Config) {
		c.Limits.SourceRate, c.Limits.SourceBurst = 0.01, 3
	}})
	p := e.stranger(alice, "")
	for range 3 {
		e.wantRefused(p, 401)
	}
	for range 20 {
		e.wantRefused(p, 503)
	}
	e.leave(carol, bob, "meanwhile")
	e.wantKept(1)
	e.eventually("20 rejections are counted", func() bool {
		return e.metric(e.cluster.AS, `mscp_as_rejected_total{reason="source_rate"}`) == "20"
	})
	if n := strings.Count(e.cluster.AS.LogTail(1000), "source_rate"); n != 1 {
		t.Errorf("%d lines about the flood", n)
	}
}

// TestStrangersAtTheMediaServer asks a media server for a control channel and for
// messages, as if one were an application server, and connects to the ports that
// it has.
func TestStrangersAtTheMediaServer(t *testing.T) {
	e := guarded(t, envOptions{})
	e.leave(carol, bob, "a secret")
	ua, err := sipua.New(sipua.Config{Addr: strangerHost + ":0", User: "as"}, sipua.Handlers{})
	if err != nil {
		t.Fatal(err)
	}
	defer ua.Close()
	offer, err := mscp.NewOffer(strangerHost).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	target := "sip:ms@" + e.cluster.MS[0].SIP
	for _, body := range [][]byte{offer, nil} {
		_, err := ua.Invite(e.ctx, sipua.InviteRequest{URI: target, From: ua.Contact(), To: target, Body: body, ContentType: "application/sdp"})
		var status *sipua.StatusError
		if !errors.As(err, &status) || status.Code != 403 {
			t.Errorf("%d bytes of offer: %v, want 403", len(body), err)
		}
	}
	if answer := e.askTCP(target, e.cluster.MS[0].SIP); !strings.HasPrefix(answer, "SIP/2.0 403 ") {
		t.Errorf("over TCP: %q", answer)
	}
	e.eventually("the rejections are counted", func() bool {
		return e.metric(e.cluster.MS[0], `mscp_mediaserver_strangers_rejected_total{protocol="sip"}`) == "3"
	})
	e.wantKept(1)
}

// askTCP sends an INVITE over TCP from strangerHost, and returns the first line of
// the answer.
func (e *env) askTCP(uri, addr string) string {
	e.t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(strangerHost)}}
	conn, err := d.DialContext(e.ctx, "tcp", addr)
	if err != nil {
		e.t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	fmt.Fprintf(conn, "INVITE %s SIP/2.0\r\nVia: SIP/2.0/TCP %s;branch=z9hG4bKstranger\r\nMax-Forwards: 70\r\n"+
		"From: <sip:as@example.net>;tag=1\r\nTo: <%s>\r\nCall-ID: stranger\r\nCSeq: 1 INVITE\r\n"+
		"Contact: <sip:as@%s>\r\nContent-Length: 0\r\n\r\n", uri, conn.LocalAddr(), uri, conn.LocalAddr())
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		e.t.Error(err)
	}
	return line
}

// TestStrangerAtAControlPort waits at the one port that control channels are to
// use, and connects before the application server does.
func TestStrangerAtAControlPort(t *testing.T) {
	needHost(t, strangerHost)
	_, port, err := net.SplitHostPort(testenv.FreeAddr(t))
	if err != nil {
		t.Fatal(err)
	}
	e := newEnv(t, envOptions{keepAlone: true, configMS: func(_ int, c *ms.Config) {
		c.Access.Peers = []string{"127.0.0.1"}
		if _, err := fmt.Sscan(port, &c.Control.PortMin); err != nil {
			t.Error(err)
		}
		c.Control.PortMax = c.Control.PortMin
	}})
	stop, stopped := make(chan struct{}), make(chan int)
	go func() { // as fast as it can, from before the port is there
		dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(strangerHost)}, Timeout: time.Second}
		connected := 0
		for {
			select {
			case <-stop:
				stopped <- connected
				return
			default:
			}
			if conn, err := dialer.DialContext(e.ctx, "tcp", "127.0.0.1:"+port); err == nil {
				connected++
				conn.Close()
			}
		}
	}()
	err = e.cluster.Start(e.ctx)
	if err == nil {
		e.awaitChannels()
	}
	close(stop)
	t.Logf("the stranger connected %d times", <-stopped)
	if err != nil {
		t.Fatal(err)
	}
	e.leave(alice, bob, "all the same")
	e.wantKept(1)
}
