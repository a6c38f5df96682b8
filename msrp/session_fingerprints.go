package msrp

import (
	"crypto/tls"
	"net"
	"time"
)

var wrongCertificate = status(StatusForbidden, "Wrong Certificate")

// checkCertificate checks the certificate of a connection that wants the session.
func (s *Session) checkCertificate(nc net.Conn) *StatusError {
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
// they were known. Requests have no effect until then [RFC8122-6.2-6].
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

// fingerprintsKnown ends the wait of awaitFingerprints; s.mu is held.
func (s *Session) fingerprintsKnown() {
	if s.known == nil {
		return
	}
	select {
	case <-s.known:
	default:
		close(s.known)
	}
}

// SetFingerprints sets the fingerprints of the peer's SDP, for a session that was
// accepted before they were known. Without fingerprints, any certificate is accepted. If
// the peer's path has relays, call SetRemote first; SetPeer does both. If the peer is
// bound already with another certificate, the session ends, and the error says so. See
// RFC 8122.
func (s *Session) SetFingerprints(prints []string) error {
	s.mu.Lock()
	s.sc.Fingerprints = prints
	wrong := s.c != nil && s.checkCertificate(s.c.nc) != nil
	s.fingerprintsKnown()
	s.mu.Unlock()
	if wrong { // [RFC8122-6.2-5]
		s.close(errFingerprint, false)
		return errFingerprint
	}
	return nil
}
