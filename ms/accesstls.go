package ms

import (
	"errors"
	"fmt"

	"github.com/gomscp/gomscp/internal/daemon"
	"github.com/gomscp/gomscp/mscp"
	"github.com/gomscp/gomscp/sipua"
)

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
		Addr: s.cfg.SIP.TLSListen, Certificate: s.certificate.Current, RootCAs: roots,
		RequireClientCert: s.cfg.SIP.RequireClientCertificate,
	}, nil
}

// TLSAddr is the host:port where the server takes SIP over TLS, "" if it does not.
func (s *Server) TLSAddr() string { return s.ua.TLSAddr() }

// checkOffer tells what is wrong with the offer of a channel.
func (c *control) checkOffer(m *mscp.Media) error {
	switch {
	case m.TLS && !c.s.cfg.TLS.Enabled():
		return fmt.Errorf("the offer is for TLS: %w: %w", daemon.ErrNoCertificate, errTransport)
	case m.TLS:
		return m.CheckTLS("active")
	case c.s.cfg.Control.RequireTLS:
		return fmt.Errorf("the offer is without TLS, which control.require_tls asks for: %w", errTransport)
	}
	return m.CheckOffer()
}

var (
	errNoSecureMSRP   = errors.New("the offer is for MSRP over TLS, and msrp.tls_listen is off")
	errOtherTransport = errors.New("one of offer and answer is for TLS, and the other is not")
)
