package conform

import (
	"fmt"
)

// section4_2 are the cases of section 4.2 of the draft.
func (m MSCPTarget) section4_2() []Case {
	src := doc(m.source())
	return []Case{
		must("mscp/4.2/1", "dialogstart is answered with dialogstarted, errordialognotstarted or errordialogwrongstate, which name the dialog; an error has a reason", m.on(func(t *T, c *channel) {
			e := c.is(c.ask(fmt.Sprintf(`<dialogstart %s connectionid="conform;1;2"/>`, src)), startAnswers...)
			if !e.has("dialogid") {
				t.Errorf("%s has no dialogid", e.Name)
			}
		})),
		must("mscp/4.2/2", "the response to dialogstart has the dialogid that was prepareddialogid", m.on(func(t *T, c *channel) {
			e := c.is(c.ask(`<dialogstart prepareddialogid="conform-none" connectionid="conform;1;2"/>`), startAnswers...)
			if e.attr("dialogid") != "conform-none" {
				t.Errorf("the dialogid is %q", e.attr("dialogid"))
			}
		})),
		must("mscp/4.2/3", "exactly one of connectionid and conferenceid is in the response to dialogstart", m.on(func(t *T, c *channel) {
			for _, end := range []string{`connectionid="conform;1;2"`, `conferenceid="conform-none"`} {
				e := c.is(c.ask(fmt.Sprintf("<dialogstart %s %s/>", src, end)), startAnswers...)
				if e.has("connectionid") == e.has("conferenceid") {
					t.Errorf("for %s, the response has %v", end, e.Attributes)
				}
			}
		})),
		must("mscp/4.2/4", "dialogstart with prepareddialogid and a document of its own is an error", m.on(func(t *T, c *channel) {
			c.refused(c.ask(fmt.Sprintf(`<dialogstart prepareddialogid="conform-none" %s connectionid="conform;1;2"/>`, src)))
		})),
		must("mscp/4.2/5", "dialogstart with both connectionid and conferenceid is an error", m.on(func(t *T, c *channel) {
			c.refused(c.ask(fmt.Sprintf(`<dialogstart %s connectionid="conform;1;2" conferenceid="conform-none"/>`, src)))
		})),
		must("mscp/4.2/6", "dialogstart with neither connectionid nor conferenceid, nor a dialog to inherit one from, is an error", m.on(func(t *T, c *channel) {
			c.refused(c.ask(fmt.Sprintf(`<dialogstart %s/>`, src)))
		})),
		must("mscp/4.2/7", "dialogstart for a connection that does not exist is refused", m.on(func(t *T, c *channel) {
			c.is(c.ask(fmt.Sprintf(`<dialogstart %s connectionid="conform;none;none"/>`, src)), startAnswers[1:]...)
		})),
		must("mscp/4.2/8", "dialogstart of a prepared dialog is answered with dialogstarted, its id, and the connectionid of dialogprepare", m.on(func(t *T, c *channel) {
			l := m.connection(t)
			id := c.prepared(m.DialogExit, "connectionid", l.id)
			c.wants("dialogstarted", element("dialogstart", "prepareddialogid", id)).wants(t, "dialogid", id, "connectionid", l.id)
		})),
		must("mscp/4.2/9", "a dialog that was prepared for no connection can be started on any", m.on(func(t *T, c *channel) {
			l := m.connection(t)
			id := c.prepared(m.DialogExit)
			c.wants("dialogstarted", element("dialogstart", "prepareddialogid", id, "connectionid", l.id)).wants(t, "dialogid", id, "connectionid", l.id)
		})),
		must("mscp/4.2/10", "a dialog that was prepared for a connection cannot be started on another", m.on(func(t *T, c *channel) {
			l, other := m.connection(t), m.connection(t)
			id := c.prepared(m.DialogExit, "connectionid", l.id)
			c.refused(c.ask(element("dialogstart", "prepareddialogid", id, "connectionid", other.id)))
		})),
		must("mscp/4.2/11", "dialogstart of a document is answered with dialogstarted, a new id, and its connectionid", m.on(func(t *T, c *channel) {
			l := m.connection(t)
			e := c.dialog("<dialogstart "+attribute("connectionid", l.id)+" "+doc(m.DialogExit)+"/>", startAnswers)
			e.wants(t, "connectionid", l.id)
			c.ended(e.attr("dialogid"), l.id, "dialogexit")
			if again := c.started(m.DialogExit, "connectionid", l.id); again == e.attr("dialogid") {
				t.Errorf("the second dialog is %q, too", again)
			}
		})),
		must("mscp/4.2/12", "a prepared dialog is started once: a second dialogstart is refused", m.on(func(t *T, c *channel) {
			l := m.connection(t)
			id := c.prepared(m.document(t, m.DialogWait, "wait"), "connectionid", l.id)
			start := element("dialogstart", "prepareddialogid", id)
			c.wants("dialogstarted", start)
			c.is(c.ask(start), startAnswers[1:]...).wants(t, "dialogid", id)
			c.terminate(id, true)
		})),
		must("mscp/4.2/13", "a dialog can be started on a conference: the response has its conferenceid", m.on(func(t *T, c *channel) {
			conference := c.conference()
			c.dialog("<dialogstart "+attribute("conferenceid", conference)+" "+doc(m.DialogExit)+"/>", startAnswers).wants(t, "conferenceid", conference)
		})),
	}
}
