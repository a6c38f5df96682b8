package msrp

import "strings"

// Content types that applications treat in their own way.
const (
	// TypeCPIM wraps a message with its addresses; package cpim reads and
	// writes it. See RFC 3862.
	TypeCPIM = "message/cpim"
	// TypeComposing reports that the user is composing a message, or has stopped. See RFC
	// 3994.
	TypeComposing = "application/im-iscomposing+xml"
	// TypeIMDN is a disposition notification. See RFC 5438.
	TypeIMDN = "message/imdn+xml"
)

// IsType reports whether a Content-Type has that media type. Parameters and case are
// ignored.
func IsType(contentType, mediaType string) bool {
	t, _, _ := strings.Cut(contentType, ";")
	return strings.EqualFold(strings.TrimSpace(t), mediaType)
}
