package conform

// section4_7 are the cases of section 4.7 of the draft.
func (m MSCPTarget) section4_7() []Case {
	return []Case{
		must("mscp/4.7/1", "dialogdisconnect asks for the end of a call; dialogterminate then ends the dialog", m.on(func(t *T, c *channel) {
			l := m.connection(t)
			id := c.started(m.document(t, m.DialogDisconnect, "disconnect"), "connectionid", l.id)
			c.ended(id, l.id, "dialogdisconnect")
			c.terminate(id, false)
			c.ended(id, l.id, "dialogexit")
		})),
	}
}
