package conform

import (
	"fmt"
)

// section4_1 are the cases of section 4.1 of the draft.
func (m MSCPTarget) section4_1() []Case {
	src := doc(m.source())
	return []Case{
		must("mscp/4.1/1", "dialogprepare is answered with dialogprepared, errordialognotprepared or errordialogwrongstate, which name the dialog; an error has a reason", m.on(func(t *T, c *channel) {
			e := c.is(c.ask(fmt.Sprintf("<dialogprepare %s/>", src)), prepareAnswers...)
			if !e.has("dialogid") {
				t.Errorf("%s has no dialogid", e.Name)
			}
		})),
		must("mscp/4.1/2", "the response to dialogprepare has the connectionid of the request", m.on(func(t *T, c *channel) {
			e := c.is(c.ask(fmt.Sprintf(`<dialogprepare %s connectionid="conform;1;2"/>`, src)), prepareAnswers...)
			if e.attr("connectionid") != "conform;1;2" {
				t.Errorf("the connectionid is %q", e.attr("connectionid"))
			}
		})),
		must("mscp/4.1/3", "the response to dialogprepare has the conferenceid of the request", m.on(func(t *T, c *channel) {
			e := c.is(c.ask(fmt.Sprintf(`<dialogprepare %s conferenceid="conform-none"/>`, src)), prepareAnswers...)
			if e.attr("conferenceid") != "conform-none" {
				t.Errorf("the conferenceid is %q", e.attr("conferenceid"))
			}
		})),
		must("mscp/4.1/4", "dialogprepare with both the attribute and the element src is an error", m.on(func(t *T, c *channel) {
			c.refused(c.ask(fmt.Sprintf(`<dialogprepare %s><src><vxml version="2.0" xmlns="http://www.w3.org/2001/vxml"/></src></dialogprepare>`, src)))
		})),
		must("mscp/4.1/5", "dialogprepare with neither the attribute nor the element src is an error", m.on(func(t *T, c *channel) {
			c.refused(c.ask("<dialogprepare/>"))
		})),
		must("mscp/4.1/6", "dialogprepare with both connectionid and conferenceid is an error", m.on(func(t *T, c *channel) {
			c.refused(c.ask(fmt.Sprintf(`<dialogprepare %s connectionid="conform;1;2" conferenceid="conform-none"/>`, src)))
		})),
		must("mscp/4.1/7", "an item of subscribe that is not supported is ignored", m.on(func(t *T, c *channel) {
			plain := c.is(c.ask(fmt.Sprintf("<dialogprepare %s/>", src)), prepareAnswers...)
			item := c.is(c.ask(fmt.Sprintf(`<dialogprepare %s><subscribe><item name="conform.unheard.of" value="1"/></subscribe></dialogprepare>`, src)), prepareAnswers...)
			if plain.Name != item.Name {
				t.Errorf("it turns %s into %s", plain.Name, item.Name)
			}
		})),
		must("mscp/4.1/8", "the dialogids of two responses to dialogprepare differ: each is globally unique", m.on(func(t *T, c *channel) {
			prepare := fmt.Sprintf("<dialogprepare %s/>", doc(m.source()))
			a := c.is(c.ask(prepare), prepareAnswers...).attr("dialogid")
			b := c.is(c.ask(prepare), prepareAnswers...).attr("dialogid")
			if a == b && a != "" {
				t.Errorf("both are %q", a)
			}
		})),
		must("mscp/4.1/9", "dialogprepare of a document that can be executed is answered with dialogprepared", m.on(func(t *T, c *channel) {
			l := m.connection(t)
			c.dialog("<dialogprepare "+doc(m.DialogExit)+"/>", prepareAnswers)
			c.dialog("<dialogprepare "+doc(m.DialogExit)+" "+attribute("connectionid", l.id)+"/>", prepareAnswers).wants(t, "connectionid", l.id)
		})),
		must("mscp/4.1/10", "a dialog that is prepared is not executed before dialogstart", m.on(func(t *T, c *channel) {
			l := m.connection(t)
			id := c.prepared(m.DialogExit, "connectionid", l.id)
			c.silent(id)
			c.wants("dialogstarted", element("dialogstart", "prepareddialogid", id, "connectionid", l.id))
			c.ended(id, l.id, "dialogexit")
		})),
		must("mscp/4.1/11", "dialogprepare takes all its attributes and elements", m.on(func(t *T, c *channel) {
			c.dialog("<dialogprepare "+doc(m.DialogExit)+` maxage="60" maxstale="0" enctype="application/x-www-form-urlencoded" method="post">`+
				`<namelist><item name="a" value="1"/><item name="b" value=""/></namelist><subscribe><item name="dtmf" value="single"/></subscribe>`+
				`<stream type="audio" direction="transmit"/><stream type="video" direction="receive"/></dialogprepare>`, prepareAnswers)
		})),
	}
}
