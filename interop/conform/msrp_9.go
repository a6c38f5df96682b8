package conform

import (
	"strings"

	"github.com/gomscp/gomscp/msrp/msrptest"
)

// section9 are the cases of section 9 of RFC 4975.
func (m MSRPTarget) section9() []Case {
	return []Case{
		must("msrp/9/1", "To-Path is the first header and From-Path the second, in responses and reports", m.on(func(t *T, s *session) {
			id := s.messageID()
			f := s.want(200, request{id: id, headers: success, body: "Hello"})
			for _, f := range []*msrptest.Frame{f, s.report(id)} {
				if len(f.Header) < 2 || !strings.HasPrefix(f.Header[0], "To-Path:") || !strings.HasPrefix(f.Header[1], "From-Path:") {
					t.Errorf("the headers are %q", f.Header)
				}
			}
		})),
		should("msrp/9/2", "names of headers are read without regard to case", m.on(func(t *T, s *session) {
			tid := s.tid()
			s.Write(strings.Replace(s.encode(tid, request{id: s.messageID(), body: "Hello"}), "Message-ID", "message-id", 1))
			if f := s.response(tid); f.Code != 200 {
				t.Errorf("the response is %d", f.Code)
			}
		})),
		should("msrp/9/3", "what is no MSRP ends the connection, and that alone", m.on(func(t *T, s *session) {
			other := m.agree(t).connect()
			other.alive()
			s.Write("GET / HTTP/1.1\r\nHost: example.com\r\n\r\n")
			s.Closed()
			other.alive()
		})),
	}
}
