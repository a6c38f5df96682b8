package msrp

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"time"
)

const (
	selfSignedValidity = 10 * 365 * 24 * time.Hour // of a certificate that SelfSigned makes
	selfSignedSkew     = 24 * time.Hour            // it is valid that long already, as clocks differ
	selfSignedRenewal  = 90 * 24 * time.Hour       // SelfSignedFile replaces one that ends sooner
	maxCertificateFile = 1 << 20                   // bytes of a file that SelfSignedFile reads
)

// SelfSigned makes a key (ECDSA, P-256) and a certificate for MSRP over TLS. The
// certificate is valid for ten years and has no host name: the peer verifies it by the
// fingerprint in our SDP, see Fingerprints. It can be used by both the connecting and the
// listening side. See RFC 4975, section 14.4, and RFC 8122.
func SelfSigned() (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("msrp: self-signed certificate: %w", err)
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("msrp: self-signed certificate: %w", err)
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: serial.Add(serial, big.NewInt(1)), // RFC 5280, section 4.1.2.2: positive
		Subject:      pkix.Name{CommonName: "MSRP"},     // section 4.1.2.4: an issuer has a name
		NotBefore:    now.Add(-selfSignedSkew),
		NotAfter:     now.Add(selfSignedValidity),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},

		BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("msrp: self-signed certificate: %w", err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("msrp: self-signed certificate: %w", err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, nil
}

// SelfSignedFile returns the certificate in the named file. If there is no such file, or
// the certificate expires within 90 days, it makes a new one with SelfSigned and saves it
// there, readable by the owner only. A file with other contents is an error and is not
// changed.
func SelfSignedFile(name string) (tls.Certificate, error) {
	c, err := loadCertificate(name)
	switch {
	case err == nil && time.Until(c.Leaf.NotAfter) > selfSignedRenewal:
		return c, nil
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return tls.Certificate{}, err
	}
	if c, err = SelfSigned(); err != nil {
		return tls.Certificate{}, err
	}
	return c, saveCertificate(name, c)
}

// loadCertificate reads a certificate and its key, both PEM.
func loadCertificate(name string) (tls.Certificate, error) {
	info, err := os.Stat(name)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("msrp: certificate: %w", err)
	}
	if !info.Mode().IsRegular() || info.Size() > maxCertificateFile {
		return tls.Certificate{}, fmt.Errorf("msrp: certificate %s: not a file of PEM", name)
	}
	b, err := os.ReadFile(name)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("msrp: certificate: %w", err)
	}
	c, err := tls.X509KeyPair(b, b)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("msrp: certificate %s: %w", name, err)
	}
	if c.Leaf == nil {
		if c.Leaf, err = x509.ParseCertificate(c.Certificate[0]); err != nil {
			return tls.Certificate{}, fmt.Errorf("msrp: certificate %s: %w", name, err)
		}
	}
	return c, nil
}

// saveCertificate writes certificate and key as PEM. The file is there whole or
// not at all.
func saveCertificate(name string, c tls.Certificate) error {
	key, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	if err != nil {
		return fmt.Errorf("msrp: certificate %s: %w", name, err)
	}
	var b bytes.Buffer
	pem.Encode(&b, &pem.Block{Type: "CERTIFICATE", Bytes: c.Certificate[0]}) // a Buffer takes everything
	pem.Encode(&b, &pem.Block{Type: "PRIVATE KEY", Bytes: key})
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*") // 0600 by its contract
	if err != nil {
		return fmt.Errorf("msrp: certificate: %w", err)
	}
	_, err = f.Write(b.Bytes())
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		os.Remove(f.Name())
		return fmt.Errorf("msrp: certificate: %w", err)
	}
	return nil
}
