package mscp

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"

	"github.com/gomscp/gomscp/internal/fingerprint"
)

// Fingerprint is the value of an a=fingerprint for a certificate in DER. See
// RFC 8122, section 5.
func Fingerprint(der []byte) string { return fingerprint.Of("sha-256", der) }

// strength orders the hash functions that are accepted, by the order of
// preference; 0 is for those that are not (RFC 8122, section 5).
func strength(value string) int {
	switch fingerprint.Hash(value) {
	case "sha-256":
		return 1
	case "sha-384":
		return 2
	case "sha-512":
		return 3
	}
	return 0
}

// VerifyFingerprint returns an error unless a certificate in DER is the one that the
// peer's session description m names.
func (m *Media) VerifyFingerprint(der []byte) error { // [RFC8122-6.1]
	if strength(m.Fingerprint) == 0 {
		return fmt.Errorf("mscp: no fingerprint of a hash that is taken, but %q (RFC 8122)", shorten(fingerprint.Hash(m.Fingerprint)))
	}
	if !fingerprint.Matches(m.Fingerprint, der) {
		return errors.New("mscp: the peer's certificate is not the one of its fingerprint (RFC 8122)")
	}
	return nil
}

// ClientTLS makes the AS's side of a TLS channel over c: it shows own and
// takes only the certificate whose fingerprint the MS's answer m has. c is
// closed on an error.
func ClientTLS(ctx context.Context, c net.Conn, own tls.Certificate, m *Media) (*tls.Conn, error) {
	return handshake(ctx, c, tls.Client(c, m.tlsConfig(own)))
}

// ServerTLS is the same for the MS's side; m is the AS's offer.
func ServerTLS(ctx context.Context, c net.Conn, own tls.Certificate, m *Media) (*tls.Conn, error) {
	return handshake(ctx, c, tls.Server(c, m.tlsConfig(own)))
}

func (m *Media) tlsConfig(own tls.Certificate) *tls.Config {
	return &tls.Config{
		MinVersion:   tls.VersionTLS12,
		Certificates: []tls.Certificate{own},
		ClientAuth:   tls.RequireAnyClientCert,
		// The fingerprint vouches for the certificate, in the place of a
		// certification authority.
		InsecureSkipVerify:     true,
		SessionTicketsDisabled: true,
		VerifyPeerCertificate: func(raw [][]byte, _ [][]*x509.Certificate) error {
			if len(raw) == 0 {
				return errors.New("mscp: the peer has no certificate")
			}
			return m.VerifyFingerprint(raw[0])
		},
	}
}

func handshake(ctx context.Context, c net.Conn, t *tls.Conn) (*tls.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, HandshakeTimeout)
	defer cancel()
	if err := t.HandshakeContext(ctx); err != nil {
		c.Close()
		return nil, fmt.Errorf("mscp: TLS: %w", err)
	}
	return t, nil
}

// CheckTLS tells what is wrong with m as the peer's description of a TLS
// channel, beside what CheckOffer and CheckAnswer check of one without.
func (m *Media) CheckTLS(setup string) error {
	switch {
	case !m.TLS:
		return fmt.Errorf("mscp: the m-line is not %s", ProtoTLS)
	case m.Port == 0:
		return errors.New("mscp: port 0")
	case setup == "active" && m.Port != discardPort: // [MSCP-7.2.1-3]
		return fmt.Errorf("mscp: offer with port %d, not %d (section 7.2.1)", m.Port, discardPort)
	case m.Setup != setup: // [MSCP-7.2.1-2]
		return fmt.Errorf("mscp: a=setup:%s, not %s (section 7.2.1)", m.Setup, setup)
	case strength(m.Fingerprint) == 0:
		return errors.New("mscp: TLS without a fingerprint that can be checked (RFC 8122)")
	}
	return nil
}
