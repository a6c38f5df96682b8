package conform

import (
	"slices"
	"strings"
)

// MSRP returns the cases for who takes messages, in the order of the sections
// of RFC 4975.
func MSRP(m MSRPTarget) []Case {
	return slices.Concat(m.bindingCases(), m.requestCases(), m.reportCases(), m.answerCases(), m.descriptionCases(), m.extensionCases())
}

// bindingCases are those of sections 5.4 and 6.1.
func (m MSRPTarget) bindingCases() []Case {
	return []Case{
		must("msrp/5.4/1", "a SEND without a body that names the session binds it to the connection, and gets 200", func(t *T) {
			m.agree(t).connect().alive()
		}),
		must("msrp/5.4/2", "a request that matches no session gets 481", func(t *T) {
			s := m.agree(t).connect()
			s.want(481, request{to: otherSession(s.to), id: "none", noBody: true})
		}),
		must("msrp/5.4/3", "a session that is in use on another connection gets 506 on this one", m.on(func(t *T, s *session) {
			again := *s
			again.connect()
			again.want(506, request{id: "again", noBody: true})
			s.alive()
		})),
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

// otherSession is a URI of the same place with another session-id.
func otherSession(uri string) string {
	at := strings.LastIndexByte(uri, '/') + 1
	return uri[:at] + "conformnosuchsession" + uri[strings.LastIndexByte(uri, ';'):]
}

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

// requestCases are those of sections 7.1 and 7.1.1.
func (m MSRPTarget) requestCases() []Case {
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

// reportCases are those of sections 7.1.2 to 7.1.4.
func (m MSRPTarget) reportCases() []Case {
	const name = "conform-report"
	return []Case{
		must("msrp/7.1.2/1", "a REPORT gets no response, and no REPORT", m.on(func(t *T, s *session) {
			s.send(request{method: "REPORT", id: "none", headers: []string{"Byte-Range: 1-5/5", "Status: 000 200 OK"}, noBody: true})
			s.alive()
		})),
		must("msrp/7.1.2/2", "a success report has the Message-ID, and a Status of 000 200", m.on(func(t *T, s *session) {
			s.want(200, request{id: name, headers: success, body: "Hello"})
			s.reported(name, 5)
		})),
		must("msrp/7.1.2/3", "a report has neither Success-Report nor Failure-Report", m.on(func(t *T, s *session) {
			s.want(200, request{id: name, headers: success, body: "Hello"})
			if f := s.report(name); f.Get("Success-Report") != "" || f.Get("Failure-Report") != "" {
				t.Errorf("it has %q", f.Header)
			}
		})),
		must("msrp/7.1.2/4", "a report goes back the way that the message has come", m.on(func(t *T, s *session) {
			s.want(200, request{id: name, headers: success, body: "Hello"})
			if f := s.report(name); f.Get("To-Path") != s.from || f.Get("From-Path") != s.to {
				t.Errorf("it goes from %q to %q", f.Get("From-Path"), f.Get("To-Path"))
			}
		})),
		must("msrp/7.1.3/1", "there is no success report that was not asked for", m.on(func(t *T, s *session) {
			s.want(200, request{id: name, body: "Hello"})
			s.want(200, request{id: name + "-no", headers: []string{"Success-Report: no"}, body: "Hello"})
			s.alive()
			if len(s.reports) > 0 {
				t.Errorf("one came for %q", s.reports[0].Get("Message-ID"))
			}
		})),
		must("msrp/7.1.4/1", "with Failure-Report: no, there is no response", m.on(func(t *T, s *session) {
			s.send(request{id: name, headers: []string{"Failure-Report: no"}, body: "Hello"})
			s.alive()
		})),
		must("msrp/7.1.4/2", "with Failure-Report: no, there is none to a request that fails either", m.on(func(t *T, s *session) {
			s.send(request{to: otherSession(s.to), id: name, headers: []string{"Failure-Report: no"}, body: "Hello"})
			s.alive()
		})),
		must("msrp/7.1.4/3", "with Failure-Report: partial, there is no 200", m.on(func(t *T, s *session) {
			s.send(request{id: name, headers: []string{"Failure-Report: partial"}, body: "Hello"})
			s.alive()
		})),
		must("msrp/7.1.4/4", "with Failure-Report: partial, a request that fails is answered", m.on(func(t *T, s *session) {
			s.want(481, request{to: otherSession(s.to), id: name, headers: []string{"Failure-Report: partial"}, body: "Hello"})
		})),
	}
}
