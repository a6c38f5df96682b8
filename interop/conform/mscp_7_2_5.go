package conform

// section7_2_5 are the cases of section 7.2.5 of the draft.
func (m MSCPTarget) section7_2_5() []Case {
	good := document("request", unjoin)
	return []Case{
		must("mscp/7.2.5/1", "notifications at any time, between requests and their responses, disturb nothing", m.onTCP(func(t *T, c *channel) {
			note := pdu("NOTIF MSCP/1.0", document("notification", `<dialogterminate dialogid="conform-none"/>`))
			for range 8 {
				c.raw(note + pdu(c.start(), good) + note)
				c.is(c.response(c.id), unjoinAnswers...)
			}
		})),
		must("mscp/7.2.5/2", "a notification that is not known, of another namespace, is ignored", m.onTCP(func(t *T, c *channel) {
			c.tell(`<v:news xmlns:v="http://www.example.org/vendor"/>`)
			c.alive()
		})),
		should("mscp/7.2.5/3", "a notification that is not well-formed does not end the channel", m.onTCP(func(t *T, c *channel) {
			c.raw(pdu("NOTIF MSCP/1.0", "<mscp"))
			c.alive()
		})),
	}
}
