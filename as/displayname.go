package as

import "github.com/gomscp/gomscp/sipua"

// nameOf is the display name of the caller that callerOf has found, "" if there is
// none. It comes from the header that names the caller, or from a From that names the
// same one; who asks for privacy has none. See RFC 3325, section 9.1, and RFC 3323.
func nameOf(in *sipua.IncomingCall, sender string) string {
	if wantsPrivacy(in.ListHeader(headerPrivacy)) {
		return ""
	}
	for _, value := range in.ListHeader(headerAsserted) {
		if uri, err := sipua.CanonicalURI(value); err == nil && uri == sender {
			if name := ownName(value, sender); name != "" {
				return name
			}
		}
	}
	if in.From != sender {
		return ""
	}
	return ownName(in.Header("From"), sender)
}

// ownName is the display name in the value of a header; "" for one that has the address of
// anybody but the sender, whom recipients would take for the caller.
func ownName(value, sender string) string {
	name := sipua.DisplayName(value)
	for _, named := range sipua.AddressesIn(name) {
		if uri, err := sipua.CanonicalURI(named); err != nil || uri != sender {
			return ""
		}
	}
	return name
}
