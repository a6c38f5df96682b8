package ms

import (
	"context"
	"io"
	"strconv"
	"strings"
	"testing"

	"github.com/gomscp/gomscp/mscp"
	"github.com/gomscp/gomscp/msrp"
	"github.com/gomscp/gomscp/msrp/cpim"
)

// cpimText is a message in CPIM with those headers beside From and To.
func cpimText(headers ...string) string {
	all := append([]string{"From: Alice <sip:alice@example.com>", "To: <sip:bob@example.com>"}, headers...)
	return strings.Join(all, "\r\n") + "\r\n\r\nContent-Type: text/plain\r\n\r\nhi"
}

func cpimMessage(body string) msrp.Message {
	return msrp.Message{ContentType: msrp.TypeCPIM, Body: strings.NewReader(body), Size: int64(len(body))}
}

// TestStoredReceipt leaves messages that ask for a notification of processing:
// it comes to a sender that takes it, in the session in which the message came.
func TestStoredReceipt(t *testing.T) {
	a := newFakeAS(t, nil)
	came := make(chan string, 2)
	call, session := a.storeLegTaking([]string{"message/cpim", "message/imdn+xml", "text/plain"}, func(_ context.Context, m *msrp.Incoming) error {
		b, err := io.ReadAll(m)
		came <- m.ContentType + " " + string(b)
		return err
	})
	a.restore(call, alice, bob)
	for _, body := range []string{
		cpimText("imdn.Message-ID: not-asked"),
		cpimText("DateTime: 2026-01-02T03:04:05Z", "NS: imdn <urn:ietf:params:imdn>", "imdn.Message-ID: 34jk324j",
			"imdn.Disposition-Notification: positive-delivery, processing",
			"imdn.IMDN-Record-Route: <sip:one@example.com>", "imdn.IMDN-Record-Route: <sip:two@example.com>"),
	} {
		if _, err := session.Send(a.ctx(), cpimMessage(body)); err != nil {
			t.Fatal(err)
		}
	}
	contentType, body, _ := strings.Cut(<-came, " ")
	m, err := cpim.Read(strings.NewReader(body))
	if err != nil || contentType != msrp.TypeCPIM {
		t.Fatalf("%s: %v", contentType, err)
	}
	route := m.Addresses(cpim.Route)
	if m.Value(cpim.From) != "<"+bob+">" || m.Value(cpim.To) != "Alice <"+alice+">" || len(route) != 2 || route[0].URI != "sip:one@example.com" {
		t.Errorf("got %s", body)
	}
	all, err := m.Notifications()
	want := cpim.Notification{MessageID: "34jk324j", DateTime: "2026-01-02T03:04:05Z", Recipient: bob, OriginalRecipient: bob,
		Kind: cpim.KindProcessing, Status: cpim.Stored}
	if err != nil || len(all) != 1 || *all[0] != want {
		t.Errorf("got %s: %v", body, err)
	}
}

// TestNoReceipt checks that a sender who cannot take a notification gets none:
// what it takes next is of another's making.
func TestNoReceipt(t *testing.T) {
	a := newFakeAS(t, nil)
	call, session := a.storeLegTaking([]string{"text/plain"}, func(_ context.Context, m *msrp.Incoming) error {
		t.Errorf("got %s", m.ContentType)
		return nil
	})
	a.restore(call, alice, bob)
	if _, err := session.Send(a.ctx(), cpimMessage(cpimText("imdn.Message-ID: 1", "imdn.Disposition-Notification: processing"))); err != nil {
		t.Fatal(err)
	}
	if err := call.Bye(a.ctx()); err != nil {
		t.Fatal(err)
	}
	a.wantKept(1)
}

// TestReplies has a user agent send back a notification of delivery, after it
// has answered the message, and a message: both are kept for the sender, and the
// AS hears of it.
func TestReplies(t *testing.T) {
	a := newFakeAS(t, nil)
	a.notified = make(chan mscp.Element, 10)
	a.leave(cpimMessage(cpimText("imdn.Message-ID: 1", "imdn.Disposition-Notification: positive-delivery")))
	a.wantNotified(t, alice, bob, "1")
	notification := strings.NewReplacer("text/plain", "message/imdn+xml", alice, bob, bob, alice).Replace(cpimText())
	a.reply = func(s *msrp.Session) {
		go func() {
			if _, err := s.Send(a.ctx(), text("thanks")); err != nil {
				t.Error(err)
			}
			// The session may end before this one is answered; it is kept.
			_, _ = s.Send(a.ctx(), cpimMessage(notification))
		}()
	}
	if took, resp := a.push([]string{"*"}, nil); len(took) != 1 {
		t.Fatalf("took %+v: %+v", took, resp)
	}
	a.wantNotified(t, bob, alice, "2")
	a.wantKept(0)
	kept := a.ms.Store().Messages(alice, bob)
	if len(kept) != 2 || kept[0].ContentType != "text/plain" || kept[1].ContentType != msrp.TypeCPIM {
		t.Errorf("kept %+v", kept)
	}
}

// wantNotified waits for a MsgKept at the end of a session.
func (a *fakeAS) wantNotified(t *testing.T, from, to, messages string) {
	t.Helper()
	select {
	case e := <-a.notified:
		if o, ok := e.(*mscp.MsgKept); ok && o.Session == "open" {
			a.wantNotified(t, from, to, messages)
			return
		} else if !ok || o.FromURI != from || o.ToURI != to || strconv.Itoa(o.Messages) != messages {
			t.Errorf("notified of %+v", e)
		}
	case <-a.ctx().Done():
		t.Fatal("no MsgKept came")
	}
}

// TestNoReplies refuses what comes back.
func TestNoReplies(t *testing.T) {
	a := newFakeAS(t, func(c *Config) { c.Push.Replies = false })
	a.leave(text("hi"))
	a.reply = func(s *msrp.Session) {
		if _, err := s.Send(a.ctx(), text("no")); err == nil {
			t.Error("a reply was taken")
		}
	}
	a.push([]string{"*"}, nil)
	if n := len(a.ms.Store().Messages(alice, bob)); n != 0 {
		t.Errorf("%d replies are kept", n)
	}
}
