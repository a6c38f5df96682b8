package conform

// section7_3 are the cases of section 7.3 of RFC 4975.
func (m MSRPTarget) section7_3() []Case {
	return []Case{
		must("msrp/7.3/1", "a request on this connection for another session gets 481", m.on(func(t *T, s *session) {
			s.want(481, request{to: otherSession(s.to), id: "none", body: "Hello"})
			s.alive()
		})),
		must("msrp/7.3/2", "a request whose To-Path goes on behind us gets 481", m.on(func(t *T, s *session) {
			s.want(481, request{to: s.to + " msrp://192.0.2.1:2855/behind;tcp", id: "none", body: "Hello"})
			s.alive()
		})),
	}
}
