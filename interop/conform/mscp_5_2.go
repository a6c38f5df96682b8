package conform

// section5_2 are the cases of section 5.2 of the draft.
func (m MSCPTarget) section5_2() []Case {
	return []Case{
		must("mscp/5.2/1", "destroyconference of a conference that does not exist is answered with errorconferencedestroy, its conferenceid and a reason", m.on(func(t *T, c *channel) {
			e := c.is(c.ask(`<destroyconference conferenceid="conform-none"/>`), "errorconferencedestroy")
			if e.attr("conferenceid") != "conform-none" {
				t.Errorf("the conferenceid is %q", e.attr("conferenceid"))
			}
		})),
		must("mscp/5.2/2", "destroyconference of a conference is answered with conferencedestroyed; then it is gone", m.on(func(t *T, c *channel) {
			e := c.is(c.ask(`<createconference/>`), createAnswers...)
			if e.Name == "errorconferencecreate" {
				m.lacks(t, "conferences", "%s", e.attr("reason"))
			}
			id := attribute("conferenceid", e.attr("conferenceid"))
			c.is(c.ask("<destroyconference "+id+"/>"), "conferencedestroyed")
			c.is(c.ask("<destroyconference "+id+"/>"), "errorconferencedestroy")
		})),
		must("mscp/5.2/3", "a conference that is destroyed cannot be joined", m.on(func(t *T, c *channel) {
			l := m.connection(t)
			conference := c.conference()
			c.joined(conference, l.id)
			c.wants("conferencedestroyed", element("destroyconference", "conferenceid", conference))
			c.wants("errorconferencejoin", element("join", "id1", conference, "id2", l.id))
		})),
	}
}
