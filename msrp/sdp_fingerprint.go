package msrp

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"

	"github.com/gomscp/gomscp/internal/fingerprint"
)

// acceptedHashes returns the hash functions accepted in fingerprints, the most
// preferred first: that of RFC 8122, the stronger ones, and SHA-1 as the last.
// MD5 and MD2 are not among them [RFC8122-5-3].
func acceptedHashes() []string {
	return []string{"sha-256", "sha-512", "sha-384", "sha-224", "sha-1"}
}

// Fingerprint returns the SHA-256 fingerprint of the first certificate of c, in the form
// of the SDP attribute: "sha-256 AB:CD:...". It fails if there is no certificate. See RFC
// 8122, section 5.
func Fingerprint(c tls.Certificate) (string, error) {
	if len(c.Certificate) == 0 {
		return "", errors.New("msrp: no certificate")
	}
	return fingerprint.Of("sha-256", c.Certificate[0]), nil // [RFC8122-5-2]
}

// Fingerprints returns the values for Media.Fingerprints: the SHA-256 fingerprint of the
// first certificate of c and, if the certificate's signature uses another hash function,
// the fingerprint with that function. See RFC 8122, section 5.1.
func Fingerprints(c tls.Certificate) ([]string, error) {
	first, err := Fingerprint(c)
	if err != nil {
		return nil, err
	}
	leaf, err := x509.ParseCertificate(c.Certificate[0])
	if err != nil {
		return nil, fmt.Errorf("msrp: certificate: %w", err)
	}
	all := []string{first}
	if hash := signatureHash(leaf.SignatureAlgorithm); hash != "sha-256" { // [RFC8122-5.1-1]
		all = append(all, fingerprint.Of(hash, leaf.Raw))
	}
	return all, nil
}

func signatureHash(a x509.SignatureAlgorithm) string {
	switch a {
	case x509.SHA1WithRSA, x509.ECDSAWithSHA1, x509.DSAWithSHA1:
		return "sha-1"
	case x509.SHA384WithRSA, x509.ECDSAWithSHA384, x509.SHA384WithRSAPSS:
		return "sha-384"
	case x509.SHA512WithRSA, x509.ECDSAWithSHA512, x509.SHA512WithRSAPSS:
		return "sha-512"
	}
	return "sha-256"
}

var errFingerprint = errors.New("msrp: certificate does not match the fingerprint")

// checkFingerprint wants the peer's certificate to have one of the fingerprints
// with the most preferred hash function that there is among them: several of
// them are of several certificates, and those with other hash functions count
// for nothing [RFC8122-5.1-2].
func checkFingerprint(cs tls.ConnectionState, prints []string) error {
	if len(cs.PeerCertificates) == 0 {
		return fmt.Errorf("%w: there is none", errFingerprint)
	}
	der := cs.PeerCertificates[0].Raw
	for _, hash := range acceptedHashes() {
		wanted := slices.DeleteFunc(slices.Clone(prints), func(p string) bool { return fingerprint.Hash(p) != hash })
		if len(wanted) == 0 {
			continue
		}
		if !slices.ContainsFunc(wanted, func(p string) bool { return fingerprint.Matches(p, der) }) {
			return errFingerprint
		}
		return nil
	}
	return fmt.Errorf("%w: no hash function that is known", errFingerprint)
}
