package conform

import (
	"strings"
)

// section6_1 are the cases of section 6.1 of RFC 4975.
func (m MSRPTarget) section6_1() []Case {
	return []Case{
		must("msrp/6.1/1", "URIs are the same whatever the case of their scheme and transport", m.on(func(t *T, s *session) {
			to := strings.Replace(strings.Replace(s.to, "msrp://", "MSRP://", 1), ";tcp", ";TCP", 1)
			s.want(200, request{to: to, id: s.messageID(), noBody: true})
		})),
		must("msrp/6.1/2", "URIs differ if the case of their session-ids does", m.on(func(t *T, s *session) {
			to := swapSessionCase(s.to)
			if to == s.to {
				t.Skipf("the session-id of %s has no letters", s.to)
			}
			s.want(481, request{to: to, id: "none", noBody: true})
		})),
	}
}

// swapSessionCase is a URI with the letters of its session-id in the other case.
func swapSessionCase(uri string) string {
	from, to := strings.LastIndexByte(uri, '/')+1, strings.LastIndexByte(uri, ';')
	swapped := strings.Map(func(c rune) rune {
		switch {
		case c >= 'a' && c <= 'z':
			return c - 'a' + 'A'
		case c >= 'A' && c <= 'Z':
			return c - 'A' + 'a'
		}
		return c
	}, uri[from:to])
	return uri[:from] + swapped + uri[to:]
}
