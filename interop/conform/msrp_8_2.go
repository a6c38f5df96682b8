package conform

import (
	"strings"

	"github.com/gomscp/gomscp/msrp"
)

// section8_2 are the cases of section 8.2 of RFC 4975.
func (m MSRPTarget) section8_2() []Case {
	return []Case{
		must("msrp/8.2/1", "the answer has one path, of MSRP URIs with ports, session-ids and a transport of tcp", m.described(func(t *T, s *session) {
			if n := strings.Count(s.sdp, "a=path:"); n != 1 {
				t.Errorf("there are %d", n)
			}
			for _, u := range s.answer.Path {
				if parsed, err := msrp.ParseURI(u.String()); err != nil || u.Port == 0 || u.SessionID == "" || parsed.Secure {
					t.Errorf("%v: %v", u, err)
				}
			}
		})),
		must("msrp/8.2/2", "no URI is used for two sessions", m.described(func(t *T, s *session) {
			if other := m.agree(t); other.to == s.to {
				t.Errorf("both are %s", s.to)
			}
		})),
	}
}
