package conform

// section14_1 are the cases of section 14.1 of RFC 4975.
func (m MSRPTarget) section14_1() []Case {
	return []Case{
		should("msrp/14.1/1", "the session-id has room for 80 random bits", m.described(func(t *T, s *session) {
			if id := s.answer.Path[len(s.answer.Path)-1].SessionID; len(id) < 14 { // of 6 bits each
				t.Errorf("%q has %d characters", id, len(id))
			}
		})),
	}
}
