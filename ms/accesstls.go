package ms

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"

	"github.com/gomscp/gomscp/internal/daemon"
	"github.com/gomscp/gomscp/mscp"
	"github.com/gomscp/gomscp/msrp"
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

// off is the tls_listen that takes no MSRP over TLS.
const off = "off"

// tlsPortAbove is how far above the port for MSRP that for MSRP over TLS is, if no
// other is configured: not next to it, where another server's may be.
const tlsPortAbove = 1000

// openMSRPS takes MSRP over TLS. Certificates are known by the fingerprints in the
// SDP; without one, ours is checked by the peer, and a peer's that we connect to by
// us, as HTTPS has it. See RFC 4975, section 14.4.
func (s *Server) openMSRPS() (err error) {
	s.mcfgTLS = s.mcfg
	if s.cfg.MSRP.TLSListen == off {
		return nil
	}
	roots, err := s.cfg.TLS.Roots()
	if err != nil {
		return fmt.Errorf("tls.ca: %w", err)
	}
	if !s.cfg.TLS.Enabled() {
		if err := s.makeCertificate(); err != nil {
			return err
		}
	}
	s.mcfgTLS.TLS = &tls.Config{
		MinVersion:           tls.VersionTLS12,
		RootCAs:              roots,
		GetCertificate:       func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return s.msrpCertificate() },
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return s.msrpCertificate() },
	}
	if s.cfg.MSRP.TLSListen != "" {
		s.msrps, err = msrp.Listen(s.cfg.MSRP.TLSListen, s.mcfgTLS)
	} else {
		s.msrps, err = s.listenAbove()
	}
	if err != nil {
		return fmt.Errorf("msrp.tls_listen: %w", err)
	}
	return nil
}

// listenAbove takes MSRP over TLS at the port that follows from that without, or at a
// free one: the SDP says which.
func (s *Server) listenAbove() (*msrp.Listener, error) {
	host, port, err := net.SplitHostPort(s.msrp.Addr().String())
	if err != nil {
		return nil, err
	}
	n, err := strconv.Atoi(port)
	if n += tlsPortAbove; err == nil && n <= 65535 && !strings.HasSuffix(s.cfg.MSRP.Listen, ":0") {
		l, err := msrp.Listen(net.JoinHostPort(host, strconv.Itoa(n)), s.mcfgTLS)
		if err == nil {
			return l, nil
		}
		s.log.Warn("the port for MSRP over TLS is taken; a free one is used instead", "port", n, "err", err)
	}
	return msrp.Listen(net.JoinHostPort(host, "0"), s.mcfgTLS)
}

// makeCertificate makes a certificate for MSRP over TLS, or loads the one that was made
// before. Where it cannot be kept it is for this run alone, which does as well: peers
// know it by the fingerprint in each session's SDP.
func (s *Server) makeCertificate() error {
	file := s.cfg.Store + ".msrp.pem"
	made, err := msrp.SelfSignedFile(file)
	if err != nil {
		s.log.Warn("the certificate for MSRP over TLS is not kept", "file", file, "err", err)
		if made, err = msrp.SelfSigned(); err != nil {
			return err
		}
	}
	s.made = &made
	return nil
}

// msrpCertificate is the certificate for MSRP over TLS: a configured one, or ours.
func (s *Server) msrpCertificate() (*tls.Certificate, error) {
	if s.made != nil {
		return s.made, nil
	}
	return s.certificate.Current()
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
	cert, err := s.msrpCertificate()
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

// msrpsAddr is where MSRP over TLS is taken, "off" if it is not.
func (s *Server) msrpsAddr() string {
	if s.msrps == nil {
		return off
	}
	return s.msrps.Addr().String()
}
