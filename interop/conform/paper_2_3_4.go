package conform

import (
	"strings"

	"github.com/gomscp/gomscp/interop/conform/draft"
)

// paper2_3_4 are about the requests that the paper of 2010 adds to MSCP. It names no
// failure, and the draft knows none of it: a media server that refuses the requests as
// unknown is not tested.
func (m MSCPTarget) paper2_3_4() []Case {
	return []Case{
		should("paper/2.3.4/1", "RestoreMsg is answered with MsgRestored, or a refusal of its own, and the same three attributes", m.on(func(t *T, c *channel) {
			c.extension(c.ask(nobodys.request("RestoreMsg")), nobodys, "MsgRestored", "MsgNotRestored")
		})),
		should("paper/2.3.4/2", "SendMsg is answered with MsgSended, or a refusal of its own, and the same three attributes", m.on(func(t *T, c *channel) {
			c.extension(c.ask(nobodys.request("SendMsg")), nobodys, "MsgSended", "MsgNotSended")
		})),
		should("paper/2.3.4/3", "RestoreMsg is taken in the paper's own form, without mscp and without a namespace", m.on(func(t *T, c *channel) {
			c.extension(c.ask(nobodys.request("RestoreMsg")), nobodys, "MsgRestored", "MsgNotRestored")
			c.foreign = true
			c.extension(c.askDocument(`<request>`+strings.Replace(nobodys.request("RestoreMsg"), attribute("xmlns", draft.PaperNamespace), "", 1)+`</request>`), nobodys, "MsgRestored", "MsgNotRestored")
		})),
		should("paper/2.3.4/4", "RestoreMsg for a connection that does not exist is refused", m.on(func(t *T, c *channel) {
			c.extension(c.ask(nobodys.request("RestoreMsg")), nobodys, "MsgNotRestored")
		})),
		should("paper/2.3.4/5", "SendMsg for a connection that does not exist is refused", m.on(func(t *T, c *channel) {
			c.extension(c.ask(nobodys.request("SendMsg")), nobodys, "MsgNotSended")
		})),
		must("paper/2.3.4/6", "RestoreMsg for a connection that is there is answered with MsgRestored; then messages are taken", m.on(func(t *T, c *channel) {
			c.stored(newPair(), "one")
		})),
		must("paper/2.3.4/7", "SendMsg is answered with MsgSended after all messages of the pair have been delivered and acknowledged", m.on(func(t *T, c *channel) {
			p := newPair()
			c.stored(p, "one", "two")
			c.delivered(p, "one", "two")
		})),
		must("paper/2.3.4/8", "what was delivered is not delivered again: the next SendMsg sends nothing", m.on(func(t *T, c *channel) {
			p := newPair()
			c.stored(p, "once")
			c.delivered(p, "once")
			c.delivered(p)
		})),
		must("paper/2.3.4/9", "messages that the recipient does not acknowledge are kept: SendMsg is answered with MsgNotSended, and the next sends them again", m.on(func(t *T, c *channel) {
			p := newPair()
			c.stored(p, "kept")
			u := m.user(t)
			c.send(p.over(u.connection).request("SendMsg"))
			u.bind()
			u.next() // and no answer to it
			u.hangUp()
			c.extension(c.response(c.id), p.over(u.connection), "MsgNotSended")
			c.delivered(p, "kept")
		})),
		must("paper/2.3.4/10", "SendMsg sends the messages of the sender that it names, and no others", m.on(func(t *T, c *channel) {
			p, other := newPair(), newPair()
			other.to = p.to
			c.stored(p, "hers")
			c.stored(other, "his")
			c.delivered(p, "hers")
			c.delivered(other, "his")
		})),
	}
}
