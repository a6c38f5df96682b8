package conform

import (
	"strings"
)

// section7_1_1 are the cases of section 7.1.1 of RFC 4975.
func (m MSRPTarget) section7_1_1() []Case {
	return []Case{
		must("msrp/7.1.1/1", "a message in several chunks is taken, each with 200, and one success report is of all", m.on(func(t *T, s *session) {
			id := s.messageID()
			s.want(200, request{id: id, headers: success, rng: "1-4/8", body: "abcd", flag: "+"})
			s.want(200, request{id: id, headers: success, rng: "5-8/8", body: "EFGH"})
			s.reported(id, 8)
		})),
		must("msrp/7.1.1/2", "the end and the total of a Byte-Range may be *", m.on(func(t *T, s *session) {
			id := s.messageID()
			s.want(200, request{id: id, headers: success, rng: "1-*/*", body: "abcd", flag: "+"})
			s.want(200, request{id: id, headers: success, rng: "5-*/*", body: "EFGH"})
			s.reported(id, 8)
		})),
		must("msrp/7.1.1/3", "a chunk of more than 2048 bytes is taken", m.on(func(t *T, s *session) {
			id := s.messageID()
			body := strings.Repeat("0123456789", 10_000)
			s.want(200, request{id: id, headers: success, rng: "1-*/100000", body: body})
			s.reported(id, len(body))
		})),
		must("msrp/7.1.1/4", "a message that its sender aborts, with #, is answered, and never reported as received", m.on(func(t *T, s *session) {
			id := s.messageID()
			s.response(s.send(request{id: id, headers: success, rng: "1-*/8", body: "abcd", flag: "#"}))
			s.alive()
			if len(s.reports) > 0 && strings.HasPrefix(s.reports[0].Get("Status"), "000 200") {
				t.Error("it is")
			}
		})),
		must("msrp/7.1.1/5", "chunks of two messages may come in turns", m.on(func(t *T, s *session) {
			for _, c := range []struct{ id, rng, body, flag string }{
				{"conform-turn-a", "1-4/8", "abcd", "+"}, {"conform-turn-b", "1-4/8", "ABCD", "+"},
				{"conform-turn-a", "5-8/8", "efgh", "$"}, {"conform-turn-b", "5-8/8", "EFGH", "$"},
			} {
				s.want(200, request{id: c.id, headers: success, rng: c.rng, body: c.body, flag: c.flag})
			}
			s.awaitReports("conform-turn-a", "conform-turn-b")
			s.reported("conform-turn-a", 8)
			s.reported("conform-turn-b", 8)
		})),
		should("msrp/7.1.1/6", "a SEND without a Message-ID gets 400", m.on(func(t *T, s *session) {
			s.want(400, request{body: "whose?"})
		})),
	}
}
