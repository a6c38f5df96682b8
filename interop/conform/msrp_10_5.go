package conform

import (
	"fmt"
)

// section10_5 are the cases of section 10.5 of RFC 4975.
func (m MSRPTarget) section10_5() []Case {
	return []Case{
		must("msrp/10.5/1", "a message that is longer than max-size gets 413", m.on(func(t *T, s *session) {
			if s.answer == nil || s.answer.MaxSize == 0 {
				t.Skipf("the peer has not said what its max-size is")
			}
			s.want(413, request{id: "long", rng: fmt.Sprintf("1-*/%d", s.answer.MaxSize+1), body: "Hello", flag: "+"})
		})),
	}
}
