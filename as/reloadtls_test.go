package as

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gomscp/gomscp/internal/daemon"
)

// certificateFiles makes a self-signed certificate of that name.
func certificateFiles(t *testing.T, name string) daemon.TLSConfig {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	c := daemon.TLSConfig{Certificate: filepath.Join(t.TempDir(), "cert.pem"), Key: filepath.Join(t.TempDir(), "key.pem")}
	for path, block := range map[string]*pem.Block{
		c.Certificate: {Type: "CERTIFICATE", Bytes: cert}, c.Key: {Type: "PRIVATE KEY", Bytes: der},
	} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// TestReloadCertificate has another certificate shown, but not one whose key is
// missing.
func TestReloadCertificate(t *testing.T) {
	s := startAS(t, func(c *Config) {
		c.TLS, c.SIP.TLSListen = certificateFiles(t, "first.example.com"), "127.0.0.1:0"
	}, newFakeMS(t))
	wantShown := func(name string) {
		t.Helper()
		c, err := tls.Dial("tcp", s.TLSAddr(), &tls.Config{InsecureSkipVerify: true}) // it is looked at below
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if got := c.ConnectionState().PeerCertificates[0].DNSNames[0]; got != name {
			t.Errorf("the certificate of %s is shown, not of %s", got, name)
		}
	}
	wantShown("first.example.com")
	cfg := s.cfg
	cfg.TLS = certificateFiles(t, "second.example.com")
	if err := s.Reload(cfg); err != nil {
		t.Fatal(err)
	}
	wantShown("second.example.com")
	cfg.TLS.Key += ".gone"
	if err := s.Reload(cfg); err == nil || !strings.HasPrefix(err.Error(), "tls.certificate:") {
		t.Errorf("without the key: %v", err)
	}
	wantShown("second.example.com")
}
