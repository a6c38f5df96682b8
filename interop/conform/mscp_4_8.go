package conform

// section4_8 are the cases of section 4.8 of the draft.
func (m MSCPTarget) section4_8() []Case {
	return []Case{
		must("mscp/4.8/1", "dialogtransfer asks for a transfer; dialogterminate then ends the dialog", m.on(func(t *T, c *channel) {
			l := m.connection(t)
			id := c.started(m.document(t, m.DialogTransfer, "transfer"), "connectionid", l.id)
			c.ended(id, l.id, "dialogtransfer")
			c.terminate(id, false)
			c.ended(id, l.id, "dialogexit")
		})),
		must("mscp/4.8/2", "after dialogtransfer, two connections are bridged by join, and the dialog is joined to its own again", m.on(func(t *T, c *channel) {
			l, callee := m.connection(t), m.connection(t)
			id := c.started(m.document(t, m.DialogTransfer, "transfer"), "connectionid", l.id)
			c.ended(id, l.id, "dialogtransfer")
			c.joined(l.id, callee.id)
			callee.hangUp()
			c.joined(l.id, id)
			c.terminate(id, true)
			c.silent(id)
		})),
	}
}
