package conform

import (
	"strings"
)

// section7_1 are the cases of section 7.1 of RFC 4975.
func (m MSRPTarget) section7_1() []Case {
	return []Case{
		must("msrp/7.1/1", "a message in one SEND is taken, with 200", m.on(func(t *T, s *session) {
			s.want(200, request{id: s.messageID(), body: "Hello"})
		})),
		must("msrp/7.1/2", "a request is put together from as many TCP segments as it comes in", m.on(func(t *T, s *session) {
			tid, id := s.tid(), s.messageID()
			for _, b := range []byte(s.encode(tid, request{id: id, headers: success, body: "byte by byte"})) {
				s.Write(string(b))
			}
			if f := s.response(tid); f.Code != 200 {
				t.Errorf("the response is %d", f.Code)
			}
			s.reported(id, 12)
		})),
		must("msrp/7.1/3", "several requests in one TCP segment are told apart, and each is answered", m.on(func(t *T, s *session) {
			var all strings.Builder
			waiting := map[string]bool{}
			for range 8 {
				tid := s.tid()
				waiting[tid] = true
				all.WriteString(s.encode(tid, request{id: s.messageID(), body: "x"}))
			}
			s.Write(all.String())
			for len(waiting) > 0 {
				f := s.Next()
				if !waiting[f.TID] || f.Code != 200 {
					t.Fatalf("%s%d came for the transaction %s", f.Method, f.Code, f.TID)
				}
				delete(waiting, f.TID)
			}
		})),
		must("msrp/7.1/4", "what looks like an end-line, but is not that of the request, belongs to the body", m.on(func(t *T, s *session) {
			tid, id := s.tid(), s.messageID()
			body := "-------\r\n-------conform9999$\r\n-------" + tid + "\r\n-------" + tid + "x\r\n\r\nx-------" + tid + "$\r\n\r\n"
			s.Write(s.encode(tid, request{id: id, headers: success, body: body}))
			if f := s.response(tid); f.Code != 200 {
				t.Errorf("the response is %d", f.Code)
			}
			s.reported(id, len(body))
		})),
		must("msrp/7.1/5", "a body may hold any bytes", m.on(func(t *T, s *session) {
			var b strings.Builder
			for c := range 256 {
				b.WriteByte(byte(c))
			}
			id := s.messageID()
			s.want(200, request{id: id, headers: success, body: b.String()})
			s.reported(id, 256)
		})),
		should("msrp/7.1/6", "a body may be empty", m.on(func(t *T, s *session) {
			s.want(200, request{id: s.messageID(), rng: "1-0/0"})
		})),
	}
}
