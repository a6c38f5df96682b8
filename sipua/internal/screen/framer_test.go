package screen

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// frames reads a stream in pieces of n bytes, and returns what comes of it in short.
func frames(stream string, n int) (all []string) {
	f := Framer{MaxHead: 400, MaxBody: 100, MaxSkipped: 2_000}
	for at := 0; at < len(stream); at += n {
		f.Add([]byte(stream[at:min(len(stream), at+n)]))
		for {
			frame, err := f.Next()
			if err != nil {
				return append(all, err.Error())
			}
			if frame == nil {
				break
			}
			all = append(all, fmt.Sprintf("%d %s", frame.Code, field(string(frame.Raw), "Call-ID")))
		}
	}
	if !f.Between() {
		all = append(all, "more")
	}
	return all
}

// TestFramer has messages of each size in one stream, in pieces of each length. A body
// that is skipped may look like keep-alives.
func TestFramer(t *testing.T) {
	message := func(id, more string, body int) string {
		return fmt.Sprintf("INFO sip:x SIP/2.0\r\nCall-ID: %s\r\n%sContent-Length: %d\r\n\r\n", id, more, body) + strings.Repeat("\r\n", body/2)
	}
	long := "X: " + strings.Repeat("x", 500) + "\r\n"
	for _, tc := range []struct {
		stream string
		want   []string
	}{
		{message("a", "", 0) + "\r\n\r\n" + message("b", "", 100), []string{"0 a", "0 b"}},
		{message("a", "", 102) + message("b", "", 0), []string{"413 a", "0 b"}},
		{message("a", long, 4) + message("b", "", 0), []string{"513 a", "0 b"}},
		{message("a", long, 200) + message("b", "", 0), []string{"513 a", "0 b"}},
		{message("a", "", 2_002), []string{"413 a", "message too long: a body of more than 2000 bytes"}},
		{"INFO sip:x SIP/2.0\r\nX: " + strings.Repeat("x", 2_000), []string{"message too long: headers of more than 2000 bytes"}},
		{message("a", "", 0) + "GET / HTTP/1.1\r\n", []string{"0 a", "the data is not SIP"}},
		{message("a", "", 0) + "INFO sip:x", []string{"0 a", "more"}},
	} {
		for n := 1; n <= len(tc.stream); n += 1 + n/7 {
			if got := frames(tc.stream, n); !slices.Equal(got, tc.want) {
				t.Fatalf("in pieces of %d: %q, want %q, of\n%.200s", n, got, tc.want, tc.stream)
			}
		}
	}
}

func TestMessageSize(t *testing.T) {
	const message = "BYE sip:x SIP/2.0\r\nl : 3\r\nVia: y\r\n\r\nabc"
	for i := range len(message) {
		if n := messageSize([]byte(message[:i])); n != 0 {
			t.Errorf("%d bytes of %d are taken for a message of %d", i, len(message), n)
		}
	}
	if n := messageSize([]byte(message + "BYE")); n != len(message) {
		t.Errorf("a message of %d bytes is taken for %d", len(message), n)
	}
	if n := messageSize([]byte("BYE x SIP/2.0\r\n\r\n")); n != 17 {
		t.Errorf("a message without Content-Length is taken for %d bytes", n)
	}
	for _, length := range []string{"-5", "five", "1\r\nl: 1", "99999999999"} { // refused by screen
		head := "BYE x SIP/2.0\r\nContent-Length: " + length + "\r\n\r\n"
		if n := messageSize([]byte(head + "xxxxxxx")); n != len(head) {
			t.Errorf("with a length of %q, the message is taken for %d bytes", length, n)
		}
	}
}

func FuzzMessageSize(f *testing.F) {
	f.Add([]byte("BYE sip:x SIP/2.0\r\nContent-Length: 3\r\n\r\nabc"))
	f.Add([]byte("\r\n\r\nl:9999999999999999999\r\n\r\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if n := messageSize(b); n < 0 || n > len(b) {
			t.Errorf("%d of %d bytes", n, len(b))
		}
	})
}
