package daemon

import (
	"crypto/tls"
	"errors"
	"fmt"
	"sync/atomic"
)

// ErrNoCertificate means that TLS was requested without a configured certificate.
var ErrNoCertificate = errors.New("no tls.certificate")

// A CertificateLoader reads a certificate and its key, and returns a function that
// returns the present certificate.
type CertificateLoader func(certFile, keyFile string) (func() (*tls.Certificate, error), error)

// A Certificate is the server's certificate. A reload can replace its files. The zero
// value has no certificate.
type Certificate struct {
	current atomic.Pointer[func() (*tls.Certificate, error)]
}

// Open loads the configured files, if any.
func (c *Certificate) Open(load CertificateLoader, files TLSConfig) error {
	get, err := files.load(load)
	if err == nil && get != nil {
		c.current.Store(&get)
	}
	return err
}

// Current returns the certificate in the configured files.
func (c *Certificate) Current() (*tls.Certificate, error) {
	get := c.current.Load()
	if get == nil {
		return nil, ErrNoCertificate
	}
	return (*get)()
}

// Renew loads other files; calling use applies them. Only a restart can switch TLS on or
// off.
func (c *Certificate) Renew(load CertificateLoader, files TLSConfig) (use func(), err error) {
	if files.Enabled() != (c.current.Load() != nil) {
		return nil, errors.New("tls.certificate: TLS is switched on or off by a restart only")
	}
	get, err := files.load(load)
	if err != nil || get == nil {
		return func() {}, err
	}
	return func() { c.current.Store(&get) }, nil
}

// Check returns an error if the files cannot be loaded.
func (c TLSConfig) Check(load CertificateLoader) error {
	_, err := c.load(load)
	return err
}

func (c TLSConfig) load(load CertificateLoader) (func() (*tls.Certificate, error), error) {
	if !c.Enabled() {
		return nil, nil
	}
	get, err := load(c.Certificate, c.Key)
	if err != nil {
		return nil, fmt.Errorf("tls.certificate: %w", err)
	}
	return get, nil
}
