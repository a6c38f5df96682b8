package conform

// section4_3 are the cases of section 4.3 of the draft.
func (m MSCPTarget) section4_3() []Case {
	return []Case{
		must("mscp/4.3/1", "dialogterminate is a notification: it gets no response, not even for a dialog that does not exist", m.on(func(t *T, c *channel) {
			for _, immediate := range []string{"true", "false"} {
				c.tell(`<dialogterminate dialogid="conform-none" immediate="` + immediate + `"/>`)
			}
			c.alive()
		})),
		must("mscp/4.3/2", "after dialogterminate with immediate=true, no notification about the dialog is sent", m.on(func(t *T, c *channel) {
			l := m.connection(t)
			id := c.started(m.document(t, m.DialogWait, "wait"), "connectionid", l.id)
			c.terminate(id, true)
			c.silent(id)
			c.silent(id)
		})),
		must("mscp/4.3/3", "a prepared dialog that is terminated is gone: dialogstart of it is refused", m.on(func(t *T, c *channel) {
			l := m.connection(t)
			id := c.prepared(m.DialogExit, "connectionid", l.id)
			c.terminate(id, false)
			c.silent(id)
			c.is(c.ask(element("dialogstart", "prepareddialogid", id, "connectionid", l.id)), startAnswers[1:]...).wants(t, "dialogid", id)
		})),
	}
}
