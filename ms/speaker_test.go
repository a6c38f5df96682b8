package ms

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gomscp/gomscp/mscp"
)

// TestSpeakerOfASession leaves a message in CPIM in another's name, in one chunk and in
// pieces that cut its From, and sends one back in a push; only what its speaker has written
// in its own name is kept.
func TestSpeakerOfASession(t *testing.T) {
	a := newFakeAS(t, nil)
	a.notified = make(chan mscp.Element, 20)
	forged := strings.Replace(cpimText(), "Alice <"+alice, "Boss <sip:boss@example.com", 1)
	l := a.rawStore(t, alice, bob, "accept-types:*")
	l.send("t1", forged, "Content-Type: message/cpim")
	l.want("t1", 403)
	for i := range len(forged) - 1 { // at every byte
		head := []string{"To-Path: " + l.theirs, "From-Path: " + l.ours, fmt.Sprintf("Message-ID: p%d", i)}
		l.Send(append(append([]string{fmt.Sprintf("MSRP a%04d SEND", i)}, head...), fmt.Sprintf("Byte-Range: 1-%d/%d", i+1, len(forged)),
			"Content-Type: message/cpim", "", forged[:i+1], fmt.Sprintf("-------a%04d+", i))...)
		l.Send(append(append([]string{fmt.Sprintf("MSRP b%04d SEND", i)}, head...), fmt.Sprintf("Byte-Range: %d-%d/%d", i+2, len(forged), len(forged)),
			"Content-Type: message/cpim", "", forged[i+1:], fmt.Sprintf("-------b%04d$", i))...)
		for range 2 {
			if f := l.Next(); strings.HasPrefix(f.TID, "b") && f.Code != 403 {
				t.Fatalf("cut at %d: %+v", i, f)
			}
		}
	}
	l.send("t2", cpimText(), "Content-Type: message/cpim")
	l.want("t2", 200)
	a.bye(l)
	a.wantKept(1)

	p := a.rawPush(t, "accept-types:*")
	sent := make(chan mscp.Element, 1)
	go func() { sent <- a.do(&mscp.SendMsg{FromURI: alice, ToURI: bob, ConnectionID: p.call.ID().String()}) }()
	p.Answer(p.Next(), 200, "OK")
	if r, ok := (<-sent).(*mscp.MsgSended); !ok {
		t.Fatalf("%+v", r)
	}
	p.send("r1", cpimText(), "Content-Type: message/cpim") // from alice
	p.want("r1", 403)
	p.send("r2", fromAlice(cpimText()), "Content-Type: message/cpim")
	p.want("r2", 200)
	a.bye(p)
	if kept := a.ms.Store().Messages(alice, bob); len(kept) != 1 || kept[0].MessageID != "mr2" {
		t.Errorf("of the replies are kept %+v", kept)
	}
}

// TestSpeakersOtherIdentities has the application server tell of a second URI.
func TestSpeakersOtherIdentities(t *testing.T) {
	a := newFakeAS(t, nil)
	l := a.rawStore(t, alice, bob, "accept-types:*")
	also := strings.Replace(cpimText(), "<"+alice, "<tel:+1", 1)
	l.send("t1", also, "Content-Type: message/cpim")
	l.want("t1", 403)
	r := a.do(&mscp.RestoreMsg{FromURI: alice, ToURI: bob, ConnectionID: l.call.ID().String(), FromAlso: "nonsense tel:+1"})
	if _, ok := r.(*mscp.MsgRestored); !ok {
		t.Fatalf("%+v", r)
	}
	l.send("t2", also, "Content-Type: message/cpim")
	l.want("t2", 200)
	a.bye(l)
	a.wantKept(1)
}

// TestSpeakerOfAFile transfers a file whose type, in the SDP alone, is that of CPIM: the
// recipient would be sent it as such.
func TestSpeakerOfAFile(t *testing.T) {
	a := newFakeAS(t, nil)
	l := a.rawStore(t, alice, bob, "accept-types:*", "sendonly", `file-selector:name:"m" type:message/cpim size:200`, "file-transfer-id:3dbbaf32")
	l.send("t1", strings.Replace(cpimText(), "Alice <"+alice, "Boss <sip:boss@example.com", 1), "Content-Type: application/octet-stream")
	l.want("t1", 403)
	l.send("t2", cpimText(), "Content-Type: application/octet-stream")
	l.want("t2", 200)
	a.bye(l)
	a.wantKept(1)
}
