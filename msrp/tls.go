package msrp

import (
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"strings"
)

// Fingerprint gives the SHA-256 fingerprint of the first certificate of c as
// the SDP attribute wants it: "sha-256 AB:CD:...". See RFC 8122, section 5.
func Fingerprint(c tls.Certificate) (string, error) {
	if len(c.Certificate) == 0 {
		return "", errors.New("msrp: no certificate")
	}
	sum := sha256.Sum256(c.Certificate[0])
	return "sha-256 " + colons(sum[:]), nil
}

func colons(b []byte) string {
	s := strings.ToUpper(hex.EncodeToString(b))
	var out strings.Builder
	for i := 0; i < len(s); i += 2 {
		if i > 0 {
			out.WriteByte(':')
		}
		out.WriteString(s[i : i+2])
	}
	return out.String()
}

var errFingerprint = errors.New("msrp: certificate does not match the fingerprint")

// checkFingerprint wants the peer's certificate to have one of the
// fingerprints. Those with a hash function we do not know count for nothing.
func checkFingerprint(cs tls.ConnectionState, prints []string) error {
	if len(cs.PeerCertificates) == 0 {
		return fmt.Errorf("%w: there is none", errFingerprint)
	}
	der := cs.PeerCertificates[0].Raw
	for _, p := range prints {
		name, want, _ := strings.Cut(strings.TrimSpace(p), " ")
		var sum []byte
		switch strings.ToLower(name) {
		case "sha-256":
			b := sha256.Sum256(der)
			sum = b[:]
		case "sha-384":
			b := sha512.Sum384(der)
			sum = b[:]
		case "sha-512":
			b := sha512.Sum512(der)
			sum = b[:]
		case "sha-1":
			b := sha1.Sum(der)
			sum = b[:]
		default:
			continue
		}
		have := colons(sum)
		if subtle.ConstantTimeCompare([]byte(have), []byte(strings.ToUpper(strings.TrimSpace(want)))) == 1 {
			return nil
		}
	}
	return errFingerprint
}

// serverTLS makes a listener ask for certificates, as fingerprints of the
// connecting side are checked when a session is bound.
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
		c.VerifyConnection = func(cs tls.ConnectionState) error { return checkFingerprint(cs, prints) } // [RFC4975-5.4-8] [RFC4975-14.4-2]
	}
	return c
}

var wrongCertificate = status(StatusForbidden, "Wrong Certificate")

// admits checks the certificate of a connection that wants the session.
func (s *Session) admits(nc net.Conn) *StatusError {
	if len(s.sc.Fingerprints) == 0 {
		return nil
	}
	tc, ok := nc.(*tls.Conn)
	if !ok || checkFingerprint(tc.ConnectionState(), s.sc.Fingerprints) != nil {
		return wrongCertificate // [RFC4975-14.4-1]
	}
	return nil
}

// SetFingerprints tells those of the peer's SDP, of a session that was accepted
// before it came. If the peer is bound already and has another certificate, the
// session ends and the error says so. See RFC 8122.
func (s *Session) SetFingerprints(prints []string) error {
	s.mu.Lock()
	s.sc.Fingerprints = prints
	wrong := s.c != nil && s.admits(s.c.nc) != nil
	s.mu.Unlock()
	if wrong {
		s.end(errFingerprint, false)
		return errFingerprint
	}
	return nil
}
