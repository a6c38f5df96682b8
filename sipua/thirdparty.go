package sipua

import (
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"
)

// A ThirdPartyRegister is a REGISTER in which a registrar reports that one of its users
// has registered or is not registered any more. See 3GPP TS 24.229, section 5.4.1.7.
type ThirdPartyRegister struct {
	AOR     string        // the user, canonical
	From    string        // the registrar, canonical; "" if its URI is of no known scheme
	Expires time.Duration // 0: the user is not registered any more
	Contact string        // the registrar's URI; "" without one
	// Body is what the registrar has added, such as the user's own REGISTER, of type
	// ContentType.
	Body        []byte
	ContentType string
}

// ParseThirdPartyRegister reads a REGISTER that Handlers.Intercept or Handlers.Other has
// received. It does not check the sender; see UA.Peer.
func ParseThirdPartyRegister(req *sip.Request) (ThirdPartyRegister, error) {
	aor, err := CanonicalURI(req.To().Address.String())
	if err != nil {
		return ThirdPartyRegister{}, err
	}
	from, _ := CanonicalURI(req.From().Address.String())
	r := ThirdPartyRegister{AOR: aor, From: from, Expires: defaultExpires, Body: req.Body(), ContentType: headerValue(req, "Content-Type")}
	if d, ok := parseSeconds(headerValue(req, "Expires")); ok {
		r.Expires = d
	}
	if c := req.Contact(); c != nil && !c.Address.Wildcard {
		r.Contact = c.Address.String()
		if v, ok := c.Params.Get("expires"); ok {
			if d, ok := parseSeconds(strings.TrimSpace(v)); ok {
				r.Expires = d // [RFC3261-10.2.1.1]
			}
		}
	}
	return r, nil
}
