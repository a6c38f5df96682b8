package msrp

import (
	"crypto/tls"
	"net"
	"time"
)

// serverTLS makes a listener ask for certificates, as fingerprints of the
// connecting side are checked when a session is bound [RFC8122-6.2-3].
func serverTLS(c *tls.Config) *tls.Config {
	c = c.Clone()
	if c.ClientAuth == tls.NoClientCert {
		c.ClientAuth = tls.RequestClientCert
	}
	return c
}

// clientTLS makes the configuration for one connection to host. With
// fingerprints the certificate has to match one, and no more: that is how
// peers with certificates of their own making know each other.
func clientTLS(c *tls.Config, host string, prints []string) *tls.Config {
	if c == nil {
		c = &tls.Config{}
	}
	c = c.Clone()
	if c.ServerName == "" {
		c.ServerName = host // [RFC4975-5.4-7] [RFC4975-14.2-1]
	}
	if len(prints) > 0 {
		c.InsecureSkipVerify = true
		// Go ends the handshake with bad_certificate [RFC8122-6.2-1] [RFC8122-6.2-2].
		c.VerifyConnection = func(cs tls.ConnectionState) error { return checkFingerprint(cs, prints) } // [RFC4975-5.4-8] [RFC4975-14.4-2]
	}
	return c
}

var wrongCertificate = status(StatusForbidden, "Wrong Certificate")

// admits checks the certificate of a connection that wants the session.
func (s *Session) admits(nc net.Conn) *StatusError {
	prints := endToEnd(s.remote, s.sc.Fingerprints)
	if len(prints) == 0 {
		return nil
	}
	tc, ok := nc.(*tls.Conn)
	if !ok || checkFingerprint(tc.ConnectionState(), prints) != nil {
		return wrongCertificate // [RFC4975-14.4-1] [RFC8122-6.2-4]
	}
	return nil
}

// endToEnd gives the peer's fingerprints if the connection is to the peer
// itself: a relay has another certificate. See RFC 6135, section 4.3.
func endToEnd(path Path, prints []string) []string {
	if len(path) > 1 {
		return nil
	}
	return prints
}

// awaitFingerprints holds back what comes over TLS until it is known whose certificate it
// has to be, for UnboundTimeout at the most. It runs in the connection's reading goroutine.
func (s *Session) awaitFingerprints(c *conn) *StatusError {
	if _, secure := c.nc.(*tls.Conn); !secure || s.printed == nil {
		return nil
	}
	select {
	case <-s.printed:
		return nil
	default:
	}
	c.blocked.Store(true)
	defer c.blocked.Store(false)
	timer := time.NewTimer(c.cfg.UnboundTimeout)
	defer timer.Stop()
	select {
	case <-s.printed: // [RFC8122-6.2-6]
		return nil
	case <-timer.C:
		return wrongCertificate
	case <-s.done:
	case <-c.stop:
	}
	return status(StatusNoSession, "")
}

// SetFingerprints tells those of the peer's SDP, of a session that was accepted
// before it came. If the peer is bound already and has another certificate, the
// session ends and the error says so. See RFC 8122.
func (s *Session) SetFingerprints(prints []string) error {
	s.mu.Lock()
	s.sc.Fingerprints = prints
	if s.printed != nil && !s.hasPrints {
		s.hasPrints = true
		defer close(s.printed)
	}
	wrong := s.c != nil && s.admits(s.c.nc) != nil
	s.mu.Unlock()
	if wrong { // [RFC8122-6.2-5]
		s.end(errFingerprint, false)
		return errFingerprint
	}
	return nil
}
