package conform

// section4_10 are the cases of section 4.10 of the draft.
func (m MSCPTarget) section4_10() []Case {
	return []Case{
		must("mscp/4.10/1", "dialogtransfercomplete gets no response, whatever its reason, and the dialog goes on", m.on(func(t *T, c *channel) {
			l := m.connection(t)
			for _, reason := range []string{"maxtime_disconnect", "busy", "network_busy", "noanswer"} {
				id := c.started(m.document(t, m.DialogTransfer, "transfer"), "connectionid", l.id)
				c.ended(id, l.id, "dialogtransfer")
				c.tell(element("dialogtransfercomplete", "dialogid", id, "reason", reason))
				c.silent(id)
				c.terminate(id, false)
				c.ended(id, l.id, "dialogexit")
			}
		})),
	}
}
