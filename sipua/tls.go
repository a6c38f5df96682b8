package sipua

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"
)

// TLSConfig adds SIP over TLS to a user agent. See RFC 3261, section 26.2, and
// RFC 5922. Certificate is needed.
type TLSConfig struct {
	// Addr is where the user agent accepts SIP over TLS, "host:port". "" means the
	// host of Config.Addr and the next port, as 5061 follows 5060. Port 0 picks a free
	// one.
	Addr string
	// Certificate returns the user agent's certificate. It is called for each
	// connection, in either role, so that a certificate can be renewed without a
	// restart: see LoadCertificate.
	Certificate func() (*tls.Certificate, error)
	// RootCAs are the authorities for peers' certificates; nil means those of the
	// system.
	RootCAs *x509.CertPool
	// RequireClientCert rejects connections without a client certificate. Without it
	// a certificate is requested, and verified if there is one.
	RequireClientCert bool
}

// ErrNoTLS is the error of a request over TLS if Config.TLS is not set.
var ErrNoTLS = errors.New("sipua: TLS is not configured")

// LoadCertificate returns a function for TLSConfig.Certificate. It reads the certificate
// chain and the key from PEM files, and reads them again when one of them has changed. If
// the new files cannot be read, the previous certificate stays in use.
func LoadCertificate(certFile, keyFile string) (func() (*tls.Certificate, error), error) {
	l := &certificateFiles{certFile: certFile, keyFile: keyFile}
	if _, err := l.get(); err != nil {
		return nil, err
	}
	return l.get, nil
}

type certificateFiles struct {
	certFile, keyFile string

	mu     sync.Mutex
	loaded *tls.Certificate
	stamp  [2]fileStamp
}

// A fileStamp identifies a version of a file.
type fileStamp struct {
	modified time.Time
	size     int64
}

func (l *certificateFiles) get() (*tls.Certificate, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var stamp [2]fileStamp
	for i, name := range []string{l.certFile, l.keyFile} {
		info, err := os.Stat(name)
		if err != nil {
			return l.lastGood(err)
		}
		stamp[i] = fileStamp{info.ModTime(), info.Size()}
	}
	if l.loaded != nil && stamp == l.stamp {
		return l.loaded, nil
	}
	c, err := tls.LoadX509KeyPair(l.certFile, l.keyFile)
	if err != nil {
		return l.lastGood(err) // one of the two may have been replaced before the other
	}
	l.loaded, l.stamp = &c, stamp
	return l.loaded, nil
}

func (l *certificateFiles) lastGood(err error) (*tls.Certificate, error) {
	if l.loaded != nil {
		return l.loaded, nil
	}
	return nil, fmt.Errorf("sipua: certificate: %w", err)
}

// server is the configuration for accepted connections.
func (c *TLSConfig) server() *tls.Config {
	t := &tls.Config{
		MinVersion:     tls.VersionTLS12,
		ClientCAs:      c.RootCAs,
		ClientAuth:     tls.VerifyClientCertIfGiven,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.Certificate() },
	}
	if c.RequireClientCert {
		t.ClientAuth = tls.RequireAndVerifyClientCert
	}
	return t
}

// client is the configuration for a connection to host. The certificate of a SIP server
// may name it by a SIP URI, which crypto/tls does not check; therefore we verify it. See
// RFC 5922, section 7.1.
func (c *TLSConfig) client(host string) *tls.Config {
	return &tls.Config{
		MinVersion:           tls.VersionTLS12,
		ServerName:           host,
		InsecureSkipVerify:   true, // VerifyConnection does it
		VerifyConnection:     func(state tls.ConnectionState) error { return c.verify(state, host) },
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return c.Certificate() },
	}
}

// noDialing makes sipgo fail when it dials. sipgo dials by itself when a connection has
// ended between our check and the request, or before the response. Such a connection
// would have no verification, limits or trace.
func noDialing() *tls.Config {
	return &tls.Config{VerifyConnection: func(tls.ConnectionState) error { return errors.New("the connection was lost") }}
}

func (c *TLSConfig) verify(state tls.ConnectionState, host string) error {
	if len(state.PeerCertificates) == 0 {
		return errors.New("no certificate")
	}
	leaf := state.PeerCertificates[0]
	opts := x509.VerifyOptions{Roots: c.RootCAs, Intermediates: x509.NewCertPool()}
	for _, cert := range state.PeerCertificates[1:] {
		opts.Intermediates.AddCert(cert)
	}
	if _, err := leaf.Verify(opts); err != nil {
		return err
	}
	return namesHost(leaf, host)
}

// namesHost returns an error unless a certificate is for that host, by its DNS names and
// addresses or by a SIP URI of a domain.
func namesHost(cert *x509.Certificate, host string) error {
	for _, u := range cert.URIs {
		if !strings.EqualFold(u.Scheme, "sip") {
			continue
		}
		name := u.Opaque                                                                                // a sip URI has no //
		if !strings.ContainsRune(name, '@') && strings.EqualFold(strings.TrimSuffix(name, "."), host) { // [RFC5922-7.1]
			return nil
		}
	}
	return cert.VerifyHostname(host)
}
