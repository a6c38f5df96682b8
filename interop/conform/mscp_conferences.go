package conform

func (m MSCPTarget) conferenceCases() []Case {
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
				t.Skipf("the media server creates no conference: %s", a.attr("reason"))
			}
			if a.attr("conferenceid") == b.attr("conferenceid") {
				t.Errorf("both are %q", a.attr("conferenceid"))
			}
		})),
		must("mscp/5.2/1", "destroyconference of a conference that does not exist is answered with errorconferencedestroy, its conferenceid and a reason", m.on(func(t *T, c *channel) {
			e := c.is(c.ask(`<destroyconference conferenceid="conform-none"/>`), "errorconferencedestroy")
			if e.attr("conferenceid") != "conform-none" {
				t.Errorf("the conferenceid is %q", e.attr("conferenceid"))
			}
		})),
		must("mscp/5.2/2", "destroyconference of a conference is answered with conferencedestroyed; then it is gone", m.on(func(t *T, c *channel) {
			e := c.is(c.ask(`<createconference/>`), createAnswers...)
			if e.Name == "errorconferencecreate" {
				t.Skipf("the media server creates no conference: %s", e.attr("reason"))
			}
			id := attribute("conferenceid", e.attr("conferenceid"))
			c.is(c.ask("<destroyconference "+id+"/>"), "conferencedestroyed")
			c.is(c.ask("<destroyconference "+id+"/>"), "errorconferencedestroy")
		})),
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
		must("mscp/5.4/1", "unjoin of what does not exist is answered with errorconferenceunjoin and a reason", m.on(func(t *T, c *channel) {
			c.is(c.ask(unjoin), "errorconferenceunjoin")
		})),
		must("mscp/5.4/2", "the response to unjoin has its id1 and id2", m.on(func(t *T, c *channel) {
			e := c.is(c.ask(`<unjoin id1="&lt;&quot;&amp;'&gt;" id2="b;c"/>`), unjoinAnswers...)
			if e.attr("id1") != `<"&'>` || e.attr("id2") != "b;c" {
				t.Errorf("they are %q and %q", e.attr("id1"), e.attr("id2"))
			}
		})),
		should("mscp/5.4/3", "blanks at the ends of id1 and id2 belong to them: they are of the type xsd:string", m.on(func(t *T, c *channel) {
			e := c.is(c.ask(`<unjoin id1=" a" id2="b "/>`), unjoinAnswers...)
			if e.attr("id1") != " a" || e.attr("id2") != "b " {
				t.Errorf("they are %q and %q", e.attr("id1"), e.attr("id2"))
			}
		})),
		must("mscp/5.5/1", "conferenceuser is a notification: it gets no response", m.on(func(t *T, c *channel) {
			c.raw(pdu("NOTIF MSCP/1.0", document("notification", `<conferenceuser name="floor" conferenceid="conform-none"/>`)))
			c.alive()
		})),
	}
}

// destroy ends a conference that a case has created.
func (c *channel) destroy(created node) {
	if created.Name == "conferencecreated" {
		c.ask("<destroyconference " + attribute("conferenceid", created.attr("conferenceid")) + "/>")
	}
}
