package ms

import (
	"strings"

	"github.com/gomscp/gomscp/msrp"
)

// The media types that our offers and answers name. We take every type, but user
// agents look for one that they know by name, and refuse a session that lists
// only "*"; so the types of chat come first, and "*" at the end. The list is the
// same in a push, whose offer is made before SendMsg says which messages wait: it
// names what we take, replies and notifications. See RFC 4975, section 8.6.
func acceptTypes() []string {
	return []string{msrp.TypeCPIM, "text/*", "image/*", msrp.TypeComposing, msrp.TypeIMDN, "*"}
}

// acceptWrappedTypes are the types that we take inside message/cpim.
func acceptWrappedTypes() []string {
	return []string{"text/*", "image/*", msrp.TypeComposing, msrp.TypeIMDN, "*"}
}

// acceptsType tells whether one of the media ranges has the type. See RFC 4975,
// section 8.6.
func acceptsType(ranges []string, contentType string) bool {
	major, _, _ := strings.Cut(contentType, "/")
	for _, r := range ranges {
		r, _, _ = strings.Cut(r, ";")
		if r == "*" || strings.EqualFold(r, major+"/*") || msrp.IsType(contentType, r) {
			return true
		}
	}
	return false
}
