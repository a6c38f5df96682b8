package conform

import (
	"errors"

	"github.com/gomscp/gomscp/interop/conform/draft"
	"github.com/gomscp/gomscp/sipua"
)

// drafts is the offer of the draft's own example, section 7.2.1, as it is
// printed: without fmt and t=, and with a c= that lacks the type of address.
const drafts = "v=0\r\no=as 53655765 53655765 IN IP4 192.168.1.1\r\ns=Example\r\nc=IN 192.168.1.1\r\n" +
	"m=application 9 TCP/MS\r\na=setup:active\r\na=connection:new\r\n"

// call calls with a session description, and fails the case if that is not
// answered.
func (m MSCPTarget) call(t *T, sdp string) *sipua.Call {
	t.Helper()
	call, err := m.caller().call(t, []byte(sdp))
	if err != nil {
		t.Fatalf("the INVITE for a control channel has failed: %v", err)
	}
	t.ack(call)
	return call
}

// answer is what the media server answers to an offer.
func (m MSCPTarget) answer(t *T, sdp string) *draft.Media {
	t.Helper()
	call := m.call(t, sdp)
	a, ok := draft.SDP(call.RemoteBody())
	if !ok {
		t.Fatalf("there is no m-line of a control channel:\n%s", call.RemoteBody())
	}
	for _, f := range a.Findings {
		t.Errorf("%v", f)
	}
	return a
}

// notAccepted checks that an offer is refused by SIP, or in the answer.
func (m MSCPTarget) notAccepted(t *T, sdp string) {
	t.Helper()
	call, err := m.caller().call(t, []byte(sdp))
	var status *sipua.StatusError
	if errors.As(err, &status) && status.Code >= 400 {
		return
	}
	if err != nil {
		t.Fatalf("the INVITE is neither refused nor answered: %v", err)
	}
	t.ack(call)
	if a, ok := draft.SDP(call.RemoteBody()); !ok || a.Port != 0 {
		t.Errorf("it is accepted:\n%s", call.RemoteBody())
	}
}
