package conform

import (
	"strings"

	"github.com/gomscp/gomscp/interop/conform/draft"
)

// section3_1 are the cases of section 3.1 of the draft.
func (m MSCPTarget) section3_1() []Case {
	return []Case{
		must("mscp/3.1/1", "every request is answered", m.onTCP(func(t *T, c *channel) {
			const n = 32
			var all strings.Builder
			for range n {
				all.WriteString(pdu(c.start(), document("request", unjoin)))
			}
			c.raw(all.String())
			waiting := map[uint64]bool{}
			for id := c.id - n + 1; id <= c.id; id++ {
				waiting[id] = true
			}
			for len(waiting) > 0 {
				a := c.pdu()
				if a.Kind == draft.Response && !waiting[a.ID] {
					t.Fatalf("a response to %d, which nobody asked, or which was answered already", a.ID)
				}
				delete(waiting, a.ID)
			}
		})),
		must("mscp/3.1/2", "a notification is not answered", m.on(func(t *T, c *channel) {
			c.tell(`<dialogterminate dialogid="conform-none"/>`)
			c.alive() // whose response must be the next
		})),
		must("mscp/3.1/3", "whoever has started a dialog is notified of it, and another application server is not", m.on(func(t *T, c *channel) {
			other := m.setUp(t)
			l := m.connection(t)
			id := c.started(m.DialogExit, "connectionid", l.id)
			c.note(id)
			other.silent(id)
		})),
		should("mscp/3.1/4", "an application server does not command what another has created", m.on(func(t *T, c *channel) {
			other := m.setUp(t)
			conference := c.conference()
			other.wants("errorconferencedestroy", element("destroyconference", "conferenceid", conference))
			c.wants("conferencedestroyed", element("destroyconference", "conferenceid", conference))
		})),
	}
}
