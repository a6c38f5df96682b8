package daemon

import (
	"crypto/x509"
	"fmt"
	"io"
	"os"
)

// TLSConfig has the names of the files of a server's certificate. Without a certificate
// there is no TLS.
type TLSConfig struct {
	Certificate string `yaml:"certificate"`
	Key         string `yaml:"key"`
	CA          string `yaml:"ca"`
}

// maxCAFile bounds the file of authorities, in bytes.
const maxCAFile = 4 << 20

// Enabled reports whether there is a certificate.
func (c TLSConfig) Enabled() bool { return c.Certificate != "" }

// Validate calls bad for a key that is missing.
func (c TLSConfig) Validate(bad func(key, format string, args ...any)) {
	switch {
	case c.Certificate != "" && c.Key == "":
		bad("tls.key", "empty; the file of the key of tls.certificate is needed")
	case c.Certificate == "" && c.Key != "":
		bad("tls.certificate", "empty; the file of the certificate of tls.key is needed")
	case c.Certificate == "" && c.CA != "":
		bad("tls.certificate", "empty; with tls.ca it is needed")
	}
	if _, err := c.Roots(); err != nil {
		bad("tls.ca", "%v", err)
	}
}

// Roots returns the authorities for peers' certificates; nil means those of the system.
func (c TLSConfig) Roots() (*x509.CertPool, error) {
	if c.CA == "" {
		return nil, nil
	}
	f, err := os.Open(c.CA)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	pem, err := io.ReadAll(io.LimitReader(f, maxCAFile+1))
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if len(pem) > maxCAFile || !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s: not a file of certificates in PEM of at most %d bytes", c.CA, maxCAFile)
	}
	return pool, nil
}
