package ms

import (
	"errors"
	"strings"
	"testing"

	"github.com/gomscp/gomscp/msrp"
	"github.com/gomscp/gomscp/sipua"
)

// sipsimpleOffer is the offer of a chat client, as it was on the wire.
const sipsimpleOffer = "v=0\r\no=- 4004743784 4004743784 IN IP4 127.0.0.1\r\ns=sipsimple 5.5.0\r\nt=0 0\r\n" +
	"m=message 2855 TCP/MSRP *\r\nc=IN IP4 127.0.0.1\r\na=path:msrp://192.0.2.2:2855/815f4bb034a9e540a582;tcp\r\n" +
	"a=accept-types:message/cpim text/* image/* application/im-iscomposing+xml\r\n" +
	"a=accept-wrapped-types:text/* image/* application/im-iscomposing+xml\r\na=setup:active\r\n"

// attribute is the value of the only attribute of that name in an SDP.
func attribute(t *testing.T, sdp, name string) string {
	t.Helper()
	_, rest, ok := strings.Cut(sdp, "\r\na="+name+":")
	value, rest, _ := strings.Cut(rest, "\r\n")
	if !ok || strings.Contains(rest, "a="+name+":") {
		t.Fatalf("no a=%s, or two, in %s", name, sdp)
	}
	return value
}

// wantTypesNamed checks that a description names types that a chat client knows,
// each as a word that it has in its own list, and takes all others too.
func wantTypesNamed(t *testing.T, sdp string) {
	t.Helper()
	types, wrapped := attribute(t, sdp, "accept-types"), attribute(t, sdp, "accept-wrapped-types")
	if want := "message/cpim text/* image/* application/im-iscomposing+xml message/imdn+xml *"; types != want {
		t.Errorf("accept-types is %q, want %q", types, want)
	}
	if want := "text/* image/* application/im-iscomposing+xml message/imdn+xml *"; wrapped != want {
		t.Errorf("accept-wrapped-types is %q, want %q", wrapped, want)
	}
}

// TestOffersAndAnswersNameTypes is about clients that look for a type that they
// know, and take "*" for none.
func TestOffersAndAnswersNameTypes(t *testing.T) {
	a := newFakeAS(t, nil)
	store := a.invite([]byte(sipsimpleOffer))
	wantTypesNamed(t, string(store.RemoteBody()))
	if err := store.Ack(a.ctx(), nil, ""); err != nil {
		t.Fatal(err)
	}
	again, err := store.Reinvite(a.ctx(), []byte(strings.Replace(sipsimpleOffer, " 4004743784 IN", " 4004743785 IN", 1)), sdpType)
	if err != nil {
		t.Fatal(err)
	}
	wantTypesNamed(t, string(again))

	push := a.invite(nil)
	wantTypesNamed(t, string(push.RemoteBody()))
	if n := len(push.RemoteBody()); n > 600 {
		t.Errorf("the offer has %d bytes", n)
	}
	if err := push.Ack(a.ctx(), nil, ""); err != nil {
		t.Fatal(err)
	}
}

// TestDirectionOfTheFirstAnswer offers with a direction, at both levels, as a client
// does that sends a file. See RFC 3264, section 6.1.
func TestDirectionOfTheFirstAnswer(t *testing.T) {
	a := newFakeAS(t, nil)
	const session, media = "v=0\r\no=- 1 1 IN IP4 192.0.2.7\r\ns=Blink\r\nt=0 0\r\n",
		"m=message 2855 TCP/MSRP *\r\nc=IN IP4 192.0.2.7\r\na=path:msrp://192.0.2.7:2855/da0f;tcp\r\na=accept-types:*\r\na=setup:active\r\n"
	for offered, want := range map[string]string{"sendonly": "recvonly", "recvonly": "sendonly", "inactive": "inactive", "sendrecv": ""} {
		for level, offer := range map[string]string{
			"media":   session + media + "a=" + offered + "\r\n",
			"session": session + "a=" + offered + "\r\n" + media,
		} {
			call := a.invite([]byte(offer))
			if err := call.Ack(a.ctx(), nil, ""); err != nil {
				t.Fatal(err)
			}
			m, err := msrp.ParseSDP(call.RemoteBody())
			if err != nil {
				t.Fatal(err)
			}
			if got := string(m.Direction); got != want && !(want == "" && got == "sendrecv") {
				t.Errorf("%s at %s level: answered %q, want %q", offered, level, got, want)
			}
			if err := call.Bye(a.ctx()); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestRefusedOffer tells the caller, and the log, why an offer is refused.
func TestRefusedOffer(t *testing.T) {
	a := newFakeAS(t, nil)
	const head, media = "v=0\r\no=- 1 1 IN IP4 192.0.2.7\r\ns=-\r\nc=IN IP4 192.0.2.7\r\nt=0 0\r\n",
		"m=message 9 TCP/MSRP *\r\na=accept-types:*\r\na=path:msrp://192.0.2.7:9/s1;tcp\r\na=setup:active\r\n"
	for name, tc := range map[string]struct{ offer, code, text string }{
		"no port":             {head + "m=message x TCP/MSRP *\r\n", "307", "line 6: m=: port"},
		"no path":             {head + "m=message 9 TCP/MSRP *\r\na=accept-types:*\r\n", "307", "path"},
		"a path that is none": {head + strings.Replace(media, "msrp://", "http://", 1), "307", "path"},
		"audio":               {head + "m=audio 9 RTP/AVP 0\r\n", "304", "neither"},
		"port 0":              {head + strings.Replace(media, "message 9", "message 0", 1), "304", "neither"},
		"no SDP":              {"hello", "307", "line 1"},
	} {
		_, err := a.ua.Invite(a.ctx(), sipua.InviteRequest{
			URI: "sip:ms@" + a.ms.Addr(), From: a.ua.Contact(), To: "sip:ms@" + a.ms.Addr(), Body: []byte(tc.offer), ContentType: sdpType,
		})
		var status *sipua.StatusError
		if !errors.As(err, &status) || status.Code != 488 {
			t.Errorf("%s: %v", name, err)
			continue
		}
		warning := status.Header("Warning")
		if !strings.HasPrefix(warning, tc.code+" ms \"") || !strings.Contains(warning, tc.text) {
			t.Errorf("%s: Warning is %s", name, warning)
		}
	}
}
