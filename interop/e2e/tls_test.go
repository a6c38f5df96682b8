package e2e

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gomscp/gomscp/as"
	"github.com/gomscp/gomscp/internal/daemon"
	"github.com/gomscp/gomscp/interop/internal/softphone"
	"github.com/gomscp/gomscp/interop/internal/testenv"
	"github.com/gomscp/gomscp/ms"
	"github.com/gomscp/gomscp/msrp"
	"github.com/gomscp/gomscp/sipua"
)

// newSecureEnv starts a cluster in which everything that can goes over TLS: SIP
// between the servers, MSCP and MSRP; SIP over TLS is taken at the address that is
// returned, of those with a certificate for example.com and of the proxy.
func newSecureEnv(t *testing.T, ca *authority) (e *env, secure string) {
	t.Helper()
	secure = testenv.FreeAddr(t)
	msSIP := testenv.FreeAddr(t)
	return newEnv(t, envOptions{
		configMS: func(_ int, c *ms.Config) {
			c.TLS, c.SIP.TLSListen, c.SIP.RequireClientCertificate = ca.issue("ms.example.net"), msSIP, true
			c.MSRP.TLSListen, c.MSRP.OfferTLS, c.Control.RequireTLS = testenv.FreeAddr(t), true, true
			c.Access.Peers = []string{"as.example.net"}
		},
		configAS: func(c *as.Config) {
			c.TLS, c.SIP.TLSListen = ca.issue("as.example.net"), secure
			c.Control.Transport = "tls"
			c.MediaServers[0].URI = "sip:ms@" + msSIP + ";transport=tls"
		},
	}), secure
}

// TestTLS leaves a message through the proxy, and one over SIP with TLS, and has
// both pushed; all MSRP and all between the servers is over TLS.
func TestTLS(t *testing.T) {
	for name, setup := range map[string]msrp.Setup{"the user agent connects": msrp.SetupActive, "we connect": msrp.SetupPassive} {
		t.Run(name, func(t *testing.T) {
			ca := newAuthority(t)
			e, secure := newSecureEnv(t, ca)
			phone := func(cfg softphone.Config) *softphone.Phone {
				cfg.Setup, cfg.MSRPTLS = setup, &tls.Config{Certificates: []tls.Certificate{ca.pair(cfg.User[4:9])}}
				return e.phone(cfg)
			}
			leave := func(p *softphone.Phone, text string) {
				t.Helper()
				chat, err := p.Call(e.ctx, bob)
				if err != nil {
					t.Fatal(err)
				}
				if err := send(e.ctx, chat, msrp.Message{}, text); err != nil {
					t.Error(err)
				}
				if err := chat.Close(e.ctx); err != nil {
					t.Error(err)
				}
			}
			leave(phone(softphone.Config{User: alice}), "through the proxy")
			var mu sync.Mutex
			overTLS := 0
			direct, err := softphone.New(softphone.Config{
				User: alice, Proxy: secure + ";transport=tls", Setup: setup, SIPTLS: ca.sip("example.com"),
				MSRPTLS: &tls.Config{Certificates: []tls.Certificate{ca.pair("alice")}},
				TraceSIP: func(ev sipua.TraceEvent) {
					mu.Lock()
					defer mu.Unlock()
					if !ev.Sent && strings.Contains(string(ev.Raw), "SIP/2.0/TLS") {
						overTLS++
					}
				},
			})
			if err != nil {
				t.Fatal(err)
			}
			defer direct.Close()
			leave(direct, "straight to the server")
			e.wantKept(2)
			mu.Lock()
			if overTLS == 0 {
				t.Error("no SIP went over TLS")
			}
			mu.Unlock()
			box := newInbox()
			user := phone(softphone.Config{User: bob, OnMessage: box.take})
			if err := user.Register(e.ctx, time.Minute); err != nil {
				t.Fatal(err)
			}
			box.want(t, alice+" through the proxy", alice+" straight to the server")
			e.wantKept(0)
		})
	}
}

// TestWrongFingerprint has a caller whose certificate is not that of its SDP.
func TestWrongFingerprint(t *testing.T) {
	ca := newAuthority(t)
	e, _ := newSecureEnv(t, ca)
	p := e.phone(softphone.Config{User: alice, MSRPTLS: &tls.Config{
		Certificates:         []tls.Certificate{ca.pair("alice")},
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { c := ca.pair("mallory"); return &c, nil },
	}})
	ctx, cancel := context.WithTimeout(e.ctx, patience)
	defer cancel()
	if chat, err := p.Call(ctx, bob); err == nil {
		t.Error("the session came up")
		_ = chat.Close(ctx)
	} else if !strings.Contains(err.Error(), "403") {
		t.Errorf("refused with %v", err)
	}
}

// TestRenewedCertificate gives the application server another certificate: by its
// files, which are looked at for each connection, and by other files, with SIGHUP.
func TestRenewedCertificate(t *testing.T) {
	ca := newAuthority(t)
	e, secure := newSecureEnv(t, ca)
	roots := x509.NewCertPool()
	roots.AddCert(ca.Cert)
	shown := func() string {
		conn, err := tls.Dial("tcp", secure, &tls.Config{RootCAs: roots, ServerName: "127.0.0.1"})
		if err != nil {
			return err.Error()
		}
		defer conn.Close()
		return conn.ConnectionState().PeerCertificates[0].Subject.CommonName
	}
	if got := shown(); got != "as.example.net" {
		t.Fatalf("the certificate at the start is of %q", got)
	}
	cfg, err := as.LoadConfig(e.cluster.AS.Config())
	if err != nil {
		t.Fatal(err)
	}
	cfg.TLS = ca.issue("renewed.example.net")
	if err := e.cluster.AS.Reconfigure(cfg); err != nil {
		t.Fatal(err)
	}
	e.eventually("the other certificate is shown", func() bool { return shown() == "renewed.example.net" })
	cfg.TLS = daemon.TLSConfig{}
	cfg.Control.Transport = "tcp"
	if err := e.cluster.AS.Reconfigure(cfg); err != nil {
		t.Fatal(err)
	}
	e.logged(e.cluster.AS, "configuration refused", "tls.certificate")
	if got := shown(); got != "renewed.example.net" {
		t.Errorf("after a refused configuration, the certificate is of %q", got)
	}
}

// TestCertificateNames lets those in whose certificate is named, with a From that
// is of it, and nobody else with a certificate of the same authority.
func TestCertificateNames(t *testing.T) {
	ca := newAuthority(t)
	secure, msSIP := testenv.FreeAddr(t), testenv.FreeAddr(t)
	e := newEnv(t, envOptions{
		configMS: func(_ int, c *ms.Config) {
			c.TLS, c.SIP.TLSListen, c.Access.Peers = ca.issue("ms.example.net"), msSIP, []string{"as.example.net"}
		},
		configAS: func(c *as.Config) {
			c.TLS, c.SIP.TLSListen = ca.issue("as.example.net"), secure
			c.MediaServers[0].URI = "sip:ms@" + msSIP + ";transport=tls"
			// the proxy is at 192.0.2.1 for this test, so that loopback is no peer
			c.Access.Peers, c.Access.Trusted = []string{"example.com", "example.org"}, []string{"192.0.2.1"}
		},
	})
	for name, tc := range map[string]struct {
		cert, server, from string
		code               int
	}{
		"the domain's server":         {"example.com", secure, alice, 200},
		"another domain's":            {"example.org", secure, alice, 403},
		"that one for its own user":   {"example.org", secure, "sip:erin@example.org", 200},
		"nobody's":                    {"example.net", secure, "sip:erin@example.net", 403},
		"the caller at a MS":          {"example.com", msSIP, alice, 403},
		"another server at a MS":      {"ms.example.net", msSIP, "sip:ms@example.net", 403},
		"without TLS, from loopback":  {"", e.cluster.AS.SIP, alice, 403},
		"without TLS, at a MS's port": {"", e.cluster.MS[0].SIP, alice, 403},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := softphone.Config{User: tc.from, Proxy: tc.server}
			if tc.cert != "" {
				cfg.Proxy, cfg.SIPTLS = tc.server+";transport=tls", ca.sip(tc.cert)
			}
			p, err := softphone.New(cfg)
			if err != nil {
				t.Fatal(err)
			}
			defer p.Close()
			chat, err := p.Call(e.ctx, bob)
			if err == nil {
				defer chat.Close(e.ctx)
			}
			var status *sipua.StatusError
			if errors.As(err, &status); tc.code == 200 && err != nil || tc.code != 200 && (status == nil || status.Code != tc.code) {
				t.Errorf("the call ended with %v, want %d", err, tc.code)
			}
		})
	}
}

// TestPushNeedsTLS has a recipient without MSRP over TLS, who refuses the offer, and
// one whose certificate is not that of its SDP: both times the message stays.
func TestPushNeedsTLS(t *testing.T) {
	ca := newAuthority(t)
	e, _ := newSecureEnv(t, ca)
	with := func(name string) *tls.Config { return &tls.Config{Certificates: []tls.Certificate{ca.pair(name)}} }
	chat, err := e.phone(softphone.Config{User: alice, MSRPTLS: with("alice")}).Call(e.ctx, bob)
	if err != nil {
		t.Fatal(err)
	}
	if err := send(e.ctx, chat, msrp.Message{}, "for bob alone"); err != nil {
		t.Error(err)
	}
	if err := chat.Close(e.ctx); err != nil {
		t.Error(err)
	}
	wrong := with("bob")
	wrong.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { c := ca.pair("mallory"); return &c, nil }
	for name, config := range map[string]*tls.Config{"without TLS": nil, "with another certificate": wrong} {
		box := newInbox()
		p := e.phone(softphone.Config{User: bob, OnMessage: box.take, Setup: msrp.SetupActive, MSRPTLS: config})
		failed := e.failedPushes()
		if err := p.Register(e.ctx, time.Minute); err != nil {
			t.Fatal(err)
		}
		e.eventually("a push has failed", func() bool { return e.failedPushes() > failed })
		if err := p.Unregister(e.ctx); err != nil {
			t.Error(err)
		}
		if box.mu.Lock(); len(box.got) > 0 {
			t.Errorf("a recipient %s got %q", name, box.got)
		}
		box.mu.Unlock()
		p.Close()
	}
	e.wantKept(1)
}

// failedPushes is the number of pushes whose recipient did not take it, or whose
// session did not come up.
func (e *env) failedPushes() int {
	total := 0
	for _, outcome := range []string{"recipient", "device", "media_server"} {
		n, _ := strconv.Atoi(e.metric(e.cluster.AS, `mscp_as_pushes_total{outcome="`+outcome+`"}`))
		total += n
	}
	return total
}
