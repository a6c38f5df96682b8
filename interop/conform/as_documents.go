package conform

import (
	"fmt"
	"strings"
	"time"

	"github.com/gomscp/gomscp/interop/conform/draft"
	"github.com/gomscp/gomscp/sipua"
)

// documentCases are those of section 3.
func (b *bench) documentCases() []Case {
	return []Case{
		must("mscp-as/3.2/1", "every document is valid, and of the kind of its message", b.on(func(a *asCase) {
			a.store(strings.Replace(a.newUser(), "sip:", "sip:a&b-", 1)).up() // every document is judged as it is read
		})),
		must("mscp-as/3.2/2", "documents are XML in UTF-8, whoever calls", b.on(func(a *asCase) {
			a.byHand()
			s := a.storeFrom(sipua.NameAddr("J\u00f6rg \u4f1a\u8bae", "sip:j%C3%B6rg@"+a.target.Domain), a.newUser())
			q := a.ask("RestoreMsg")
			if u := q.Element().Get("from-uri"); !strings.EqualFold(u, "sip:j%C3%B6rg@"+a.target.Domain) && u != "sip:j\u00f6rg@"+a.target.Domain {
				a.t.Errorf("from-uri is %q", u)
			}
			q.succeed()
			s.up()
		})),
		must("mscp-as/3.3/1", "foreign attributes and elements in a response are ignored", b.on(func(a *asCase) {
			a.answered(func(q *asked) {
				e := strings.Replace(q.extension("MsgRestored", ""), "/>", ` v:a="1"><v:b>text</v:b></MsgRestored>`, 1)
				q.c.write(q.pdu(200, fmt.Sprintf(`<mscp version="1.0" xmlns="%s" xmlns:v="http://www.example.org/vendor" v:a="1"><response v:tag="a">%s</response></mscp>`, draft.Namespace, e)))
			})
		})),
		must("mscp-as/3.3/2", "an XML declaration, comments and prefixes in a response change nothing", b.on(func(a *asCase) {
			a.answered(func(q *asked) {
				e := q.Element()
				q.c.write(q.pdu(200, fmt.Sprintf("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!-- a --><m:mscp version='1.0' xmlns:m='%s'><m:response><!-- b -->\n"+
					"<p:MsgRestored xmlns:p='%s' %s %s %s></p:MsgRestored></m:response></m:mscp>\n", draft.Namespace, draft.PaperNamespace,
					attribute("from-uri", e.Get("from-uri")), attribute("to-uri", e.Get("to-uri")), attribute("connection-id", e.Get("connection-id")))))
			})
		})),
	}
}

// connectionCases are those of section 2.3.1.
func (b *bench) connectionCases() []Case {
	return []Case{
		must("mscp-as/2.3.1/1", "a connection is named by Call-ID, From tag and To tag of the application server's dialog with the media server, byte for byte", b.on(func(a *asCase) {
			a.byHand()
			s := a.store(a.newUser())
			q, l := a.ask("RestoreMsg"), a.leg()
			id := l.in.ID()
			if got, want := q.Element().Get("connection-id"), id.CallID+";"+id.FromTag+";"+id.ToTag; got != want {
				a.t.Errorf("it is named %q, not %q", got, want)
			}
			q.succeed()
			s.up()
		})),
		must("mscp-as/2.3.1/2", "a connection is not named before its 200 and ACK", b.on(func(a *asCase) {
			a.byHand()
			a.p.slowly(answerDelay)
			s := a.store(a.newUser())
			q, l := a.ask("RestoreMsg"), a.leg()
			if d := q.at.Sub(l.at); d < answerDelay {
				a.t.Errorf("RestoreMsg came %v after the INVITE, before its 200", d)
			}
			a.named(q, l)
			q.succeed()
			s.up()
		})),
	}
}

// named checks that a request that names a connection has not come before its ACK.
func (a *asCase) named(q *asked, l *leg) {
	a.t.Helper()
	next(a, l.acked, "ACK to the media server")
	a.mu.Lock()
	at := a.acks[l.in.ID().CallID]
	a.mu.Unlock()
	if d := at.Sub(q.at); d > skew {
		a.t.Errorf("%s came %v before the ACK", q.name(), d)
	}
}

const (
	// answerDelay is for how long a media server takes over its 200 where a case is about
	// what must not come before it.
	answerDelay = 200 * time.Millisecond
	// skew is what the arrival of SIP and MSCP, which come over two sockets, may be told
	// apart by wrongly.
	skew = 100 * time.Millisecond
)

// slowly has media legs be answered after a while.
func (p *mediaPeer) slowly(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.onLeg = func(l *leg) bool {
		happens(l.in.Cancelled(), d)
		return false
	}
}
