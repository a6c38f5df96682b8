package ms

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"

	"github.com/gomscp/gomscp/internal/daemon"
	"github.com/gomscp/gomscp/mscp"
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

var errNoCertificate = errors.New("no tls.certificate")

// currentCertificate is the certificate of the files that are configured now.
func (s *Server) currentCertificate() (*tls.Certificate, error) {
	get := s.certificate.Load()
	if get == nil || *get == nil {
		return nil, errNoCertificate
	}
	return (*get)()
}

// openTLS loads the certificate, before anything needs it.
func (s *Server) openTLS() error {
	get, err := loadCertificate(s.cfg.TLS)
	if err == nil && get != nil {
		s.certificate.Store(&get)
	}
	return err
}

// sipTLS is what the user agent needs for SIP over TLS; nil without.
func (s *Server) sipTLS() (*sipua.TLSConfig, error) {
	if !s.cfg.TLS.Enabled() {
		return nil, nil
	}
	roots, err := s.cfg.TLS.Roots()
	if err != nil {
		return nil, fmt.Errorf("tls.ca: %w", err)
	}
	return &sipua.TLSConfig{
		Addr: s.cfg.SIP.TLSListen, Certificate: s.currentCertificate, RootCAs: roots,
		RequireClientCert: s.cfg.SIP.RequireClientCertificate,
	}, nil
}

// TLSAddr is the host:port where the server takes SIP over TLS, "" if it does not.
func (s *Server) TLSAddr() string { return s.ua.TLSAddr() }

// checkOffer tells what is wrong with the offer of a channel.
func (c *control) checkOffer(m *mscp.Media) error {
	switch {
	case m.TLS && !c.s.cfg.TLS.Enabled():
		return fmt.Errorf("the offer is for TLS: %w", errNoCertificate)
	case m.TLS:
		return m.CheckTLS("active")
	case c.s.cfg.Control.RequireTLS:
		return errors.New("the offer is without TLS, which control.require_tls asks for")
	}
	return m.CheckOffer()
}

// describe writes an answer, with our fingerprint in one for TLS. See RFC 8122.
func (c *control) describe(answer *mscp.Media, offer []byte) ([]byte, error) {
	if answer.TLS {
		cert, err := c.s.currentCertificate()
		if err != nil {
			return nil, err
		}
		answer.Fingerprint = mscp.Fingerprint(cert.Certificate[0])
	}
	return answer.MarshalAnswer(offer)
}

// secure makes a connection the one that the offer describes, or closes it.
func (c *control) secure(conn net.Conn, offer *mscp.Media) (net.Conn, error) {
	if !offer.TLS {
		return conn, nil
	}
	cert, err := c.s.currentCertificate()
	if err != nil {
		conn.Close()
		return nil, err
	}
	ctx, cancel := context.WithTimeout(c.s.ctx, c.s.cfg.Control.AcceptTimeout)
	defer cancel()
	return mscp.ServerTLS(ctx, conn, *cert, offer)
}
