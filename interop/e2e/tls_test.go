package e2e

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gomscp/gomscp/as"
	"github.com/gomscp/gomscp/internal/daemon"
	"github.com/gomscp/gomscp/interop/softphone"
	"github.com/gomscp/gomscp/ms"
	"github.com/gomscp/gomscp/msrp"
	"github.com/gomscp/gomscp/sipua"
)

// newSecureEnv starts a cluster in which everything that can goes over TLS: SIP
// between the servers, MSCP and MSRP; SIP over TLS is taken at the address that is
// returned, of those with a certificate for example.com and of the proxy.
func newSecureEnv(t *testing.T, ca *authority) (e *env, secure string) {
	t.Helper()
	secure = freeAddr(t)
	msSIP := freeAddr(t)
	return newEnv(t, envOptions{
		configMS: func(_ int, c *ms.Config) {
			c.TLS, c.SIP.TLSListen, c.SIP.RequireClientCertificate = ca.issue("ms.example.net"), msSIP, true
			c.MSRP.TLSListen, c.MSRP.OfferTLS, c.Control.RequireTLS = freeAddr(t), true, true
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
	roots.AddCert(ca.cert)
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
