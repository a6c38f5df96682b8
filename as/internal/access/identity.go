package access

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/gomscp/gomscp/sipua"
)

const (
	headerAsserted = "P-Asserted-Identity"
	headerPrivacy  = "Privacy"
)

// A Caller leaves messages in a call that was let in.
type Caller struct {
	Sender   string // canonical URI, as the recipient is to see it
	Identity string // canonical URI of the user behind that
	Name     string // display name of Sender, "" if there is none
	// Also has the other URIs of the caller that a trusted peer has asserted, with blanks
	// between them. What the caller writes in messages may name any.
	Also string
}

// CallerOf returns the caller. A trusted peer's P-Asserted-Identity takes precedence over
// From, which its user may have chosen at will; but a caller that asks for privacy is shown
// as From has it. An error says that the header names nobody: From, which nobody has
// checked, does not take its place. See RFC 3325, sections 5 and 7.
func CallerOf(in *sipua.IncomingCall) (Caller, error) {
	c := Caller{Sender: in.From, Identity: in.From}
	if in.HasHeader(headerAsserted) {
		var err error
		if c.Identity, err = assertedIdentity(in.ListHeader(headerAsserted)); err != nil {
			return Caller{}, fmt.Errorf("%s: %w", headerAsserted, err)
		}
		if !wantsPrivacy(in.ListHeader(headerPrivacy)) {
			c.Sender = c.Identity
		}
	}
	c.Name, c.Also = nameOf(in, c.Sender), otherIdentities(in, c.Sender)
	return c, nil
}

// maxOtherIdentities bounds the URIs that otherIdentities lists.
const maxOtherIdentities = 8

// otherIdentities are the URIs of the caller beside sender that a trusted peer has
// asserted, with blanks between them. What the caller writes in messages may name any.
func otherIdentities(in *sipua.IncomingCall, sender string) string {
	var list []string
	for _, value := range in.ListHeader(headerAsserted) {
		uri, err := sipua.CanonicalURI(value)
		if err == nil && uri != sender && !slices.Contains(list, uri) && len(list) < maxOtherIdentities {
			list = append(list, uri)
		}
	}
	return strings.Join(list, " ")
}

// assertedIdentity is the first sip or sips URI among the values or, without any,
// the first tel URI. Every value must be an address. See RFC 3325, section 9.1.
func assertedIdentity(values []string) (string, error) {
	var identity string
	err := errNobodyAsserted
	for _, value := range values {
		uri, bad := sipua.CanonicalURI(value)
		if bad != nil {
			return "", bad
		}
		if identity == "" || strings.HasPrefix(identity, "tel:") && !strings.HasPrefix(uri, "tel:") {
			identity, err = uri, nil
		}
	}
	return identity, err
}

var errNobodyAsserted = errors.New("it has no value")

// wantsPrivacy reports whether the caller's asserted identity is to stay within the
// trust domain: one wish for that is enough, whatever else is there, and in which
// row. See RFC 3325, section 9.3, and RFC 3323, section 4.2.
func wantsPrivacy(values []string) bool {
	for _, value := range values {
		for _, wish := range strings.FieldsFunc(strings.ToLower(value), func(r rune) bool { return r == ';' || r == ' ' || r == '\t' }) {
			if wish == "id" || wish == "user" {
				return true
			}
		}
	}
	return false
}

// nameOf is the display name of the sender, "" if there is
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
