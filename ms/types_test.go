package ms

import (
	"strings"
	"testing"
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
