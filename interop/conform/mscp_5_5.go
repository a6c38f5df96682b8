package conform

// section5_5 are the cases of section 5.5 of the draft.
func (m MSCPTarget) section5_5() []Case {
	return []Case{
		must("mscp/5.5/1", "conferenceuser is a notification: it gets no response", m.on(func(t *T, c *channel) {
			c.tell(`<conferenceuser name="floor" conferenceid="conform-none"/>`)
			c.alive()
		})),
		must("mscp/5.5/2", "conferenceuser for a conference is not answered, and the conference goes on", m.on(func(t *T, c *channel) {
			l := m.connection(t)
			conference := c.conference()
			c.joined(conference, l.id)
			c.tell(`<conferenceuser name="floorcontrol.setactive" ` + attribute("conferenceid", conference) + `><namelist><item name="connectionid" ` + attribute("value", l.id) + `/></namelist></conferenceuser>`)
			c.wants("conferenceunjoined", element("unjoin", "id1", conference, "id2", l.id))
			c.wants("conferencedestroyed", element("destroyconference", "conferenceid", conference))
		})),
	}
}
