package sipua

import "github.com/gomscp/gomscp/sipua/internal/sipuri"

// CanonicalURI returns the canonical form of a SIP, SIPS or tel URI, or of a name-addr
// with one. Users are compared and stored by it. Scheme and host are in lower case. A
// default port, parameters, headers and a password are removed. Percent-escapes are in
// upper case and only where they are needed. The user part keeps its case. A form of more
// than MaxURI bytes is an ErrURITooLong. See RFC 3261, section 19.1.4.
func CanonicalURI(s string) (string, error) { return sipuri.Canonical(s) }

// AddressURI returns the URI of one name-addr or addr-spec, unchanged. A display name,
// even a quoted one that looks like an address, and parameters after the angle brackets
// are not part of it. See RFC 3261, section 20.10.
func AddressURI(address string) (string, error) { return sipuri.FromAddress(address) }
