package as

import (
	"crypto/tls"
	"errors"
	"fmt"

	"github.com/gomscp/gomscp/internal/daemon"
	"github.com/gomscp/gomscp/sipua"
)

// A certificate returns the server's own, as it is now.
type certificate func() (*tls.Certificate, error)

// loadCertificate returns the certificate of the files; nil if there are none.
func loadCertificate(c daemon.TLSConfig) (certificate, error) {
	if !c.Enabled() {
		return nil, nil
	}
	get, err := sipua.LoadCertificate(c.Certificate, c.Key)
	if err != nil {
		return nil, fmt.Errorf("tls.certificate: %w", err)
	}
	return get, nil
}

// currentCertificate is the certificate of the files that are configured now.
func (s *Server) currentCertificate() (*tls.Certificate, error) {
	get := s.certificate.Load()
	if get == nil || *get == nil {
		return nil, errors.New("no tls.certificate")
	}
	return (*get)()
}

// renewed loads the certificate of another configuration, for use to put it in
// force. TLS as such comes and goes with a restart only.
func (s *Server) renewed(c daemon.TLSConfig) (use func(), err error) {
	if c.Enabled() != s.cfg.TLS.Enabled() {
		return nil, errors.New("tls.certificate: TLS is switched on or off by a restart only")
	}
	get, err := loadCertificate(c)
	if err != nil || get == nil {
		return func() {}, err
	}
	return func() { s.certificate.Store(&get) }, nil
}

// sipTLS is what the user agent needs for SIP over TLS; nil without.
func (s *Server) sipTLS() (*sipua.TLSConfig, error) {
	get, err := loadCertificate(s.cfg.TLS)
	if err != nil || get == nil {
		return nil, err
	}
	roots, err := s.cfg.TLS.Roots()
	if err != nil {
		return nil, fmt.Errorf("tls.ca: %w", err)
	}
	s.certificate.Store(&get)
	return &sipua.TLSConfig{
		Addr: s.cfg.SIP.TLSListen, Certificate: s.currentCertificate, RootCAs: roots,
		RequireClientCert: s.cfg.SIP.RequireClientCertificate,
	}, nil
}

// TLSAddr is the host:port where the server takes SIP over TLS, "" if it does not.
func (s *Server) TLSAddr() string { return s.ua.TLSAddr() }
