package ms

import (
	"strings"
	"testing"

	"github.com/gomscp/gomscp/mscp"
)

// TestDisplayNameIsKept restores a connection with the sender's name: it is with the
// messages, in the CPIM of the push, and in what the application server is told.
func TestDisplayNameIsKept(t *testing.T) {
	for name, from := range map[string]string{
		"":                        "From: <sip:alice@example.com>",
		"Alice":                   "From: Alice <sip:alice@example.com>",
		"Wer? \"the\" <W>, \\":    `From: "Wer? \"the\" <W>, \\"<sip:alice@example.com>`,
		"\u202ea\r\nFrom: <x> b ": `From: "a From: <x> b"<sip:alice@example.com>`,
	} {
		a := newFakeAS(t, nil)
		a.notified = make(chan mscp.Element, 10)
		call := a.invite(rawSDP(rawPath, "accept-types:*"))
		if err := call.Ack(a.ctx(), nil, ""); err != nil {
			t.Fatal(err)
		}
		a.do(&mscp.RestoreMsg{FromURI: alice, ToURI: bob, ConnectionID: call.ID().String(), FromName: name})
		l := &rawLeg{t: t, call: call, ours: rawPath, theirs: attribute(t, string(call.RemoteBody()), "path")}
		l.dial()
		l.send("t1", "hi", "Content-Type: text/plain")
		l.want("t1", 200)
		a.bye(l)
		kept := a.ms.Store().Messages(bob, alice)[0].SenderName
		for e := range a.notified {
			if o := e.(*mscp.MsgKept); o.Session == "store" {
				if o.FromName != kept {
					t.Errorf("%q: notified of %+v", name, o)
				}
				break
			}
		}
		a.do(&mscp.SendInventory{InventoryID: "1"})
		for e := range a.notified {
			if inv, ok := e.(*mscp.Inventory); ok {
				if last := inv.Pairs[len(inv.Pairs)-1]; last.Messages != 1 || last.FromName != kept { // before it may be the session's
					t.Errorf("%q: told %+v", name, inv)
				}
				break
			}
		}
		p := a.rawPush(t, "accept-types:message/cpim text/plain")
		resp := a.sendMsg(p)
		f := p.Next()
		if head, _, _ := strings.Cut(string(f.Body), "\r\nTo:"); head != from {
			t.Errorf("%q: pushed %q", name, head)
		}
		p.Answer(f, 200, "OK")
		<-resp
	}
}
