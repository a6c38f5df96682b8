package conform

// section5_1 are the cases of section 5.1 of the draft.
func (m MSCPTarget) section5_1() []Case {
	return []Case{
		must("mscp/5.1/1", "createconference is answered with conferencecreated or errorconferencecreate, which have a conferenceid; an error has a reason", m.on(func(t *T, c *channel) {
			e := c.is(c.ask(`<createconference reservedtalkers="2" reservedlisteners="1"/>`), createAnswers...)
			if !e.has("conferenceid") {
				t.Errorf("%s has no conferenceid", e.Name)
			}
			c.destroy(e)
		})),
		must("mscp/5.1/2", "a conference of video whose audio is mixed manually and whose video is not is an error, and the other way round", m.on(func(t *T, c *channel) {
			c.refused(c.ask(`<createconference reservedmedia="video" audiomixingpolicy="manual" videomixingpolicy="vas"/>`))
			c.refused(c.ask(`<createconference reservedmedia="audiovideo" audiomixingpolicy="nbest" videomixingpolicy="manual"/>`))
		})),
		must("mscp/5.1/3", "a conference of video without audiomixingpolicy is an error", m.on(func(t *T, c *channel) {
			c.refused(c.ask(`<createconference reservedmedia="video" videomixingpolicy="vas"/>`))
		})),
		must("mscp/5.1/4", "the ids of two conferences differ", m.on(func(t *T, c *channel) {
			a := c.is(c.ask(`<createconference/>`), createAnswers...)
			b := c.is(c.ask(`<createconference/>`), createAnswers...)
			defer c.destroy(b)
			defer c.destroy(a)
			if a.Name == "errorconferencecreate" {
				m.lacks(t, "conferences", "%s", a.attr("reason"))
			}
			if a.attr("conferenceid") == b.attr("conferenceid") {
				t.Errorf("both are %q", a.attr("conferenceid"))
			}
		})),
		must("mscp/5.1/5", "createconference takes all its attributes", m.on(func(t *T, c *channel) {
			c.conference()
			c.wants("conferencecreated", `<createconference reservedtalkers="2" reservedlisteners="3" reservedmedia="audio" audiomixingpolicy="nbest" audiomixingnbest="2"/>`)
		})),
		must("mscp/5.1/6", "an item of subscribe that is not supported is ignored", m.on(func(t *T, c *channel) {
			c.conference()
			c.wants("conferencecreated", `<createconference><subscribe><item name="conform.unheard.of" value="1"/></subscribe></createconference>`)
		})),
	}
}

// destroy ends a conference that a case has created.
func (c *channel) destroy(created node) {
	if created.Name == "conferencecreated" {
		c.ask(element("destroyconference", "conferenceid", created.attr("conferenceid")))
	}
}
