package sipua

import (
	"reflect"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"
)

// TestThirdPartyRegister takes what a registrar says of its users.
func TestThirdPartyRegister(t *testing.T) {
	got := make(chan ThirdPartyRegister, 1)
	ua := newUA(t, Handlers{Methods: []string{"REGISTER"}, Other: func(req *sip.Request, tx sip.ServerTransaction) {
		r, err := ParseThirdPartyRegister(req)
		if err != nil {
			_ = tx.Respond(sip.NewResponseFromRequest(req, 400, "Bad Request", nil))
			return
		}
		got <- r
		_ = tx.Respond(sip.NewResponseFromRequest(req, 200, "OK", nil))
	}})
	d := &rawDialog{rawPeer: newRawPeer(t), ua: ua.Addr(), callID: "third", from: "<sip:registrar@example.com>;tag=p", to: "<sip:Bob@EXAMPLE.com:5060>"}
	for _, tc := range []struct {
		more    string
		expires time.Duration
	}{
		{"Expires: 600000\r\n", 600_000 * time.Second}, {"Expires: 0\r\n", 0}, {"", time.Hour}, {"Expires: soon\r\n", time.Hour},
	} {
		if res := d.do("REGISTER", tc.more+"Content-Type: message/sip\r\n", "REGISTER"); status(res) != "200" {
			t.Fatalf("got\n%s", res)
		}
		want := ThirdPartyRegister{AOR: "sip:Bob@example.com", From: "sip:registrar@example.com", Expires: tc.expires, Contact: "sip:peer@" + d.Addr(), Body: []byte("REGISTER"), ContentType: "message/sip"}
		if r := <-got; !reflect.DeepEqual(r, want) {
			t.Errorf("%q: got %+v", tc.more, r)
		}
	}
	d.to = "<http://example.com>"
	if res := d.do("REGISTER", "", ""); status(res) != "400" {
		t.Errorf("got\n%s", res)
	}
}
