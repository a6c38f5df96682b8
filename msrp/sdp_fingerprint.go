package msrp

import (
	"crypto"
	_ "crypto/sha1" // old peers know no other
	_ "crypto/sha256"
	_ "crypto/sha512"
	"crypto/subtle"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// fingerprintHashes are the hash functions accepted in fingerprints, the most
// preferred first: that of RFC 8122, the stronger ones, and SHA-1 as the last.
// MD5 and MD2 are not among them [RFC8122-5-3].
var fingerprintHashes = []struct {
	name string
	hash crypto.Hash
}{
	{"sha-256", crypto.SHA256},
	{"sha-512", crypto.SHA512},
	{"sha-384", crypto.SHA384},
	{"sha-224", crypto.SHA224},
	{"sha-1", crypto.SHA1},
}

// Fingerprint gives the SHA-256 fingerprint of the first certificate of c as
// the SDP attribute wants it: "sha-256 AB:CD:...". See RFC 8122, section 5.
func Fingerprint(c tls.Certificate) (string, error) {
	if len(c.Certificate) == 0 {
		return "", errors.New("msrp: no certificate")
	}
	return fingerprint("sha-256", crypto.SHA256, c.Certificate[0]), nil
}

// Fingerprints gives all that Media.Fingerprints should say of the first
// certificate of c: the SHA-256 fingerprint and, if another hash function is
// that of the certificate's signature, the one with that. See RFC 8122, section
// 5.1.
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
	switch hash := signatureHash(leaf.SignatureAlgorithm); hash { // [RFC8122-5.1-1]
	case crypto.SHA1, crypto.SHA384, crypto.SHA512:
		for _, h := range fingerprintHashes {
			if h.hash == hash {
				all = append(all, fingerprint(h.name, h.hash, leaf.Raw))
			}
		}
	}
	return all, nil
}

func signatureHash(a x509.SignatureAlgorithm) crypto.Hash {
	switch a {
	case x509.SHA1WithRSA, x509.ECDSAWithSHA1, x509.DSAWithSHA1:
		return crypto.SHA1
	case x509.SHA384WithRSA, x509.ECDSAWithSHA384, x509.SHA384WithRSAPSS:
		return crypto.SHA384
	case x509.SHA512WithRSA, x509.ECDSAWithSHA512, x509.SHA512WithRSAPSS:
		return crypto.SHA512
	}
	return crypto.SHA256
}

// fingerprint writes name and upper-case hash of a certificate [RFC8122-5-2].
func fingerprint(name string, h crypto.Hash, der []byte) string {
	return name + " " + colons(digestOf(h, der))
}

func digestOf(h crypto.Hash, b []byte) []byte {
	d := h.New()
	d.Write(b)
	return d.Sum(nil)
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

// checkFingerprint wants the peer's certificate to have one of the fingerprints
// with the most preferred hash function that there is among them: several of
// them are of several certificates, and those with other hash functions count
// for nothing [RFC8122-5.1-2].
func checkFingerprint(cs tls.ConnectionState, prints []string) error {
	if len(cs.PeerCertificates) == 0 {
		return fmt.Errorf("%w: there is none", errFingerprint)
	}
	for _, h := range fingerprintHashes {
		wanted := fingerprintsWith(h.name, prints)
		if len(wanted) == 0 {
			continue
		}
		have := []byte(colons(digestOf(h.hash, cs.PeerCertificates[0].Raw)))
		for _, want := range wanted {
			if subtle.ConstantTimeCompare(have, []byte(want)) == 1 {
				return nil
			}
		}
		return errFingerprint
	}
	return fmt.Errorf("%w: no hash function that is known", errFingerprint)
}

// fingerprintsWith gives the values of the fingerprints with that hash function.
func fingerprintsWith(name string, prints []string) []string {
	var all []string
	for _, p := range prints {
		f := strings.Fields(p)
		if len(f) > 0 && strings.EqualFold(f[0], name) {
			all = append(all, strings.ToUpper(strings.Join(f[1:], "")))
		}
	}
	return all
}
