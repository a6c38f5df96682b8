package conform

// section4_5 are the cases of section 4.5 of the draft.
func (m MSCPTarget) section4_5() []Case {
	return []Case{
		must("mscp/4.5/1", "a dialog that fails is told by errordialog, with a reason", m.on(func(t *T, c *channel) {
			l := m.connection(t)
			id := c.started(m.document(t, m.DialogFail, "fail"), "connectionid", l.id)
			c.ended(id, l.id, "errordialog")
			c.silent(id)
		})),
		must("mscp/4.5/2", "the end of a dialog whose connection has ended is told", m.on(func(t *T, c *channel) {
			l := m.connection(t)
			id := c.started(m.document(t, m.DialogWait, "wait"), "connectionid", l.id)
			l.hangUp()
			c.ended(id, l.id, "dialogexit", "errordialog")
		})),
		must("mscp/4.5/3", "the end of a dialog whose conference is destroyed is told", m.on(func(t *T, c *channel) {
			conference := c.conference()
			id := c.started(m.document(t, m.DialogWait, "wait"), "conferenceid", conference)
			c.wants("conferencedestroyed", element("destroyconference", "conferenceid", conference))
			c.ended(id, "", "dialogexit", "errordialog")
		})),
	}
}
