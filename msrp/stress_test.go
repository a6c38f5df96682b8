package msrp

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gomscp/gomscp/msrp/msrptest"
)

// Handlers of both sides send while others arrive; nobody waits for ever.
func TestEchoUnderLoad(t *testing.T) {
	done := make(chan []byte, 64)
	p := newPair(t, func(a, b *Config, sa, sb *SessionConfig) {
		a.ChunkSize, b.ChunkSize = 3000, 5000
		sa.Handler = func(_ context.Context, m *Incoming) error {
			b, err := io.ReadAll(m)
			done <- b
			return err
		}
		sb.Handler = func(ctx context.Context, m *Incoming) error {
			b, err := io.ReadAll(m)
			if err != nil {
				return err
			}
			_, err = m.Session.Send(ctx, binaryMessage(b))
			return err
		}
	})
	const n = 200
	var wg sync.WaitGroup
	for w := range 16 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			rnd := rand.New(rand.NewSource(int64(w)))
			for range n / 16 {
				if _, err := p.a.Send(testCtx(t), binaryMessage(noise(1+rnd.Intn(20000)))); err != nil {
					t.Error(err)
					return
				}
			}
		}()
	}
	for range n / 16 * 16 {
		if b := next(t, done); !bytes.Equal(b, noise(len(b))) {
			t.Fatal("body differs")
		}
	}
	wg.Wait()
}

// A foreign peer that waits for nothing floods an echo. All of it is echoed if
// there may be handlers enough; if not, the answers that the handlers wait for
// are behind the flood, and some of it is refused, but the session goes on.
func TestFloodedEcho(t *testing.T) {
	for _, test := range []struct {
		name string
		cfg  Config
	}{
		{"enough", Config{MaxHandlers: 500}},
		{"too few", Config{MaxHandlers: 10, MaxOpenMessages: 5, HandlerTimeout: time.Millisecond}},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := newRaw(t, test.cfg, SessionConfig{Handler: func(ctx context.Context, m *Incoming) error {
				b, err := io.ReadAll(m)
				if err != nil {
					return err
				}
				_, err = m.Session.Send(ctx, binaryMessage(b))
				return err
			}})
			const n = 500
			go func() {
				var b strings.Builder
				for i := range n {
					fmt.Fprintf(&b, "MSRP tid%05d SEND\r\nTo-Path: %s\r\nFrom-Path: %s\r\nMessage-ID: m%d\r\nContent-Type: a/b\r\n\r\nx\r\n-------tid%05d$\r\n",
						i, r.s.Local(), r.me, i, i)
				}
				r.Conn.Write([]byte(b.String()))
			}()
			taken, refused, echoed := 0, 0, 0
			for taken+refused < n || echoed < taken {
				f := r.Next()
				switch {
				case f.Method == "SEND":
					echoed++
					r.Answer(f, 200, "OK")
				case f.Code == 200:
					taken++
				case f.Code == 413, f.Code == 408, f.Code == 403: // too many, or too late
					refused++
				default:
					t.Fatalf("got %+v", f)
				}
			}
			if test.name == "enough" && refused > 0 {
				t.Fatalf("%d refused", refused)
			}
		})
	}
}

// Whatever is going on, Close ends it and leaves no goroutine behind.
func TestCloseLeavesNothing(t *testing.T) {
	before := runtime.NumGoroutine()
	for i := range 10 {
		l := testListener(t, Config{})
		var sessions []*Session
		var wg sync.WaitGroup
		for j := range 5 {
			local := testURI(t, "msrp://127.0.0.1:9/"+newID(20)+";tcp")
			b, err := l.Accept(SessionConfig{Local: l.NewURI(""), Remote: Path{local},
				Handler: func(ctx context.Context, m *Incoming) error {
					if j%2 == 0 {
						<-ctx.Done()
						return ctx.Err()
					}
					_, err := io.Copy(io.Discard, m)
					return err
				}})
			if err != nil {
				t.Fatal(err)
			}
			a, err := Dial(testCtx(t), Config{Logger: quiet}, SessionConfig{Local: local, Remote: Path{b.Local()}})
			if err != nil {
				t.Fatal(err)
			}
			sessions = append(sessions, a)
			for range 3 {
				wg.Add(1)
				go func() {
					defer wg.Done()
					r, err := a.Send(context.Background(), Message{ContentType: "a/b", Size: -1, SuccessReport: true,
						Body: io.LimitReader(zeros{}, int64(rand.Intn(1<<20)))})
					if err == nil {
						r.Wait(context.Background())
					}
				}()
			}
		}
		time.Sleep(time.Duration(i) * time.Millisecond)
		if i%2 == 0 {
			l.Close()
		}
		for _, s := range sessions {
			s.Close()
		}
		l.Close()
		wg.Wait()
	}
	deadline := time.Now().Add(5 * time.Second)
	for runtime.NumGoroutine() > before && time.Now().Before(deadline) {
		time.Sleep(10 * time.Millisecond)
	}
	if n := runtime.NumGoroutine(); n > before {
		buf := make([]byte, 1<<16)
		t.Fatalf("%d goroutines, were %d\n%s", n, before, buf[:runtime.Stack(buf, true)])
	}
}

// Bytes changed at random on a conversation end in answers or a closed
// connection, and never in a message that its handler takes for whole and is
// not what was sent with a changed body.
func TestMutatedConversation(t *testing.T) {
	rnd := rand.New(rand.NewSource(1))
	for range 150 {
		h, ch := collect(16)
		r := newRaw(t, Config{StallTimeout: 50 * time.Millisecond}, SessionConfig{Handler: h})
		var b strings.Builder
		for i := range 5 {
			fmt.Fprintf(&b, "MSRP tid%05d SEND\r\nTo-Path: %s\r\nFrom-Path: %s\r\nMessage-ID: m%d\r\nByte-Range: 1-20/20\r\nContent-Type: a/b\r\n\r\n01234567890123456789\r\n-------tid%05d$\r\n",
				i, r.s.Local(), r.me, i, i)
		}
		wire := []byte(b.String())
		for range 1 + rnd.Intn(4) {
			switch i := rnd.Intn(len(wire)); rnd.Intn(3) {
			case 0:
				wire[i] = byte(rnd.Intn(256))
			case 1:
				wire = append(wire[:i], wire[i+1:]...)
			case 2:
				wire = append(wire[:i], append([]byte{wire[rnd.Intn(len(wire))]}, wire[i:]...)...)
			}
		}
		r.Conn.Write(wire)
		r.Conn.(interface{ CloseWrite() error }).CloseWrite()
		io.Copy(io.Discard, r.Conn)
		r.l.Close()
		close(ch)
		for g := range ch {
			if g.err == nil && (len(g.body) < 16 || len(g.body) > 24) { // four changes at most
				t.Fatalf("%d bytes taken for whole: %q", len(g.body), wire)
			}
		}
	}
}

// Thousands of sessions on one port, some of them on one connection.
func TestThousandsOfSessions(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a second")
	}
	l := testListener(t, Config{})
	handler := func(_ context.Context, m *Incoming) error { _, err := io.Copy(io.Discard, m); return err }
	const conns, perConn = 50, 40
	var wg sync.WaitGroup
	for range conns {
		wg.Add(1)
		go func() {
			defer wg.Done()
			p := msrptest.Dial(t, l.Addr().String())
			for i := range perConn {
				from := "msrp://127.0.0.1:9/" + newID(20) + ";tcp"
				s, err := l.Accept(SessionConfig{Local: l.NewURI(""), Remote: Path{testURI(t, from)}, Handler: handler})
				if err != nil {
					t.Error(err)
					return
				}
				tid := fmt.Sprintf("tid%d", i)
				p.Send("MSRP "+tid+" SEND", "To-Path: "+s.Local().String(), "From-Path: "+from, "Message-ID: m", "Content-Type: a/b", "", "x", "-------"+tid+"$")
				if f := p.Next(); f.Code != 200 || f.TID != tid {
					t.Errorf("got %+v", f)
				}
			}
		}()
	}
	wg.Wait()
	l.mu.Lock()
	n := len(l.sessions)
	l.mu.Unlock()
	if n != conns*perConn {
		t.Fatalf("%d sessions", n)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	if err := l.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("got %v", err)
	}
}
