package conform

// section5_4 are the cases of section 5.4 of RFC 4975.
func (m MSRPTarget) section5_4() []Case {
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
	}
}
