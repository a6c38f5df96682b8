package ms

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"

	"github.com/gomscp/gomscp/internal/daemon"
	"github.com/gomscp/gomscp/mscp"
	"github.com/gomscp/gomscp/msrp"
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
		return fmt.Errorf("the offer is for TLS: %w: %w", errNoCertificate, errTransport)
	case m.TLS:
		return m.CheckTLS("active")
	case c.s.cfg.Control.RequireTLS:
		return fmt.Errorf("the offer is without TLS, which control.require_tls asks for: %w", errTransport)
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

var (
	errNoSecureMSRP   = errors.New("the offer is for MSRP over TLS, and there is no msrp.tls_listen")
	errOtherTransport = errors.New("one of offer and answer is for TLS, and the other is not")
)

// openMSRPS takes MSRP over TLS. Certificates are known by the fingerprints in the
// SDP; without one, ours is checked by the peer, and a peer's that we connect to by
// us, as HTTPS has it. See RFC 4975, section 14.4.
func (s *Server) openMSRPS() (err error) {
	s.mcfgTLS = s.mcfg
	if s.cfg.MSRP.TLSListen == "" {
		return nil
	}
	roots, err := s.cfg.TLS.Roots()
	if err != nil {
		return fmt.Errorf("tls.ca: %w", err)
	}
	s.mcfgTLS.TLS = &tls.Config{
		MinVersion:           tls.VersionTLS12,
		RootCAs:              roots,
		GetCertificate:       func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return s.currentCertificate() },
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return s.currentCertificate() },
	}
	if s.msrps, err = msrp.Listen(s.cfg.MSRP.TLSListen, s.mcfgTLS); err != nil {
		return fmt.Errorf("msrp.tls_listen: %w", err)
	}
	return nil
}

// listener is the one for MSRP over TLS or without; the former is there if it is
// asked for.
func (s *Server) listener(secure bool) *msrp.Listener {
	if secure {
		return s.msrps
	}
	return s.msrp
}

// fingerprints are those of our SDP.
func (s *Server) fingerprints(secure bool) ([]string, error) {
	if !secure {
		return nil, nil
	}
	cert, err := s.currentCertificate()
	if err != nil {
		return nil, err
	}
	print, err := msrp.Fingerprint(*cert)
	return []string{print}, err
}

// printsOf are the fingerprints of an SDP that count: without TLS there is nothing
// that could have one.
func printsOf(m *msrp.Media) []string {
	if !m.TLS {
		return nil
	}
	return m.Fingerprints
}
