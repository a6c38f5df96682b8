package ms

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gomscp/gomscp/mscp"
	"github.com/gomscp/gomscp/msrp"
	"github.com/gomscp/gomscp/msrp/msrptest"
	"github.com/gomscp/gomscp/sipua"
)

// secureOffer is rawSDP for MSRP over TLS, of a client with that certificate.
func secureOffer(t *testing.T, cert *tls.Certificate, path string) []byte {
	t.Helper()
	sdp := strings.Replace(string(rawSDP(path, "accept-types:*")), "TCP/MSRP", "TCP/TLS/MSRP", 1)
	if cert != nil {
		sdp += "a=fingerprint:" + sha256Of(cert.Certificate[0]) + "\r\n"
	}
	return []byte(sdp)
}

// sha256Of is a fingerprint as RFC 8122, section 5, has it.
func sha256Of(der []byte) string {
	sum := sha256.Sum256(der)
	var pairs []string
	for _, b := range sum {
		pairs = append(pairs, strings.ToUpper(hex.EncodeToString([]byte{b})))
	}
	return "sha-256 " + strings.Join(pairs, ":")
}

func selfSigned(t *testing.T) *tls.Certificate {
	t.Helper()
	cert, err := msrp.SelfSigned()
	if err != nil {
		t.Fatal(err)
	}
	return &cert
}

// dialTLS connects to where an answer says, as a client does that checks nothing but
// the fingerprint in it.
func dialTLS(t *testing.T, cert *tls.Certificate, answer []byte) *msrptest.Peer {
	t.Helper()
	want := attribute(t, string(answer), "fingerprint")
	u, err := msrp.ParseURI(attribute(t, string(answer), "path"))
	if err != nil || !u.Secure {
		t.Fatalf("%s: %v", answer, err)
	}
	cfg := &tls.Config{InsecureSkipVerify: true, VerifyPeerCertificate: func(raw [][]byte, _ [][]*x509.Certificate) error {
		if got := sha256Of(raw[0]); got != want {
			t.Errorf("the certificate is %s, and the SDP says %s", got, want)
		}
		return nil
	}}
	if cert != nil {
		cfg.Certificates = []tls.Certificate{*cert}
	}
	nc, err := tls.Dial("tcp", net.JoinHostPort(u.Host, strconv.Itoa(u.Port)), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return msrptest.New(t, nc)
}

// TestMSRPOverTLSUnconfigured has a client offer TCP/TLS/MSRP to a server without any
// certificate configured.
func TestMSRPOverTLSUnconfigured(t *testing.T) {
	dir := t.TempDir()
	a := newFakeAS(t, func(c *Config) { c.Store = filepath.Join(dir, "ms.db") })
	info, err := os.Stat(filepath.Join(dir, "ms.db.msrp.pem"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("the certificate's file: %+v, %v", info, err)
	}
	cert := selfSigned(t)
	const path = "msrps://127.0.0.1:9/s1;tcp"
	call := a.invite(secureOffer(t, cert, path))
	if err := call.Ack(a.ctx(), nil, ""); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(call.RemoteBody()), " TCP/TLS/MSRP *\r\n") {
		t.Errorf("answered %s", call.RemoteBody())
	}
	a.restore(call, alice, bob)
	l := &rawLeg{t: t, call: call, ours: path, theirs: attribute(t, string(call.RemoteBody()), "path"), Peer: dialTLS(t, cert, call.RemoteBody())}
	l.send("t1", "hello", "Content-Type: text/plain")
	l.want("t1", 200)

	stranger := &rawLeg{t: t, ours: path, theirs: l.theirs, Peer: dialTLS(t, selfSigned(t), call.RemoteBody())}
	stranger.send("t2", "not mine", "Content-Type: text/plain")
	if f := stranger.Next(); f.Code < 400 {
		t.Errorf("a certificate that is not in the SDP: %+v", f)
	}
	a.wantKept(1)

	again := newFakeAS(t, func(c *Config) { c.Store = filepath.Join(t.TempDir(), "ms.db") })
	if again.ms.msrp.made.Leaf.Equal(a.ms.msrp.made.Leaf) {
		t.Error("two servers have one certificate")
	}
}

// TestCertificateIsKept starts twice on one store, and where none can be kept.
func TestCertificateIsKept(t *testing.T) {
	var prints []string
	path := filepath.Join(t.TempDir(), "ms.db")
	start := func() {
		cfg := DefaultConfig()
		cfg.SIP.Listen, cfg.MSRP.Listen, cfg.Store = "127.0.0.1:0", "127.0.0.1:0", path
		s, err := Start(cfg, logTo(t))
		if err != nil {
			t.Fatal(err)
		}
		prints = append(prints, sha256Of(s.msrp.made.Certificate[0]))
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	start()
	start()
	if prints[0] != prints[1] {
		t.Error("the second start made another")
	}
	if err := os.WriteFile(path+".msrp.pem", []byte("damaged"), 0o600); err != nil {
		t.Fatal(err)
	}
	start()
	if b, err := os.ReadFile(path + ".msrp.pem"); prints[2] == prints[0] || err != nil || string(b) != "damaged" {
		t.Errorf("a damaged file: %s, %v", b, err)
	}
}

// TestMSRPOverTLSIsOff refuses the offer, and says why.
func TestMSRPOverTLSIsOff(t *testing.T) {
	a := newFakeAS(t, func(c *Config) { c.MSRP.TLSListen = "off" })
	_, err := a.ua.Invite(a.ctx(), sipua.InviteRequest{
		URI: "sip:ms@" + a.ms.Addr(), From: a.ua.Contact(), To: "sip:ms@" + a.ms.Addr(),
		Body: secureOffer(t, nil, "msrps://127.0.0.1:9/s1;tcp"), ContentType: sdpType,
	})
	var status *sipua.StatusError
	if !errors.As(err, &status) || status.Code != 488 || !strings.HasPrefix(status.Header("Warning"), "302 ") {
		t.Errorf("%v", err)
	}
}

// TestPushOverTLS asks for an offer of MSRP over TLS, as an application server does for
// a device that refuses the other, and pushes.
func TestPushOverTLS(t *testing.T) {
	for name, tc := range map[string]struct {
		configured bool
		asked      string
		off        bool
		want       string
	}{
		"default":        {false, "", false, "TCP/MSRP"},
		"asked":          {false, "tls", false, "TCP/TLS/MSRP"},
		"asked, and off": {false, "TLS", true, "TCP/MSRP"},
		"configured":     {true, "", false, "TCP/TLS/MSRP"},
		"asked for TCP":  {true, "TCP", false, "TCP/TLS/MSRP"}, // no refusal takes TLS away
		"asked for what": {false, "carrier pigeon", false, "TCP/MSRP"},
	} {
		t.Run(name, func(t *testing.T) {
			a := newFakeAS(t, func(c *Config) {
				if c.MSRP.OfferTLS = tc.configured; tc.off {
					c.MSRP.TLSListen = off
				}
			})
			a.leave(text("hi"))
			call, err := a.ua.Invite(a.ctx(), sipua.InviteRequest{
				URI: "sip:ms@" + a.ms.Addr(), From: a.ua.Contact(), To: "sip:ms@" + a.ms.Addr(),
				Header: []sipua.Header{{Name: mscp.HeaderTransport, Value: tc.asked}},
			})
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(string(call.RemoteBody()), " "+tc.want+" *\r\n") {
				t.Errorf("offered %s", call.RemoteBody())
			}
			if tc.want == "TCP/MSRP" {
				if err := call.Ack(a.ctx(), secureOffer(t, nil, "msrps://127.0.0.1:9/s1;tcp"), sdpType); err != nil {
					t.Fatal(err)
				}
				wantDevice(t, a.do(&mscp.SendMsg{FromURI: alice, ToURI: bob, ConnectionID: call.ID().String()}), "TLS")
				return
			}
			cert := selfSigned(t)
			const path = "msrps://127.0.0.1:9/s1;tcp"
			if err := call.Ack(a.ctx(), secureOffer(t, cert, path), sdpType); err != nil {
				t.Fatal(err)
			}
			l := &rawLeg{t: t, call: call, ours: path, theirs: attribute(t, string(call.RemoteBody()), "path"), Peer: dialTLS(t, cert, call.RemoteBody())}
			l.Send("MSRP bind1 SEND", "To-Path: "+l.theirs, "From-Path: "+l.ours, "Message-ID: b1", "Byte-Range: 1-0/0", "-------bind1$")
			l.want("bind1", 200)
			resp := a.sendMsg(l)
			f := l.Next()
			l.Answer(f, 200, "OK")
			if r := <-resp; mscp.Name(r) != "MsgSended" || string(f.Body) != "hi" {
				t.Errorf("got %s: %+v", f.Body, r)
			}
		})
	}
}

// TestPushToPassiveDeviceOverTLS has us connect: the device sees our certificate, whose
// fingerprint the offer has.
func TestPushToPassiveDeviceOverTLS(t *testing.T) {
	a := newFakeAS(t, func(c *Config) { c.MSRP.OfferTLS = true })
	a.leave(text("hi"))
	leg := a.invite(nil)
	offer, err := msrp.ParseSDP(leg.RemoteBody())
	if err != nil {
		t.Fatal(err)
	}
	cert := selfSigned(t)
	ln, err := msrp.Listen("127.0.0.1:0", msrp.Config{TLS: &tls.Config{Certificates: []tls.Certificate{*cert}}})
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	local, took := ln.NewURI(""), make(chan string, 1)
	if _, err := ln.Accept(msrp.SessionConfig{Local: local, Remote: offer.Path, Fingerprints: offer.Fingerprints, Handler: func(_ context.Context, m *msrp.Incoming) error {
		b, err := io.ReadAll(m)
		took <- string(b)
		return err
	}}); err != nil {
		t.Fatal(err)
	}
	answer, err := (&msrp.Media{
		TLS: true, Host: local.Host, Port: local.Port, Path: msrp.Path{local}, AcceptTypes: []string{"*"}, Setup: msrp.SetupPassive,
		Fingerprints: []string{sha256Of(cert.Certificate[0])},
	}).Answer(leg.RemoteBody())
	if err != nil {
		t.Fatal(err)
	}
	if err := leg.Ack(a.ctx(), answer, sdpType); err != nil {
		t.Fatal(err)
	}
	if r := a.do(&mscp.SendMsg{FromURI: alice, ToURI: bob, ConnectionID: leg.ID().String()}); mscp.Name(r) != "MsgSended" {
		t.Errorf("%+v", r)
	}
	if b := <-took; b != "hi" {
		t.Errorf("took %q", b)
	}
}

// TestPushOverTLSBeforeTheAnswer has devices connect before their answer is there: a
// stranger with another certificate, and the one that is called. Neither gets an answer
// before the fingerprint is known.
func TestPushOverTLSBeforeTheAnswer(t *testing.T) {
	a := newFakeAS(t, func(c *Config) { c.MSRP.OfferTLS = true })
	a.leave(text("hi"))
	call := a.invite(nil)
	offer := call.RemoteBody()
	cert := selfSigned(t)
	const path = "msrps://127.0.0.1:9/s1;tcp"
	connect := func(cert *tls.Certificate) *rawLeg {
		l := &rawLeg{t: t, call: call, ours: path, theirs: attribute(t, string(offer), "path"), Peer: dialTLS(t, cert, offer)}
		l.Send("MSRP bind1 SEND", "To-Path: "+l.theirs, "From-Path: "+l.ours, "Message-ID: b1", "Byte-Range: 1-0/0", "-------bind1$")
		l.Quiet(50 * time.Millisecond)
		return l
	}
	stranger, device := connect(selfSigned(t)), connect(cert)
	if err := call.Ack(a.ctx(), secureOffer(t, cert, path), sdpType); err != nil {
		t.Fatal(err)
	}
	stranger.want("bind1", 403)
	stranger.Closed()
	device.want("bind1", 200)
	resp := a.sendMsg(device)
	f := device.Next()
	device.Answer(f, 200, "OK")
	if r := <-resp; mscp.Name(r) != "MsgSended" || string(f.Body) != "hi" {
		t.Errorf("got %s: %+v", f.Body, r)
	}
}
