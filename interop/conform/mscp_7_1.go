package conform

// section7_1 are the cases of section 7.1 of the draft.
func (m MSCPTarget) section7_1() []Case {
	return []Case{
		must("mscp/7.1/1", "where MSCP goes over INFO, a request is answered by a response in an INFO of its own on the same dialog, with its id", m.onInfo(func(t *T, c *channel) {
			for _, id := range []string{"a1", "a2"} {
				a := c.askDocument(`<mscp version="1.0" xmlns="urn:ietf:mscp"><request id="` + id + `">` + unjoin + `</request></mscp>`)
				if c.is(a, unjoinAnswers...); a.Doc().ID != id {
					t.Errorf("the response to %s has the id %q", id, a.Doc().ID)
				}
			}
		})),
		must("mscp/7.1/2", "a notification over INFO is taken, and not answered", m.onInfo(func(t *T, c *channel) {
			c.tell(`<dialogterminate dialogid="conform-none"/>`)
			c.alive()
		})),
		must("mscp/7.1/3", "a response goes over the dialog on which its request has come", m.onInfo(func(t *T, c *channel) {
			other := m.setUpInfo(t)
			c.alive()
			other.alive()
			for _, one := range []*channel{c, other} {
				if len(one.infos) > 0 {
					t.Error("more comes over it")
				}
			}
		})),
	}
}

// onInfo makes what runs a case on a channel over INFO, whatever the target's transport.
func (m MSCPTarget) onInfo(run func(t *T, c *channel)) func(*T) {
	return func(t *T) { run(t, m.setUpInfo(t)) }
}
