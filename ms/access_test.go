package ms

import (
	"errors"
	"io"
	"net"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"

	"github.com/gomscp/gomscp/mscp"
	"github.com/gomscp/gomscp/sipua"
)

// asHost is a loopback address that is not the media server's.
const asHost = "127.0.0.2"

// startAlone starts a media server that belongs to asHost, and user agents there
// and elsewhere.
func startAlone(t *testing.T) (s *Server, owner, stranger *fakeAS) {
	t.Helper()
	probe, err := net.Listen("tcp", asHost+":0")
	if err != nil {
		t.Skip("this system has one loopback address only: ", err)
	}
	probe.Close()
	cfg := DefaultConfig()
	cfg.SIP.Listen, cfg.MSRP.Listen = "127.0.0.1:0", "127.0.0.1:0"
	cfg.Store = filepath.Join(t.TempDir(), "ms.db")
	cfg.Access.Peers = []string{asHost + "/32"}
	if s, err = Start(cfg, logTo(t)); err != nil {
		t.Fatal(err)
	}
	agent := func(host string) *fakeAS {
		ua, err := sipua.New(sipua.Config{Addr: host + ":0", User: "as"}, sipua.Handlers{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { ua.Close() })
		return &fakeAS{t: t, ms: s, ua: ua}
	}
	owner, stranger = agent(asHost), agent("127.0.0.1")
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return s, owner, stranger
}

func (a *fakeAS) strangers(protocol string) float64 {
	var m dto.Metric
	if err := a.ms.access.strangers.WithLabelValues(protocol).Write(&m); err != nil {
		a.t.Error(err)
	}
	return m.GetCounter().GetValue()
}

func TestStrangersInvite(t *testing.T) {
	_, owner, stranger := startAlone(t)
	offer, err := mscp.NewOffer("127.0.0.1").Marshal()
	if err != nil {
		t.Fatal(err)
	}
	for _, body := range [][]byte{offer, nil} { // a control channel, a push
		_, err := stranger.ua.Invite(stranger.ctx(), sipua.InviteRequest{
			URI: "sip:ms@" + stranger.ms.Addr(), From: stranger.ua.Contact(), To: "sip:ms@" + stranger.ms.Addr(), Body: body, ContentType: sdpType,
		})
		if status := (*sipua.StatusError)(nil); !errors.As(err, &status) || status.Code != 403 {
			t.Errorf("a stranger's INVITE ended with %v, want 403", err)
		}
	}
	if n := stranger.strangers("sip"); n != 2 {
		t.Errorf("%v strangers were counted", n)
	}
	call := owner.invite(offer)
	if err := call.Ack(owner.ctx(), nil, ""); err != nil {
		t.Error(err)
	}
}

// TestStrangersConnection has a stranger come to a control channel's port before
// the application server does.
func TestStrangersConnection(t *testing.T) {
	_, owner, _ := startAlone(t)
	offer, err := mscp.NewOffer(asHost).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	call := owner.invite(offer)
	if err := call.Ack(owner.ctx(), nil, ""); err != nil {
		t.Fatal(err)
	}
	answer, err := mscp.ParseSDP(call.RemoteBody())
	if err != nil {
		t.Fatal(err)
	}
	dial := func(from string) net.Conn {
		d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
		conn, err := d.DialContext(owner.ctx(), "tcp", net.JoinHostPort(answer.Host, strconv.Itoa(answer.Port)))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
		return conn
	}
	if _, err := dial("127.0.0.1").Read(make([]byte, 1)); err != io.EOF && !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the stranger's connection: %v", err)
	}
	if n := owner.strangers("mscp"); n != 1 {
		t.Errorf("%v strangers were counted", n)
	}
	conn := dial(asHost)
	_ = conn.SetDeadline(time.Time{})
	owner.channel = mscp.NewClient(conn, mscp.Config{})
	defer owner.channel.Close()
	owner.do(&mscp.RestoreMsg{FromURI: alice, ToURI: bob, ConnectionID: "a;b;c"})
}
