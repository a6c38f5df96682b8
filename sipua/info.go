package sipua

import "github.com/emiago/sipgo/sip"

// An Info is an INFO of the peer within a call. See RFC 6086.
type Info struct {
	Body        []byte
	ContentType string
	Package     string // of the Info-Package header; "" for one without

	req *sip.Request
}

// Find finds the bodies in the INFO that are understood; see FindBodies. If the function
// of OnInfo returns its error, the response lists the types.
func (i Info) Find(types ...string) ([]Body, error) {
	return FindBodies(i.req, Understood{Types: types})
}

// Header returns the value of the request's first header of that name.
func (i Info) Header(name string) string { return headerValue(i.req, name) }
