package screen

import "testing"

// FuzzSkip holds that a stream with large messages yields the same in whatever pieces
// it comes.
func FuzzSkip(f *testing.F) {
	f.Add([]byte("OPTIONS sip:x SIP/2.0\r\nContent-Length: 70000\r\n\r\n"), uint16(7))
	f.Add([]byte("X: y\r\nl: 3\r\n\r\nabc"), uint16(1))
	f.Add([]byte("\r\n\r\n"), uint16(2))
	f.Fuzz(func(t *testing.T, raw []byte, piece uint16) {
		run := func(n int) (rest string, head string, ended bool) {
			k := skipper{}
			k.begin([]byte("BYE sip:x SIP/2.0\r\nVia: y\r\n"))
			for at := 0; at < len(raw); at += n {
				b, end := k.over(raw[at:min(len(raw), at+n)])
				if end {
					return string(b) + string(raw[min(len(raw), at+n):]), string(k.head), true
				}
				if len(b) > 0 || len(k.line) > maxNameLine {
					t.Fatal("bytes of headers that have not ended were handed on, or kept")
				}
			}
			return "", string(k.head), false
		}
		rest, head, ended := run(max(1, len(raw)))
		if r, h, e := run(int(piece)%100 + 1); r != rest || h != head || e != ended {
			t.Fatalf("%q, %q, %v against %q, %q, %v", r, h, e, rest, head, ended)
		}
	})
}
