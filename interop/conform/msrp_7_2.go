package conform

import (
	"github.com/gomscp/gomscp/msrp/msrptest"
)

// section7_2 are the cases of section 7.2 of RFC 4975.
func (m MSRPTarget) section7_2() []Case {
	return []Case{
		must("msrp/7.2/1", "a response has the transaction id of its request, on the same connection", m.on(func(t *T, s *session) {
			for range 3 {
				s.alive()
			}
		})),
		must("msrp/7.2/2", "a response goes from the request's To-Path to its From-Path", m.on(func(t *T, s *session) {
			f := s.want(200, request{id: s.messageID(), body: "Hello"})
			if f.Get("To-Path") != s.from || f.Get("From-Path") != s.to {
				t.Errorf("it goes from %q to %q", f.Get("From-Path"), f.Get("To-Path"))
			}
		})),
		must("msrp/7.2/3", "a response has no body, and ends with $", m.on(func(t *T, s *session) {
			for _, f := range []*msrptest.Frame{s.want(200, request{id: s.messageID(), body: "Hello"}), s.want(481, request{to: otherSession(s.to), id: "none", noBody: true})} {
				if f.Body != nil || f.Flag != '$' {
					t.Errorf("the body is %q, the flag %q", f.Body, f.Flag)
				}
			}
		})),
	}
}
