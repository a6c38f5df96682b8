package ms

import (
	"errors"
	"testing"
	"time"

	"github.com/gomscp/gomscp/mscp"
	"github.com/gomscp/gomscp/sipua"
)

// TestControlDialogs has one application server begin as many control dialogs as an address
// may have: one more is refused with a pause, sessions are served all the while, and an end
// gives a place back.
func TestControlDialogs(t *testing.T) {
	a := newFakeAS(t, nil)
	offer, err := mscp.NewOffer("127.0.0.1").Marshal()
	if err != nil {
		t.Fatal(err)
	}
	uri := "sip:ms@" + a.ms.Addr()
	begin := func() (*sipua.Call, *sipua.StatusError) {
		call, err := a.ua.Invite(a.ctx(), sipua.InviteRequest{URI: uri, From: a.ua.Contact(), To: uri, Body: offer, ContentType: sdpType})
		var status *sipua.StatusError
		if err != nil && !errors.As(err, &status) {
			t.Fatal(err)
		}
		if call != nil {
			err = call.Ack(a.ctx(), nil, "")
		}
		if err != nil && status == nil {
			t.Fatal(err)
		}
		return call, status
	}
	var last *sipua.Call
	for n := 1; n < maxSourceControls; n++ { // one is there
		call, status := begin()
		if status != nil {
			t.Fatalf("dialog %d: %v", n+1, status)
		}
		last = call
	}
	_, status := begin()
	if status == nil || status.Code != 480 || status.RetryAfter() == 0 {
		t.Fatalf("one too many: %+v", status)
	}
	a.leave(text("hello"))
	a.wantKept(1)
	if err := last.Bye(a.ctx()); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		if _, status := begin(); status == nil {
			return
		} else if time.Now().After(end) {
			t.Fatalf("after an end: %v", status)
		}
	}
}
