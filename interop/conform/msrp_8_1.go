package conform

import (
	"fmt"
	"strings"
)

// section8_1 are the cases of section 8.1 of RFC 4975.
func (m MSRPTarget) section8_1() []Case {
	return []Case{
		must("msrp/8.1/1", "the answer's m-line is of message and TCP/MSRP, with the format *", m.described(func(t *T, s *session) {
			if !strings.Contains(s.sdp, fmt.Sprintf("m=message %d TCP/MSRP *\r\n", s.answer.Port)) {
				t.Errorf("the answer is\n%s", s.sdp)
			}
		})),
		must("msrp/8.1/2", "the c-line has the host of the path's last URI", m.described(func(t *T, s *session) {
			if last := s.answer.Path[len(s.answer.Path)-1]; !strings.EqualFold(last.Host, s.answer.Host) {
				t.Errorf("the c-line has %q, the path %q", s.answer.Host, last.Host)
			}
		})),
		must("msrp/8.1/3", "the m-line has the port of the path's last URI", m.described(func(t *T, s *session) {
			if last := s.answer.Path[len(s.answer.Path)-1]; last.Port != s.answer.Port {
				t.Errorf("the m-line has %d, the path %d", s.answer.Port, last.Port)
			}
		})),
		must("msrp/8.1/4", "an m-line that is not accepted has its place in the answer, with port 0", m.described(func(t *T, s *session) {
			both := m.agreeOn(t, func(offer string) string { return offer + "m=audio 40000 RTP/AVP 0\r\n" })
			_, rest, _ := strings.Cut(both.sdp, "m=message ")
			if !strings.Contains(rest, "\r\nm=audio 0 ") {
				t.Errorf("the answer is\n%s", both.sdp)
			}
		})),
	}
}
