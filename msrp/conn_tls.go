package msrp

import (
	"crypto/tls"
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
