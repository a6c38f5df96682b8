package msrp

import "strings"

// TypeAccepted reports whether a list of media ranges from an accept-types or
// accept-wrapped-types attribute accepts a Content-Type. A range is a type, all subtypes
// ("text/*") or all types ("*"). Parameters and case are ignored. A nil list accepts all
// types. See RFC 4975, section 8.6.
func TypeAccepted(ranges []string, contentType string) bool {
	if ranges == nil {
		return true
	}
	t := bareType(contentType)
	major, _, _ := strings.Cut(t, "/")
	for _, r := range ranges {
		r = bareType(r)
		if r == "*" || r == "*/*" || t != "" && (r == t || r == major+"/*") {
			return true
		}
	}
	return false
}

// bareType gives a media type without its parameters, in small letters.
func bareType(s string) string {
	s, _, _ = strings.Cut(s, ";")
	return strings.ToLower(strings.TrimSpace(s))
}

// Accepts reports whether a message of that type may be sent to the endpoint that m
// describes. See RFC 4975, section 8.6.
func (m *Media) Accepts(contentType string) bool { return TypeAccepted(m.AcceptTypes, contentType) }

// AcceptsWrapped reports whether that type may be sent inside a container that m accepts,
// such as message/cpim or multipart/mixed.
func (m *Media) AcceptsWrapped(contentType string) bool {
	return wrappedAccepted(m.AcceptTypes, m.AcceptWrappedTypes, contentType)
}

// AcceptsIn reports whether a container of the first type may be sent with a body of the
// second type in it. See RFC 4975, section 8.6.
func (m *Media) AcceptsIn(container, contentType string) bool {
	return m.Accepts(container) && m.AcceptsWrapped(contentType)
}

// wrappedAccepted reports whether a type may be within a container. The types of
// accept-types may be, too; the others are for containers alone.
func wrappedAccepted(types, wrapped []string, contentType string) bool {
	return TypeAccepted(types, contentType) || wrapped != nil && TypeAccepted(wrapped, contentType)
}
