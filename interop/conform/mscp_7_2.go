package conform

import (
	"strings"
)

// section7_2 are the cases of section 7.2 of the draft.
func (m MSCPTarget) section7_2() []Case {
	return []Case{
		must("mscp/7.2/1", "what concerns the same is carried out in the order in which it came", m.onTCP(func(t *T, c *channel) {
			l := m.connection(t)
			conference := c.conference()
			var all strings.Builder
			first := c.id + 1
			for range 50 {
				for _, name := range []string{"join", "unjoin"} {
					all.WriteString(pdu(c.start(), document("request", element(name, "id1", conference, "id2", l.id))))
				}
			}
			c.raw(all.String())
			for range 100 {
				a := c.pdu()
				if e := a.element(); strings.HasPrefix(e.Name, "error") || (a.ID-first)%2 == 0 != (e.Name == "conferencejoined") {
					t.Fatalf("%d of 100 requests, join and unjoin in turns, is answered with %s: %s", a.ID-first+1, e.Name, e.attr("reason"))
				}
			}
		})),
		must("mscp/7.2/2", "a notification is carried out before a request that came behind it", m.onTCP(func(t *T, c *channel) {
			l := m.connection(t)
			id := c.prepared(m.DialogExit, "connectionid", l.id)
			c.raw(pdu("NOTIF MSCP/1.0", document("notification", element("dialogterminate", "dialogid", id))) +
				pdu(c.start(), document("request", element("dialogstart", "prepareddialogid", id, "connectionid", l.id))))
			c.is(c.response(c.id), startAnswers[1:]...)
		})),
		must("mscp/7.2/3", "requests that were sent before the application server closes its half of the connection are answered", m.onTCP(func(t *T, c *channel) {
			const requests = 50
			var all strings.Builder
			first := c.id + 1
			for range requests {
				all.WriteString(pdu(c.start(), document("request", element("unjoin", "id1", "conform-half", "id2", "conform-b"))))
			}
			c.raw(all.String())
			if half, ok := c.conn.(recorded).Conn.(interface{ CloseWrite() error }); !ok || half.CloseWrite() != nil {
				t.Fatal("the runner cannot close half of the connection")
			}
			got := map[uint64]bool{}
			for range requests {
				got[c.pdu().ID] = true
			}
			if len(got) != requests || !got[first] || !got[c.id] {
				t.Errorf("%d requests, and the responses are to %v", requests, got)
			}
		})),
	}
}
