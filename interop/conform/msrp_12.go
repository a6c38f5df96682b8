package conform

// section12 are the cases of section 12 of RFC 4975.
func (m MSRPTarget) section12() []Case {
	return []Case{
		must("msrp/12/1", "a method that is not known gets 501", m.on(func(t *T, s *session) {
			s.want(501, request{method: "CONFORM", id: "none", noBody: true})
			s.alive()
		})),
		must("msrp/12/2", "headers that are not known are ignored", m.on(func(t *T, s *session) {
			s.want(200, request{id: s.messageID(), headers: []string{"X-Conform: a: b", "Conform:"}, body: "Hello"})
		})),
		should("msrp/12/3", "a response that nobody has asked for is ignored", m.on(func(t *T, s *session) {
			s.Send("MSRP nobody99 200 OK", "To-Path: "+s.to, "From-Path: "+s.from, "-------nobody99$")
			s.alive()
		})),
	}
}
