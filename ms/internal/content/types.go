package content

import (
	"slices"
	"strings"

	"github.com/gomscp/gomscp/msrp"
	"github.com/gomscp/gomscp/store"
)

// AcceptTypes are the media types that our offers and answers name. We take every type, but
// user agents look for one that they know by name, and refuse a session that lists only "*":
// so the types of chat come first, and "*" at the end. The list is the same in the offer of a
// push, where it is for replies and notifications. See RFC 4975, section 8.6.
func AcceptTypes() []string {
	return []string{msrp.TypeCPIM, "text/*", "image/*", msrp.TypeComposing, msrp.TypeIMDN, "*"}
}

// AcceptWrappedTypes are the types that we take inside message/cpim.
func AcceptWrappedTypes() []string {
	return []string{"text/*", "image/*", msrp.TypeComposing, msrp.TypeIMDN, "*"}
}

// ErrNoType answers a message whose body has no Content-Type with a type and a subtype: it
// could not be delivered. See RFC 4975, section 9.
var ErrNoType = &msrp.StatusError{Code: 400, Reason: "Content-Type Missing"}

// HasType reports whether a Content-Type names a type and a subtype.
func HasType(contentType string) bool {
	t, _, _ := strings.Cut(contentType, ";")
	major, minor, _ := strings.Cut(strings.TrimSpace(t), "/")
	return major != "" && minor != "" && !strings.ContainsAny(major+minor, " \t/")
}

// TypeOf is the type with which a stored message is sent. Earlier versions have kept messages
// without a type. See RFC 2046, section 4.5.1.
func TypeOf(m store.MessageInfo) string {
	const unknown = "application/octet-stream"
	switch {
	case m.File != nil && HasType(m.File.Type) && (!HasType(m.ContentType) || msrp.IsType(m.ContentType, unknown)):
		return m.File.Type // its sender knows better
	case !HasType(m.ContentType):
		return unknown
	}
	return m.ContentType
}

// acceptsType reports whether one of the media ranges has the type. See RFC 4975,
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

// names reports whether a list has a type by its name.
func names(ranges []string, mediaType string) bool {
	return slices.ContainsFunc(ranges, func(r string) bool { return strings.EqualFold(r, mediaType) })
}

// onlyCPIM reports whether a list has message/cpim and nothing else.
func onlyCPIM(ranges []string) bool { return len(ranges) == 1 && names(ranges, msrp.TypeCPIM) }

// IsText reports whether a message of that type is text.
func IsText(contentType string) bool {
	return len(contentType) >= 5 && strings.EqualFold(contentType[:5], "text/")
}

// IsNotification reports whether a message is a sign of composing or a disposition
// notification: no person wrote it, and it means nothing later. See RFC 3994 and 5438.
func IsNotification(contentType string) bool {
	return msrp.IsType(contentType, msrp.TypeComposing) || msrp.IsType(contentType, msrp.TypeIMDN)
}
