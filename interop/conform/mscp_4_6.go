package conform

// section4_6 are the cases of section 4.6 of the draft.
func (m MSCPTarget) section4_6() []Case {
	return []Case{
		must("mscp/4.6/1", "dialoguser is a notification, too", m.on(func(t *T, c *channel) {
			c.tell(`<dialoguser name="alert.priority1" dialogid="conform-none"><namelist><item name="message" value="Hi"/></namelist></dialoguser>`)
			c.alive()
		})),
		must("mscp/4.6/2", "dialoguser for a dialog that runs is not answered, and does not end it", m.on(func(t *T, c *channel) {
			l := m.connection(t)
			id := c.started(m.document(t, m.DialogWait, "wait"), "connectionid", l.id)
			c.tell(`<dialoguser name="alert.priority1" ` + attribute("dialogid", id) + `><namelist><item name="message" value="Hi"/></namelist></dialoguser>`)
			c.silent(id)
			c.terminate(id, false)
			c.ended(id, l.id, "dialogexit")
		})),
	}
}
