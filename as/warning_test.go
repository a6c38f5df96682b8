package as

import (
	"strings"
	"testing"

	"github.com/gomscp/gomscp/internal/testutil"
	"github.com/gomscp/gomscp/sipua"
)

// TestWarnings has a caller learn why his offer is refused: by us, and by a media
// server, of which he learns nothing else.
func TestWarnings(t *testing.T) {
	w, ms := newWire(t), newFakeMS(t)
	ms.change(func(ms *fakeMS) {
		ms.onStore = func(in *sipua.IncomingCall) {
			_ = in.Reject(488, "", sipua.WarningHeader(305, ms.ua.Addr(), `no "type" at `+ms.ua.Addr()), sipua.WarningHeader(399, "ms", "b"))
		}
	})
	s := startAS(t, nil, ms)
	w.Send(s.Addr(), w.inviteWith("audio", "Content-Type: application/sdp\r\n", strings.Replace(testOffer, "m=message", "m=audio", 1)))
	res := w.final()
	w.Send(s.Addr(), w.ack(res))
	if want := "304 " + s.Addr() + ` "no m=message`; !strings.HasPrefix(res, "SIP/2.0 488") || !strings.HasPrefix(testutil.Field(res, "Warning"), want) {
		t.Errorf("without a message m-line: %s", res)
	}
	w.Send(s.Addr(), w.invite("type", "<sip:alice@example.com>", ""))
	res = w.final()
	w.Send(s.Addr(), w.ack(res))
	if want := "305 " + s.Addr() + ` "no \"type\" at `; !strings.HasPrefix(res, "SIP/2.0 488") || !strings.HasPrefix(testutil.Field(res, "Warning"), want) ||
		!strings.Contains(res, "399 "+s.Addr()+` "b"`) || strings.Contains(res, ms.ua.Addr()) {
		t.Errorf("refused by the media server: %s", res)
	}
}
