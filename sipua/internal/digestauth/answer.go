package digestauth

import (
	"bytes"
	"io"

	"github.com/icholy/digest"
)

// A Request is what the credentials are for.
type Request struct {
	Method string
	URI    string // the Request-URI
	Body   []byte // counts for qop=auth-int
}

// Answer computes the credentials that answer a challenge.
func Answer(c *digest.Challenge, r Request, user, password string) (*digest.Credentials, error) {
	return digest.Digest(c, digest.Options{
		Method: r.Method, URI: r.URI, Username: user, Password: password,
		GetBody: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(r.Body)), nil },
	})
}
