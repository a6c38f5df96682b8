package conform

// section4_4 are the cases of section 4.4 of the draft.
func (m MSCPTarget) section4_4() []Case {
	return []Case{
		must("mscp/4.4/1", "a dialog that ends by itself is told by one dialogexit with its dialogid and its connectionid, if any", m.on(func(t *T, c *channel) {
			l := m.connection(t)
			id := c.started(m.DialogExit, "connectionid", l.id)
			c.ended(id, l.id, "dialogexit")
			c.silent(id)
		})),
		must("mscp/4.4/2", "after dialogterminate that is not immediate, dialogexit is sent", m.on(func(t *T, c *channel) {
			l := m.connection(t)
			id := c.started(m.document(t, m.DialogWait, "wait"), "connectionid", l.id)
			c.silent(id)
			c.terminate(id, false)
			c.ended(id, l.id, "dialogexit")
		})),
		must("mscp/4.4/3", "dialogterminate without immediate is not immediate", m.on(func(t *T, c *channel) {
			l := m.connection(t)
			id := c.started(m.document(t, m.DialogWait, "wait"), "connectionid", l.id)
			c.tell(element("dialogterminate", "dialogid", id))
			c.ended(id, l.id, "dialogexit")
		})),
		must("mscp/4.4/4", "the end of a dialog on a conference is told without a connectionid", m.on(func(t *T, c *channel) {
			conference := c.conference()
			id := c.started(m.DialogExit, "conferenceid", conference)
			if e := c.ended(id, "", "dialogexit"); e.has("conferenceid") {
				e.wants(t, "conferenceid", conference)
			}
		})),
		should("mscp/4.4/5", "dialogexit does not come before the dialogstarted that has the id of the dialog", m.on(func(t *T, c *channel) {
			l := m.connection(t)
			for range 8 {
				id := c.started(m.DialogExit, "connectionid", l.id)
				if len(c.notes) > 0 {
					t.Errorf("%s came before the response", c.notes[0].element().Name)
				}
				c.ended(id, l.id, "dialogexit")
			}
		})),
	}
}
