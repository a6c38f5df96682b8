package conform

import "fmt"

// source is a document that dialogs can be made of.
func (m MSCPTarget) source() string {
	if m.DialogSource != "" {
		return m.DialogSource
	}
	return "http://invalid.example/prompt.vxml"
}

func (m MSCPTarget) dialogCases() []Case {
	src := m.source()
	return []Case{
		must("mscp/4.1/1", "dialogprepare is answered with dialogprepared, errordialognotprepared or errordialogwrongstate, which name the dialog; an error has a reason", m.on(func(t *T, c *channel) {
			e := c.is(c.ask(fmt.Sprintf("<dialogprepare src=%q/>", src)), prepareAnswers...)
			if !e.has("dialogid") {
				t.Errorf("%s has no dialogid", e.Name)
			}
		})),
		must("mscp/4.1/2", "the response to dialogprepare has the connectionid of the request", m.on(func(t *T, c *channel) {
			e := c.is(c.ask(fmt.Sprintf(`<dialogprepare src=%q connectionid="conform;1;2"/>`, src)), prepareAnswers...)
			if e.attr("connectionid") != "conform;1;2" {
				t.Errorf("the connectionid is %q", e.attr("connectionid"))
			}
		})),
		must("mscp/4.1/3", "the response to dialogprepare has the conferenceid of the request", m.on(func(t *T, c *channel) {
			e := c.is(c.ask(fmt.Sprintf(`<dialogprepare src=%q conferenceid="conform-none"/>`, src)), prepareAnswers...)
			if e.attr("conferenceid") != "conform-none" {
				t.Errorf("the conferenceid is %q", e.attr("conferenceid"))
			}
		})),
		must("mscp/4.1/4", "dialogprepare with both the attribute and the element src is an error", m.on(func(t *T, c *channel) {
			c.refused(c.ask(fmt.Sprintf(`<dialogprepare src=%q><src><vxml version="2.0" xmlns="http://www.w3.org/2001/vxml"/></src></dialogprepare>`, src)))
		})),
		must("mscp/4.1/5", "dialogprepare with neither the attribute nor the element src is an error", m.on(func(t *T, c *channel) {
			c.refused(c.ask("<dialogprepare/>"))
		})),
		must("mscp/4.1/6", "dialogprepare with both connectionid and conferenceid is an error", m.on(func(t *T, c *channel) {
			c.refused(c.ask(fmt.Sprintf(`<dialogprepare src=%q connectionid="conform;1;2" conferenceid="conform-none"/>`, src)))
		})),
		must("mscp/4.1/7", "an item of subscribe that is not supported is ignored", m.on(func(t *T, c *channel) {
			plain := c.is(c.ask(fmt.Sprintf("<dialogprepare src=%q/>", src)), prepareAnswers...)
			item := c.is(c.ask(fmt.Sprintf(`<dialogprepare src=%q><subscribe><item name="conform.unheard.of" value="1"/></subscribe></dialogprepare>`, src)), prepareAnswers...)
			if plain.Name != item.Name {
				t.Errorf("it turns %s into %s", plain.Name, item.Name)
			}
		})),
		must("mscp/4.2/1", "dialogstart is answered with dialogstarted, errordialognotstarted or errordialogwrongstate, which name the dialog; an error has a reason", m.on(func(t *T, c *channel) {
			e := c.is(c.ask(fmt.Sprintf(`<dialogstart src=%q connectionid="conform;1;2"/>`, src)), startAnswers...)
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
				e := c.is(c.ask(fmt.Sprintf("<dialogstart src=%q %s/>", src, end)), startAnswers...)
				if e.has("connectionid") == e.has("conferenceid") {
					t.Errorf("for %s, the response has %v", end, e.Attributes)
				}
			}
		})),
		must("mscp/4.2/4", "dialogstart with prepareddialogid and a document of its own is an error", m.on(func(t *T, c *channel) {
			c.refused(c.ask(fmt.Sprintf(`<dialogstart prepareddialogid="conform-none" src=%q connectionid="conform;1;2"/>`, src)))
		})),
		must("mscp/4.2/5", "dialogstart with both connectionid and conferenceid is an error", m.on(func(t *T, c *channel) {
			c.refused(c.ask(fmt.Sprintf(`<dialogstart src=%q connectionid="conform;1;2" conferenceid="conform-none"/>`, src)))
		})),
		must("mscp/4.2/6", "dialogstart with neither connectionid nor conferenceid, nor a dialog to inherit one from, is an error", m.on(func(t *T, c *channel) {
			c.refused(c.ask(fmt.Sprintf(`<dialogstart src=%q/>`, src)))
		})),
		must("mscp/4.2/7", "dialogstart for a connection that does not exist is refused", m.on(func(t *T, c *channel) {
			c.is(c.ask(fmt.Sprintf(`<dialogstart src=%q connectionid="conform;none;none"/>`, src)), startAnswers[1:]...)
		})),
		must("mscp/4.3/1", "dialogterminate is a notification: it gets no response, not even for a dialog that does not exist", m.on(func(t *T, c *channel) {
			for _, immediate := range []string{"true", "false"} {
				c.raw(pdu("NOTIF MSCP/1.0", document("notification", `<dialogterminate dialogid="conform-none" immediate="`+immediate+`"/>`)))
			}
			c.alive()
		})),
		must("mscp/4.6/1", "dialoguser is a notification, too", m.on(func(t *T, c *channel) {
			c.raw(pdu("NOTIF MSCP/1.0", document("notification", `<dialoguser name="alert.priority1" dialogid="conform-none"><namelist><item name="message" value="Hi"/></namelist></dialoguser>`)))
			c.alive()
		})),
	}
}
