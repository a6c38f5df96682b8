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

var noFingerprints = status(StatusTimeout, "No Answer With A Fingerprint Yet")

// awaitFingerprints waits for those of the peer, of a session that was accepted before
// they were known. Nothing that came is valid until then [RFC8122-6.2-6].
func (s *Session) awaitFingerprints(c *conn, f *frame) *StatusError {
	if s.known == nil {
		return nil
	}
	select {
	case <-s.known:
		return nil
	default:
	}
	began := time.Now()
	late := time.NewTimer(s.untilKnown(began))
	defer late.Stop()
	c.blocked.Store(true)
	defer c.blocked.Store(false)
	select {
	case <-s.known:
		f.waited = time.Since(began)
		return nil
	case <-late.C:
		return noFingerprints
	case <-s.done:
	case <-c.stop:
	}
	return status(StatusNoSession, "")
}

// untilKnown is how long a request may wait for the peer's fingerprints. The time runs
// from the first of them on.
func (s *Session) untilKnown(now time.Time) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.knownBy.IsZero() {
		s.knownBy = now.Add(s.cfg.HandlerTimeout)
	}
	return s.knownBy.Sub(now)
}

// learn ends the wait for fingerprints; s.mu is held.
func (s *Session) learn() {
	if s.known == nil {
		return
	}
	select {
	case <-s.known:
	default:
		close(s.known)
	}
}

// SetFingerprints tells those of the peer's SDP, of a session that was accepted
// before it came; none if it has none, so that any certificate is taken. If the
// peer's path has relays, SetRemote comes first. If the peer is bound already and has
// another certificate, the session ends and the error says so. See RFC 8122.
func (s *Session) SetFingerprints(prints []string) error {
	s.mu.Lock()
	s.sc.Fingerprints = prints
	wrong := s.c != nil && s.admits(s.c.nc) != nil
	s.learn()
	s.mu.Unlock()
	if wrong { // [RFC8122-6.2-5]
		s.end(errFingerprint, false)
		return errFingerprint
	}
	return nil
}
