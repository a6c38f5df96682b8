package e2e

import (
	"context"
	"io"
	"strings"
	"testing"

	"github.com/gomscp/gomscp/interop/internal/softphone"
	"github.com/gomscp/gomscp/msrp"
)

// TestDeliveryNotification leaves a message that asks for a notification of
// delivery. Bob's user agent sends it in the push session; alice, who is away by
// then, gets it from bob as she gets any message. See RFC 5438.
func TestDeliveryNotification(t *testing.T) {
	e := newEnv(t, envOptions{weights: []int{1, 1}})
	const head = "From: <" + alice + ">\r\nTo: <" + bob + ">\r\nNS: imdn <urn:ietf:params:imdn>\r\nimdn.Message-ID: 34jk324j\r\n"
	const message = head + "imdn.Disposition-Notification: positive-delivery\r\n\r\nContent-Type: text/plain\r\n\r\nhi"
	const notification = "From: <" + bob + ">\r\nTo: <" + alice + ">\r\n\r\nContent-Type: message/imdn+xml\r\nContent-Disposition: notification\r\n\r\n" +
		`<imdn xmlns="urn:ietf:params:xml:ns:imdn"><message-id>34jk324j</message-id><delivery-notification><status><delivered/></status></delivery-notification></imdn>`
	e.leaveAs(alice, bob, msrp.Message{ContentType: msrp.TypeCPIM}, message)

	got := make(chan string, 1)
	e.register(softphone.Config{User: bob, OnMessage: func(_ context.Context, m *softphone.Message) error {
		b, err := io.ReadAll(m)
		if err != nil {
			return err
		}
		got <- string(b)
		go func() { // its answer may be lost to the end of the session
			_, _ = m.Session.Send(e.ctx, msrp.Message{ContentType: msrp.TypeCPIM, Body: strings.NewReader(notification), Size: int64(len(notification))})
		}()
		return nil
	}}, nil)
	if b := <-got; b != message {
		t.Errorf("bob got %s", b)
	}
	box := newInbox()
	e.register(softphone.Config{User: alice}, box)
	box.want(t, bob+" "+digest(notification))
	e.wantKept(0)
}
