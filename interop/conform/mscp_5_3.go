package conform

// section5_3 are the cases of section 5.3 of the draft.
func (m MSCPTarget) section5_3() []Case {
	return []Case{
		must("mscp/5.3/1", "join of what does not exist is answered with errorconferencejoin and a reason", m.on(func(t *T, c *channel) {
			c.is(c.ask(`<join id1="conform-a" id2="conform-b"/>`), "errorconferencejoin")
		})),
		must("mscp/5.3/2", "the response to join has its id1 and id2", m.on(func(t *T, c *channel) {
			e := c.is(c.ask(`<join id1="conform-a" id2="a84b4c71@10.0.0.2;1923;1134"/>`), joinAnswers...)
			if e.attr("id1") != "conform-a" || e.attr("id2") != "a84b4c71@10.0.0.2;1923;1134" {
				t.Errorf("they are %q and %q", e.attr("id1"), e.attr("id2"))
			}
		})),
		must("mscp/5.3/3", "join takes all its attributes and streams", m.on(func(t *T, c *channel) {
			c.is(c.ask(`<join id1="conform-a" id2="conform-b" mediapreferred="true" entertone="http://example.com/beep.wav" exittone="false" `+
				`autoinputgain="false" autooutputgain="true" dtmfclamp="false" toneclamp="true">`+
				`<stream type="audio" direction="transmit"/><stream type="video" direction="receive"/></join>`), joinAnswers...)
		})),
		must("mscp/5.3/4", "a connection is joined to a conference, whichever is named first", m.on(func(t *T, c *channel) {
			a, b := m.connection(t), m.connection(t)
			conference := c.conference()
			c.joined(conference, a.id)
			c.joined(b.id, conference)
		})),
		must("mscp/5.3/5", "join of what is joined changes how it is joined", m.on(func(t *T, c *channel) {
			l := m.connection(t)
			conference := c.conference()
			c.joined(conference, l.id)
			for _, direction := range []string{"receive", "transmit", "both"} {
				c.wants("conferencejoined", "<join "+attribute("id1", conference)+" "+attribute("id2", l.id)+`><stream type="audio" direction="`+direction+`"/></join>`).
					wants(t, "id1", conference, "id2", l.id)
			}
		})),
		must("mscp/5.3/6", "a conference is joined to a conference", m.on(func(t *T, c *channel) {
			c.joined(c.conference(), c.conference())
		})),
		must("mscp/5.3/7", "a dialog is joined to a conference", m.on(func(t *T, c *channel) {
			l := m.connection(t)
			conference := c.conference()
			id := c.started(m.document(t, m.DialogWait, "wait"), "connectionid", l.id)
			c.joined(conference, id)
			c.terminate(id, true)
		})),
		must("mscp/5.3/8", "a connection is joined to a connection", m.on(func(t *T, c *channel) {
			c.conference() // without any, join is not served either
			c.joined(m.connection(t).id, m.connection(t).id)
		})),
		must("mscp/5.3/9", "join to a conference that does not exist is refused, and its other end stays as it is", m.on(func(t *T, c *channel) {
			l := m.connection(t)
			conference := c.conference()
			c.joined(conference, l.id)
			c.wants("errorconferencejoin", element("join", "id1", "conform-none", "id2", l.id))
			c.wants("conferenceunjoined", element("unjoin", "id1", conference, "id2", l.id))
		})),
	}
}
