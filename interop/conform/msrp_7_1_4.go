package conform

// section7_1_4 are the cases of section 7.1.4 of RFC 4975.
func (m MSRPTarget) section7_1_4() []Case {
	return []Case{
		must("msrp/7.1.4/1", "with Failure-Report: no, there is no response", m.on(func(t *T, s *session) {
			s.send(request{id: reportID, headers: []string{"Failure-Report: no"}, body: "Hello"})
			s.alive()
		})),
		must("msrp/7.1.4/2", "with Failure-Report: no, there is none to a request that fails either", m.on(func(t *T, s *session) {
			s.send(request{to: otherSession(s.to), id: reportID, headers: []string{"Failure-Report: no"}, body: "Hello"})
			s.alive()
		})),
		must("msrp/7.1.4/3", "with Failure-Report: partial, there is no 200", m.on(func(t *T, s *session) {
			s.send(request{id: reportID, headers: []string{"Failure-Report: partial"}, body: "Hello"})
			s.alive()
		})),
		must("msrp/7.1.4/4", "with Failure-Report: partial, a request that fails is answered", m.on(func(t *T, s *session) {
			s.want(481, request{to: otherSession(s.to), id: reportID, headers: []string{"Failure-Report: partial"}, body: "Hello"})
		})),
	}
}
