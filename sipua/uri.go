package sipua

import "github.com/gomscp/gomscp/sipua/internal/sipuri"

// CanonicalURI brings a SIP, SIPS or tel URI, or a name-addr that holds one,
// into the one form in which users are compared and kept: scheme and host in
// lower case, no port where it is the default, no parameters and headers, no
// password, percent-escapes only where they are needed and in upper case. The
// user part keeps its case. A form of more than MaxURI bytes is an ErrURITooLong. See
// RFC 3261, section 19.1.4.
func CanonicalURI(s string) (string, error) { return sipuri.Canonical(s) }

// AddressURI returns the URI of one name-addr or addr-spec, as it is written there:
// a display name, also one in quotes that looks like an address, is no part of it,
// and neither are parameters behind the angle brackets. See RFC 3261, section 20.10.
func AddressURI(address string) (string, error) { return sipuri.FromAddress(address) }
