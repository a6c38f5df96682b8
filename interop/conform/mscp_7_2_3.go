package conform

import (
	"strings"
)

// section7_2_3 are the cases of section 7.2.3 of the draft.
func (m MSCPTarget) section7_2_3() []Case {
	good := document("request", unjoin)
	return []Case{
		must("mscp/7.2.3/1", "the response has the request-id of its request", m.onTCP(func(t *T, c *channel) {
			for range 3 {
				c.is(c.ask(unjoin), unjoinAnswers...)
				c.id += 16 // consecutive need not mean by one
			}
		})),
		must("mscp/7.2.3/2", "the first request-id is arbitrary: 0 is one", m.onTCP(func(t *T, c *channel) {
			c.raw(pdu("REQ MSCP/1.0 0", good))
			c.is(c.response(0), unjoinAnswers...)
		})),
		must("mscp/7.2.3/3", "the first request-id is arbitrary: one above 32 bits is", m.onTCP(func(t *T, c *channel) {
			c.id = 1<<32 + 5
			c.is(c.ask(unjoin), unjoinAnswers...)
		})),
		must("mscp/7.2.3/4", "a request-line with two blanks before the request-id, as in the grammar, is taken", m.onTCP(func(t *T, c *channel) {
			c.raw(pdu(strings.Replace(c.start(), "1.0 ", "1.0  ", 1), good))
			c.is(c.response(c.id), unjoinAnswers...)
		})),
		must("mscp/7.2.3/5", "a request-line with one blank before the request-id, as in the examples, is taken", m.onTCP(func(t *T, c *channel) {
			for _, id := range []uint64{9, 98, 21091} {
				c.id = id
				c.raw(pdu(c.start(), good))
				c.is(c.response(c.id), unjoinAnswers...)
			}
		})),
		should("mscp/7.2.3/6", "a start line that has both its CRLF and that of start-line in the grammar is taken", m.onTCP(func(t *T, c *channel) {
			c.raw(strings.Replace(pdu(c.start(), good), "\r\n", "\r\n\r\n", 1))
			c.is(c.response(c.id), unjoinAnswers...)
		})),
		should("mscp/7.2.3/7", "a request-id that does not increase is refused with 400", m.onTCP(func(t *T, c *channel) {
			c.ask(unjoin)
			c.id--
			c.bad(c.ask(unjoin))
		})),
		should("mscp/7.2.3/8", "a request of another version of the protocol is not processed", m.onTCP(func(t *T, c *channel) {
			c.raw(pdu(strings.Replace(c.start(), "1.0", "7.3", 1), good))
			c.endsOr400()
		})),
		must("mscp/7.2.3/9", "consecutive request-ids increase, but need not do so by one", m.onTCP(func(t *T, c *channel) {
			c.alive()
			c.id += 1_000_000
			c.alive()
		})),
	}
}
