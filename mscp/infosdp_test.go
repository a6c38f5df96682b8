package mscp

import (
	"strings"
	"testing"
)

func TestInfoSDP(t *testing.T) {
	for host, family := range map[string]string{"127.0.0.1": "IP4", "::ffff:127.0.0.1": "IP4", "::1": "IP6", "as.example.com": "IP4"} {
		b, err := InfoSDP(host)
		if err != nil || !IsInfoSDP(b) {
			t.Errorf("%s: %v\n%s", host, err, b)
		}
		if want := " 1 IN " + family + " " + host + "\r\ns=MSCP\r\nc=IN " + family + " " + host + "\r\n"; !strings.Contains(string(b), want) {
			t.Errorf("no %q in\n%s", want, b)
		}
		if strings.Contains(string(b), "o=- 0 ") {
			t.Errorf("the session has no id of its own (RFC 4566, section 5.2):\n%s", b)
		}
		if _, err := ParseSDP(b); err == nil {
			t.Errorf("%s: it has an m-line", host)
		}
	}
	for _, host := range []string{"", "a b", "a\r\nm=x"} {
		if b, err := InfoSDP(host); err == nil {
			t.Errorf("%q was written as\n%s", host, b)
		}
	}
	offer, err := NewOffer("127.0.0.1").Marshal()
	if err != nil {
		t.Fatal(err)
	}
	for _, body := range []string{"", "v=0\r\n", "x", string(offer)} {
		if IsInfoSDP([]byte(body)) {
			t.Errorf("%q was taken", body)
		}
	}
}
