package conform

// section5_4 are the cases of section 5.4 of the draft.
func (m MSCPTarget) section5_4() []Case {
	return []Case{
		must("mscp/5.4/1", "unjoin of what does not exist is answered with errorconferenceunjoin and a reason", m.on(func(t *T, c *channel) {
			c.is(c.ask(unjoin), "errorconferenceunjoin")
		})),
		must("mscp/5.4/2", "the response to unjoin has its id1 and id2", m.on(func(t *T, c *channel) {
			e := c.is(c.ask(`<unjoin id1="&lt;&quot;&amp;'&gt;" id2="b;c"/>`), unjoinAnswers...)
			if e.attr("id1") != `<"&'>` || e.attr("id2") != "b;c" {
				t.Errorf("they are %q and %q", e.attr("id1"), e.attr("id2"))
			}
		})),
		should("mscp/5.4/3", "blanks at the ends of id1 and id2 belong to them: they are of the type xsd:string", m.on(func(t *T, c *channel) {
			e := c.is(c.ask(`<unjoin id1=" a" id2="b "/>`), unjoinAnswers...)
			if e.attr("id1") != " a" || e.attr("id2") != "b " {
				t.Errorf("they are %q and %q", e.attr("id1"), e.attr("id2"))
			}
		})),
		must("mscp/5.4/4", "unjoin removes a participant, who can be joined again", m.on(func(t *T, c *channel) {
			l := m.connection(t)
			conference := c.conference()
			for range 2 {
				c.joined(conference, l.id)
				c.wants("conferenceunjoined", element("unjoin", "id1", conference, "id2", l.id)).wants(t, "id1", conference, "id2", l.id)
			}
		})),
		should("mscp/5.4/5", "unjoin of two that are not joined is refused", m.on(func(t *T, c *channel) {
			l := m.connection(t)
			conference := c.conference()
			c.joined(conference, l.id)
			unjoin := element("unjoin", "id1", conference, "id2", l.id)
			c.wants("conferenceunjoined", unjoin)
			c.wants("errorconferenceunjoin", unjoin)
		})),
		must("mscp/5.4/6", "unjoin of one participant leaves the others joined", m.on(func(t *T, c *channel) {
			a, b := m.connection(t), m.connection(t)
			conference := c.conference()
			c.joined(conference, a.id)
			c.joined(conference, b.id)
			c.wants("conferenceunjoined", element("unjoin", "id1", conference, "id2", a.id))
			c.wants("conferenceunjoined", element("unjoin", "id1", conference, "id2", b.id))
		})),
	}
}
