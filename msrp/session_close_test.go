package msrp

import (
	"context"
	"errors"
	"io"
	"net"
	"testing"
	"time"
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

func TestConnectionLost(t *testing.T) {
	h, ch := collect(1)
	p := newPair(t, withHandler(h))
	r := &halfReader{noise(70000), make(chan error, 1)}
	sent := make(chan error, 1)
	go func() {
		_, err := p.a.Send(testCtx(t), Message{ContentType: "a/b", Body: r, Size: -1})
		sent <- err
	}()
	time.Sleep(10 * time.Millisecond)
	p.a.conn().nc.Close()
	r.fail <- io.EOF
	if err := next(t, sent); !errors.Is(err, ErrConnectionLost) {
		t.Fatalf("got %v", err)
	}
	for _, s := range []*Session{p.a, p.b} { // at the side where it broke, and at the other
		select {
		case <-s.Done():
		case <-testCtx(t).Done():
			t.Fatal("the session lives on")
		}
		if !errors.Is(s.Err(), ErrConnectionLost) {
			t.Fatalf("got %v", s.Err())
		}
	}
	select {
	case g := <-ch:
		if !errors.Is(g.err, ErrAborted) || !errors.Is(g.err, ErrConnectionLost) {
			t.Fatalf("handler got %v", g.err)
		}
	case <-time.After(100 * time.Millisecond): // nothing had arrived
	}
}

func TestSessionShutdown(t *testing.T) {
	release := make(chan bool)
	started := make(chan bool, 1)
	p := newPair(t, withHandler(func(_ context.Context, m *Incoming) error {
		io.Copy(io.Discard, m)
		started <- true
		<-release
		return nil
	}))
	sent := make(chan error, 1)
	go func() {
		_, err := p.a.Send(testCtx(t), textMessage("x"))
		sent <- err
	}()
	<-started
	down := make(chan error, 1)
	go func() { down <- p.b.Shutdown(testCtx(t)) }()
	select {
	case <-down:
		t.Fatal("did not wait for the handler")
	case <-time.After(20 * time.Millisecond):
	}
	close(release)
	if err := next(t, down); err != nil {
		t.Fatal(err)
	}
	if err := next(t, sent); err != nil {
		t.Fatal(err)
	}
	if err := p.l.Shutdown(testCtx(t)); err != nil {
		t.Fatal(err)
	}
	<-p.a.Done()
}

func TestCloseIsIdempotent(t *testing.T) {
	p := newPair(t)
	for range 2 {
		p.a.Close()
		p.b.Close()
		p.l.Close()
	}
	if _, err := p.a.Send(testCtx(t), textMessage("x")); !errors.Is(err, ErrClosed) {
		t.Fatalf("got %v", err)
	}
	if _, err := p.l.Accept(SessionConfig{Local: p.b.Local(), Remote: p.b.Remote()}); !errors.Is(err, ErrClosed) {
		t.Fatalf("got %v", err)
	}
}
