package e2e

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/gomscp/gomscp/internal/daemon"
	"github.com/gomscp/gomscp/internal/testutil"
	"github.com/gomscp/gomscp/sipua"
)

// An authority makes certificates for a test, and writes them to files.
type authority struct {
	*testutil.Authority
	t   *testing.T
	dir string
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{testutil.NewAuthority(t), t, t.TempDir()}
	a.write("ca.pem", "CERTIFICATE", a.Cert.Raw)
	return a
}

func (a *authority) write(name, kind string, der []byte) string {
	a.t.Helper()
	path := filepath.Join(a.dir, name)
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		a.t.Fatal(err)
	}
	return path
}

// issue makes a certificate for 127.0.0.1 and a name, in files.
func (a *authority) issue(name string) daemon.TLSConfig {
	a.t.Helper()
	cert, key := a.Issue(&x509.Certificate{
		Subject: pkix.Name{CommonName: name}, DNSNames: []string{name}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	})
	keyDER, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		a.t.Fatal(err)
	}
	return daemon.TLSConfig{
		Certificate: a.write(name+".pem", "CERTIFICATE", cert.Raw), Key: a.write(name+".key", "EC PRIVATE KEY", keyDER),
		CA: filepath.Join(a.dir, "ca.pem"),
	}
}

// pair is such a certificate, loaded.
func (a *authority) pair(name string) tls.Certificate {
	a.t.Helper()
	files := a.issue(name)
	pair, err := tls.LoadX509KeyPair(files.Certificate, files.Key)
	if err != nil {
		a.t.Fatal(err)
	}
	return pair
}

// sip is what a user agent of that name needs for SIP over TLS.
func (a *authority) sip(name string) *sipua.TLSConfig {
	pair, roots := a.pair(name), x509.NewCertPool()
	roots.AddCert(a.Cert)
	return &sipua.TLSConfig{Addr: "127.0.0.1:0", RootCAs: roots, Certificate: func() (*tls.Certificate, error) { return &pair, nil }}
}
