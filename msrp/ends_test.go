package msrp

import (
	"errors"
	"net"
	"testing"
)

// TestHowConnectionsEnd tells a peer that closes in good order from one that
// breaks off, and both from what is done at this side.
func TestHowConnectionsEnd(t *testing.T) {
	for name, end := range map[string]func(r *raw){
		"good order":     func(r *raw) { r.Conn.Close() },
		"in a head":      func(r *raw) { r.Write("MSRP abcd SEND\r\nTo-"); r.Conn.Close() },
		"in a body":      func(r *raw) { r.Write(r.head("abcd") + "\r\n\r\nhalf"); r.Conn.Close() },
		"reset":          func(r *raw) { r.Conn.(*net.TCPConn).SetLinger(0); r.Conn.Close() },
		"garbage":        func(r *raw) { r.Write("garbage\r\n") },
		"closed by us":   func(r *raw) { r.s.Close() },
		"listener ended": func(r *raw) { r.l.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			r := newRaw(t, Config{}, SessionConfig{})
			r.want(r.send("$", "bind", "", nil), 200)
			end(r)
			<-r.s.Done()
			err := r.s.Err()
			var syntax *SyntaxError
			got := [4]bool{errors.Is(err, ErrPeerClosed), errors.Is(err, ErrConnectionLost), errors.Is(err, ErrClosed), errors.As(err, &syntax)}
			want := [4]bool{false, true, false, name == "garbage"}
			switch name {
			case "good order":
				want[0] = true
			case "closed by us", "listener ended":
				want = [4]bool{false, false, true, false}
			}
			if got != want {
				t.Errorf("%v: got %v, want %v", err, got, want)
			}
		})
	}
}
