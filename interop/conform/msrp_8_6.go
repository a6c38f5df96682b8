package conform

import (
	"strings"
)

// section8_6 are the cases of section 8.6 of RFC 4975.
func (m MSRPTarget) section8_6() []Case {
	return []Case{
		must("msrp/8.6/1", "the answer has accept-types", m.described(func(t *T, s *session) {
			if !strings.Contains(s.sdp, "\r\na=accept-types:") {
				t.Errorf("the answer is\n%s", s.sdp)
			}
		})),
	}
}
