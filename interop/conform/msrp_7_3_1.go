package conform

import (
	"strings"
)

// section7_3_1 are the cases of section 7.3.1 of RFC 4975.
func (m MSRPTarget) section7_3_1() []Case {
	return []Case{
		must("msrp/7.3.1/1", "a content type that is not accepted gets 415", m.on(func(t *T, s *session) {
			const strange = "conform/unheard-of"
			if s.answer == nil || s.answer.Accepts(strange) {
				t.Skipf("the peer accepts every type, or has not said which")
			}
			tid := s.tid()
			s.Write(strings.Replace(s.encode(tid, request{id: "strange", body: "Hello"}), "text/plain", strange, 1))
			if f := s.response(tid); f.Code != 415 {
				t.Errorf("the response is %d", f.Code)
			}
		})),
		must("msrp/7.3.1/2", "chunks are put together by their Byte-Range, whatever their order", m.on(func(t *T, s *session) {
			id := s.messageID()
			waiting := map[string]bool{}
			for _, c := range []request{{rng: "1-4/12", body: "abcd", flag: "+"}, {rng: "9-12/12", body: "ijkl"}, {rng: "5-8/12", body: "efgh", flag: "+"}} {
				c.id, c.headers = id, success
				waiting[s.send(c)] = true
			}
			for len(waiting) > 0 { // the last chunk may be answered when all is there
				f := s.Next()
				if f.Method == "REPORT" {
					s.reports = append(s.reports, f)
					continue
				}
				if !waiting[f.TID] || f.Code != 200 {
					t.Fatalf("%d came for the transaction %s", f.Code, f.TID)
				}
				delete(waiting, f.TID)
			}
			s.reported(id, 12)
		})),
	}
}
