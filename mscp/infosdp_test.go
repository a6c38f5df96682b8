package mscp

import "testing"

func TestInfoSDP(t *testing.T) {
	for _, host := range []string{"127.0.0.1", "::1", "as.example.com"} {
		b, err := InfoSDP(host)
		if err != nil || !IsInfoSDP(b) {
			t.Errorf("%s: %v\n%s", host, err, b)
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
