package msrp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gomscp/gomscp/msrp/msrptest"
)

// sendsWaiting starts n Sends of a session that is not bound and waits until
// they have begun.
func sendsWaiting(t *testing.T, s *Session, n int) {
	t.Helper()
	for range n {
		go s.Send(testCtx(t), textMessage("waits"))
	}
	awaitSends(t, s, n)
}

// awaitSends waits until n Sends of the session have begun.
func awaitSends(t *testing.T, s *Session, n int) {
	t.Helper()
	for {
		s.mu.Lock()
		begun, changed := s.sends, s.waitForChange()
		s.mu.Unlock()
		if begun == n {
			return
		}
		select {
		case <-changed:
		case <-time.After(time.Millisecond): // nothing tells of a Send that begins
		}
	}
}

// The peer that connects learns that its first request was taken before it gets
// the messages that waited for it. Some take the reverse for an error.
func TestAnswerToTheBindingRequestComesFirst(t *testing.T) {
	for name, form := range map[string]string{
		"1-0/0":                 "Message-ID: bind\r\nByte-Range: 1-0/0\r\n",
		"no Byte-Range":         "Message-ID: bind\r\n",
		"blank line, no body":   "Message-ID: bind\r\nByte-Range: 1-0/0\r\nContent-Type: empty/empty\r\n\r\n",
		"a message":             "Message-ID: bind\r\nByte-Range: 1-5/5\r\nContent-Type: text/plain\r\n\r\nhello\r\n",
		"a message in chunks":   "Message-ID: bind\r\nByte-Range: 1-5/9\r\nContent-Type: text/plain\r\n\r\nhello\r\n",
		"without a Message-ID":  "Byte-Range: 1-0/0\r\n",
		"a type not taken":      "Message-ID: bind\r\nByte-Range: 1-1/1\r\nContent-Type: image/png\r\n\r\nx\r\n",
		"a body without a type": "Message-ID: bind\r\nByte-Range: 1-1/1\r\n\r\nx\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			for range 10 {
				h := func(_ context.Context, m *Incoming) error {
					_, err := io.Copy(io.Discard, m)
					return err
				}
				r := newRaw(t, Config{}, SessionConfig{Handler: h, AcceptTypes: []string{"text/*"}})
				sendsWaiting(t, r.s, 8)
				flag := "$"
				if name == "a message in chunks" {
					flag = "+"
				}
				r.Write("MSRP bind1234 SEND\r\nTo-Path: " + r.s.Local().String() + "\r\nFrom-Path: " + r.me + "\r\n" + form +
					"-------bind1234" + flag + "\r\n")
				f := r.Next()
				if f.TID != "bind1234" || f.Code == 0 {
					t.Fatalf("got %s %s before the answer", f.TID, f.Method)
				}
				for range 8 {
					if f := r.Next(); f.Method != "SEND" {
						t.Fatalf("got %+v", f)
					}
				}
				r.Conn.Close()
				r.l.Close()
			}
		})
	}
}

// An answer is still the first thing written when the handler of the message
// that binds takes its time.
func TestSendsWaitForTheHandlerOfTheBindingMessage(t *testing.T) {
	read, release := make(chan struct{}), make(chan struct{})
	r := newRaw(t, Config{}, SessionConfig{Handler: func(_ context.Context, m *Incoming) error {
		io.Copy(io.Discard, m)
		close(read)
		<-release
		return nil
	}})
	sendsWaiting(t, r.s, 1)
	let := sync.OnceFunc(func() { close(release) })
	defer let()
	tid := r.send("$", "first", "1-1/1", str("x"))
	next(t, read)
	r.want(r.send("$", "second", "1-0/0", nil), 200) // which binds nothing
	let()
	r.want(tid, 200)
	if f := r.Next(); f.Method != "SEND" {
		t.Fatalf("got %+v", f)
	}
}

// The handler of the message that binds may send on its session before it has
// given its own answer: it does not wait for itself.
func TestHandlerOfTheBindingMessageSends(t *testing.T) {
	for _, own := range []bool{true, false} {
		t.Run(fmt.Sprintf("with its context %v", own), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cfg, err := Config{Logger: quiet}.withDefaults()
				if err != nil {
					t.Fatal(err)
				}
				near, far := net.Pipe()
				local, remote := testURI(t, "msrp://127.0.0.1:9/us;tcp"), testURI(t, "msrp://127.0.0.1:9/peer;tcp")
				l := newListener(cfg, nil)
				s, err := l.Accept(SessionConfig{Local: local, Remote: Path{remote}, Handler: func(ctx context.Context, m *Incoming) error {
					body, _ := io.ReadAll(m)
					if !own {
						ctx = context.Background()
					}
					_, err := m.Session.Send(ctx, textMessage("echo "+string(body)))
					return err
				}})
				if err != nil {
					t.Fatal(err)
				}
				l.serveConn(near)
				p := msrptest.New(t, far)
				p.Send("MSRP bind1234 SEND", "To-Path: "+local.String(), "From-Path: "+remote.String(), "Message-ID: a",
					"Byte-Range: 1-2/2", "Content-Type: text/plain", "", "hi", "-------bind1234$")
				f := p.Next()
				if f.Method != "SEND" || string(f.Body) != "echo hi" {
					t.Fatalf("got %+v", f)
				}
				p.Answer(f, 200, "OK")
				if f := p.Next(); f.TID != "bind1234" || f.Code != 200 {
					t.Fatalf("got %+v", f)
				}
				s.Close()
				far.Close()
				close(l.closed)
			})
		})
	}
}

func TestNoSession(t *testing.T) {
	l := testListener(t, Config{})
	_, err := Dial(testCtx(t), Config{Logger: quiet}, SessionConfig{
		Local: testURI(t, "msrp://127.0.0.1:9/me;tcp"), Remote: Path{l.NewURI("")}})
	var se *StatusError
	if !errors.As(err, &se) || se.Code != 481 {
		t.Fatalf("got %v", err)
	}
}

func TestBoundElsewhere(t *testing.T) {
	p := newPair(t)
	_, err := Dial(testCtx(t), Config{Logger: quiet}, SessionConfig{Local: p.a.Local(), Remote: p.a.Remote()})
	var se *StatusError
	if !errors.As(err, &se) || se.Code != 506 {
		t.Fatalf("got %v", err)
	}
}

func TestManySessionsOnOnePort(t *testing.T) {
	l := testListener(t, Config{})
	var wg sync.WaitGroup
	for range 50 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			h, ch := collect(1)
			local := testURI(t, "msrp://127.0.0.1:9/"+newID(20)+";tcp")
			b, err := l.Accept(SessionConfig{Local: l.NewURI(""), Remote: Path{local}, Handler: h})
			if err != nil {
				t.Error(err)
				return
			}
			a, err := Dial(testCtx(t), Config{Logger: quiet}, SessionConfig{Local: local, Remote: Path{b.Local()}})
			if err != nil {
				t.Error(err)
				return
			}
			defer a.Close()
			if _, err := a.Send(testCtx(t), textMessage(a.Local().SessionID)); err != nil {
				t.Error(err)
			}
			if g := <-ch; string(g.body) != a.Local().SessionID {
				t.Error("wrong session")
			}
		}()
	}
	wg.Wait()
}
