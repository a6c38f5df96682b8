package sipua

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/gomscp/gomscp/internal/testutil"
)

// An authority makes certificates for a test.
type authority struct{ *testutil.Authority }

func newAuthority(t *testing.T) authority { return authority{testutil.NewAuthority(t)} }

// issue makes a certificate for names, addresses and SIP URIs.
func (a authority) issue(names ...string) tls.Certificate {
	c := &x509.Certificate{Subject: pkix.Name{CommonName: names[0]}}
	for _, n := range names {
		if ip := net.ParseIP(n); ip != nil {
			c.IPAddresses = append(c.IPAddresses, ip)
		} else if u, err := url.Parse(n); err == nil && u.Scheme != "" {
			c.URIs = append(c.URIs, u)
		} else {
			c.DNSNames = append(c.DNSNames, n)
		}
	}
	cert, key := a.Issue(c)
	return tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: key}
}

func (a authority) pool() *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(a.Cert)
	return p
}

// config is a TLSConfig with one certificate.
func (a authority) config(cert tls.Certificate) *TLSConfig {
	return &TLSConfig{Certificate: func() (*tls.Certificate, error) { return &cert, nil }, RootCAs: a.pool(), RequireClientCert: true}
}

func newTLSUA(t *testing.T, c *TLSConfig, h Handlers) *UA {
	t.Helper()
	ua, err := New(Config{Addr: "127.0.0.1:0", User: "test", TLS: c, Logger: slog.New(slog.NewTextHandler(t.Output(), nil))}, h)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ua.Close() })
	return ua
}

// TestTLSCall makes calls with certificates on both sides, by either URI for
// TLS, and ends them from either side.
func TestTLSCall(t *testing.T) {
	for name, tc := range map[string]struct{ before, after, contact string }{
		"transport parameter": {"sip:bob@", ";transport=tls", ";transport=tls>"},
		"sips":                {"sips:bob@", "", "<sips:test@"},
	} {
		t.Run(name, func(t *testing.T) {
			ca := newAuthority(t)
			ctx := testContext(t)
			invites := make(chan *IncomingCall, 1)
			answered := make(chan *Call, 1)
			callee := newTLSUA(t, ca.config(ca.issue("127.0.0.1")), Handlers{Invite: func(in *IncomingCall) {
				invites <- in
				call, _, err := in.Answer(ctx, []byte("answer"), sdpType)
				if err != nil {
					t.Error(err)
				}
				answered <- call
				<-call.Done()
			}})
			caller := newTLSUA(t, ca.config(ca.issue("as.example.com", "127.0.0.1", "sip:example.com")), Handlers{})
			for _, byCaller := range []bool{true, false} {
				call, err := caller.Invite(ctx, InviteRequest{
					URI: tc.before + callee.TLSAddr() + tc.after, From: "sip:alice@example.com", To: "sip:bob@example.com",
				})
				if err != nil {
					t.Fatal(err)
				}
				in := <-invites
				if in.Peer.Transport != "TLS" || in.Peer.Addr.String() != in.Source || in.Peer.Certificate == nil {
					t.Errorf("the peer is %+v", in.Peer)
				}
				for _, n := range []string{"AS.example.com", "127.0.0.1", "sip:example.com"} {
					if !in.Peer.HasName(n) {
						t.Errorf("%s is not among %q", n, in.Peer.Names)
					}
				}
				if c := in.Header("Contact"); !strings.Contains(c, tc.contact) || !strings.Contains(c, caller.TLSAddr()) {
					t.Errorf("Contact: %s", c)
				}
				if via := in.Header("Via"); !strings.HasPrefix(via, "SIP/2.0/TLS "+caller.TLSAddr()) {
					t.Errorf("Via: %s", via)
				}
				if err := call.Ack(ctx, nil, ""); err != nil {
					t.Fatal(err)
				}
				first, second := call, <-answered
				if !byCaller {
					first, second = second, first // over a connection of the callee's own
				}
				if err := first.Bye(ctx); err != nil {
					t.Error(err)
				}
				await(t, "end of the other side", second.Done())
			}
		})
	}
}

// TestTLSRefused lets one side or the other have a certificate that must not be
// accepted: no call comes through, and the caller hears of it soon.
func TestTLSRefused(t *testing.T) {
	ca, other := newAuthority(t), newAuthority(t)
	good := ca.issue("127.0.0.1")
	for name, tc := range map[string]struct{ caller, callee *TLSConfig }{
		"client without a certificate": {
			&TLSConfig{Certificate: func() (*tls.Certificate, error) { return &tls.Certificate{}, nil }, RootCAs: ca.pool()}, ca.config(good)},
		"client of another authority": {
			&TLSConfig{Certificate: other.config(other.issue("127.0.0.1")).Certificate, RootCAs: ca.pool()}, ca.config(good)},
		"server of another authority": {ca.config(good), other.config(other.issue("127.0.0.1"))},
		"server with another name":    {ca.config(good), ca.config(ca.issue("127.0.0.2", "example.com"))},
	} {
		t.Run(name, func(t *testing.T) {
			callee := newTLSUA(t, tc.callee, Handlers{Invite: func(in *IncomingCall) { t.Error("the call came through"); _ = in.Reject(486, "") }})
			caller := newTLSUA(t, tc.caller, Handlers{})
			began := time.Now()
			_, err := caller.Invite(testContext(t), InviteRequest{
				URI: "sip:bob@" + callee.TLSAddr() + ";transport=tls", From: "sip:a@example.com", To: "sip:b@example.com",
			})
			if err == nil || !strings.Contains(err.Error(), "tls") && !strings.Contains(err.Error(), "x509") {
				t.Errorf("Invite: %v", err)
			}
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("the caller waited %v", took)
			}
			req := sip.NewRequest(sip.OPTIONS, sip.Uri{Scheme: "sip", Host: "example.com"})
			req.SetTransport("TLS")
			req.SetDestination(callee.TLSAddr())
			if _, err := caller.Do(testContext(t), req); err == nil {
				t.Error("OPTIONS got an answer")
			}
		})
	}
}

// TestTLSWithoutClientCertificate leaves it to the handler whom to trust.
func TestTLSWithoutClientCertificate(t *testing.T) {
	ca := newAuthority(t)
	open := ca.config(ca.issue("127.0.0.1"))
	open.RequireClientCert = false
	peers := make(chan Peer, 1)
	var callee *UA
	ready := make(chan struct{})
	callee = newTLSUA(t, open, Handlers{Other: func(req *sip.Request, tx sip.ServerTransaction) {
		<-ready
		peers <- callee.Peer(req)
		_ = tx.Respond(sip.NewResponseFromRequest(req, 403, "Forbidden", nil))
	}})
	close(ready)
	caller := newTLSUA(t, &TLSConfig{Certificate: func() (*tls.Certificate, error) { return &tls.Certificate{}, nil }, RootCAs: ca.pool()}, Handlers{})
	req := sip.NewRequest(sip.MESSAGE, sip.Uri{Scheme: "sip", Host: "example.com"})
	req.SetTransport("TLS")
	req.SetDestination(callee.TLSAddr())
	res, err := caller.Do(testContext(t), req)
	if err != nil || res.StatusCode != 403 {
		t.Fatalf("got %v, %v", res, err)
	}
	if p := <-peers; p.Certificate != nil || len(p.Names) != 0 || p.Transport != "TLS" || !p.Addr.Addr().IsLoopback() {
		t.Errorf("the peer is %+v", p)
	}
	plain := newUA(t, Handlers{})
	_, err = plain.Invite(testContext(t), InviteRequest{URI: "sips:bob@" + callee.TLSAddr(), From: "sip:a@example.com", To: "sip:b@example.com"})
	if !errors.Is(err, ErrNoTLS) {
		t.Errorf("sips without TLS: %v", err)
	}
}

// TestTLSServerNames holds which certificates vouch for a host.
func TestTLSServerNames(t *testing.T) {
	ca := newAuthority(t)
	for _, tc := range []struct {
		host string
		good bool
		cert string
	}{
		{"example.com", true, "example.com"},
		{"EXAMPLE.com", true, "sip:example.com"},
		{"example.com", false, "sip:bob@example.com"},
		{"example.com", false, "sips:example.org"},
		{"sub.example.com", false, "example.com"},
		{"127.0.0.1", true, "127.0.0.1"},
		{"127.0.0.1", false, "localhost"},
	} {
		leaf, err := x509.ParseCertificate(ca.issue(tc.cert).Certificate[0])
		if err != nil {
			t.Fatal(err)
		}
		if err := namesHost(leaf, tc.host); (err == nil) != tc.good {
			t.Errorf("%s for %s: %v", tc.cert, tc.host, err)
		}
	}
}

// TestLoadCertificate renews the files under a running user agent, with a moment
// in which they are nonsense: connections made from then on see the new one.
func TestLoadCertificate(t *testing.T) {
	ca := newAuthority(t)
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	write := func(name string) {
		t.Helper()
		c := ca.issue(name, "127.0.0.1")
		key, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
		if err != nil {
			t.Fatal(err)
		}
		for file, block := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: c.Certificate[0]}, keyFile: {Type: "PRIVATE KEY", Bytes: key}} {
			if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, err := LoadCertificate(certFile, keyFile); err == nil {
		t.Error("files that are not there were loaded")
	}
	write("first.example.com")
	get, err := LoadCertificate(certFile, keyFile)
	if err != nil {
		t.Fatal(err)
	}
	ua := newTLSUA(t, &TLSConfig{Certificate: get, RootCAs: ca.pool()}, Handlers{})
	shown := func() string {
		t.Helper()
		c, err := tls.Dial("tcp", ua.TLSAddr(), &tls.Config{RootCAs: ca.pool(), ServerName: "127.0.0.1"})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		return c.ConnectionState().PeerCertificates[0].DNSNames[0]
	}
	if got := shown(); got != "first.example.com" {
		t.Errorf("the certificate is of %s", got)
	}
	if err := os.WriteFile(certFile, []byte("nonsense"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := shown(); got != "first.example.com" {
		t.Errorf("with nonsense in the file, the certificate is of %s", got)
	}
	write("second.with.a.longer.name.example.com")
	if got := shown(); got != "second.with.a.longer.name.example.com" {
		t.Errorf("the renewed certificate is of %s", got)
	}
}
