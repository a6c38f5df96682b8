package msrp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// slow is a session whose handlers read their message, tell that, and return when
// they are let.
type slow struct {
	*raw
	read, over chan error
	goOn       chan error
}

func newSlow(t *testing.T, cfg Config) *slow {
	s := &slow{read: make(chan error, 100), over: make(chan error, 100), goOn: make(chan error, 100)}
	ended := make(chan struct{})
	defer t.Cleanup(func() { close(ended) })
	s.raw = newRaw(t, cfg, SessionConfig{Handler: func(ctx context.Context, m *Incoming) error {
		_, err := io.Copy(io.Discard, m)
		s.read <- err
		if err == nil {
			select {
			case err = <-s.goOn:
			case <-ended:
			}
		}
		s.over <- ctx.Err()
		return err
	}})
	return s
}

func (s *slow) finish(ctx context.Context) <-chan error {
	done := make(chan error, 1)
	go func() { done <- s.s.Finish(ctx) }()
	return done
}

// What is whole when the dialog ends is answered as its handler says, though that
// takes its time; what is not whole, and what comes then, is refused with 481.
func TestFinishAnswersWhatHasArrived(t *testing.T) {
	r := newSlow(t, Config{})
	kept, refused := r.send("$", "kept", "1-5/5", str("hello")), r.send("$", "refused", "1-5/5", str("hello"))
	next(t, r.read)
	next(t, r.read)
	first := r.send("+", "half", "1-5/10", str("hello"))
	r.want(first, 200) // its handler has read it
	done := r.finish(t.Context())
	if err := next(t, r.read); !errors.Is(err, ErrAborted) || !errors.Is(err, ErrClosed) {
		t.Errorf("the handler of half a message has %v", err)
	}
	next(t, r.over)
	r.want(r.send("$", "half", "6-10/10", str("world")), 481)
	r.want(r.send("$", "new", "1-5/5", str("hello")), 481)
	r.want(r.send("$", "empty", "1-0/0", nil), 481)
	select {
	case err := <-done:
		t.Fatalf("Finish returned while handlers run: %v", err)
	default:
	}
	r.goOn <- nil
	if err := next(t, r.over); err != nil {
		t.Errorf("a handler's context ended: %v", err)
	}
	f := r.Next()
	if f.Code != 200 || f.TID != kept && f.TID != refused {
		t.Fatalf("got %+v", f)
	}
	r.goOn <- status(StatusForbidden, "")
	if f := r.Next(); f.Code != 403 || f.TID != kept && f.TID != refused {
		t.Fatalf("got %+v", f)
	}
	if err := next(t, done); err != nil {
		t.Error(err)
	}
	r.Closed()
	<-r.s.Done()
}

// What has arrived is read first, also behind a handler that is slow to read, and over
// TLS.
func TestFinishReadsWhatHasArrived(t *testing.T) {
	r := newSlow(t, Config{MaxHandlers: 2, MaxOpenMessages: 1})
	var frames strings.Builder
	const n = 20
	for i := range n { // all in one write; most wait behind the first two
		fmt.Fprintf(&frames, "MSRP tid%05d SEND\r\nTo-Path: %s\r\nFrom-Path: %s\r\nMessage-ID: m%d\r\nByte-Range: 1-5/5\r\nContent-Type: text/plain\r\n\r\nhello\r\n-------tid%05d$\r\n",
			i, r.s.Local(), r.me, i, i)
	}
	r.Write(frames.String())
	next(t, r.read)
	done := r.finish(t.Context())
	for range n {
		r.goOn <- nil
	}
	answers := map[int]int{}
	for range n {
		answers[r.Next().Code]++
	}
	if answers[200] != n {
		t.Errorf("answers: %v", answers)
	}
	if err := next(t, done); err != nil {
		t.Error(err)
	}
}

// A peer that goes on sending does not keep the session open.
func TestFinishUnderFlood(t *testing.T) {
	r := newSlow(t, Config{})
	close(r.goOn)
	r.want(r.send("$", "bind", "1-0/0", nil), 200)
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for i := 0; ; i++ {
			tid := fmt.Sprintf("flood%05d", i)
			_, err := fmt.Fprintf(r.Conn, "MSRP %s SEND\r\nTo-Path: %s\r\nFrom-Path: %s\r\nMessage-ID: %s\r\nByte-Range: 1-5/5\r\nContent-Type: text/plain\r\n\r\nhello\r\n-------%s$\r\n",
				tid, r.s.Local(), r.me, tid, tid)
			select {
			case <-stop:
				return
			default:
			}
			if err != nil {
				return
			}
		}
	}()
	go io.Copy(io.Discard, r.Conn)
	go func() {
		for range r.read {
		}
	}()
	go func() {
		for range r.over {
		}
	}()
	began := time.Now()
	if err := next(t, r.finish(t.Context())); err != nil || time.Since(began) > catchUpLimit+5*time.Second {
		t.Errorf("%v after %s", err, time.Since(began))
	}
	close(stop)
	r.Conn.Close()
	<-stopped
}

// The end of the connection ends no handler, before Finish or while it waits; with its
// context Finish ends them.
func TestFinishAndConnectionLost(t *testing.T) {
	for name, end := range map[string]func(r *slow){
		"close": func(r *slow) { r.Conn.Close() },
		"half":  func(r *slow) { r.Conn.(*net.TCPConn).CloseWrite() },
		"reset": func(r *slow) { r.Conn.(*net.TCPConn).SetLinger(0); r.Conn.Close() },
	} {
		for _, before := range []bool{true, false} {
			t.Run(fmt.Sprint(name, before), func(t *testing.T) {
				r := newSlow(t, Config{})
				tid := r.send("$", "m", "1-5/5", str("hello"))
				next(t, r.read)
				var done <-chan error
				if before {
					end(r)
					<-r.s.Done()
					done = r.finish(t.Context())
				} else {
					done = r.finish(t.Context())
					end(r)
					<-r.s.Done()
				}
				select {
				case err := <-done:
					t.Fatalf("Finish returned while a handler runs: %v", err)
				case <-time.After(20 * time.Millisecond): // it must not happen, so there is no event
				}
				r.goOn <- nil
				if err := next(t, r.over); err != nil {
					t.Errorf("the handler's context ended: %v", err)
				}
				if name == "half" {
					r.want(tid, 200)
				}
				if err := next(t, done); err != nil {
					t.Error(err)
				}
			})
		}
	}
	r := newSlow(t, Config{})
	r.send("$", "m", "1-5/5", str("hello"))
	next(t, r.read)
	ctx, cancel := context.WithCancel(t.Context())
	done := r.finish(ctx)
	cancel()
	<-r.s.Done()
	r.goOn <- nil
	if err := next(t, done); !errors.Is(err, context.Canceled) {
		t.Errorf("Finish: %v", err)
	}
}

// Responses to what we have sent are waited for, but not for long.
func TestFinishWaitsForResponses(t *testing.T) {
	for _, answered := range []bool{true, false} {
		t.Run(fmt.Sprint(answered), func(t *testing.T) {
			t.Parallel()
			r := newSlow(t, Config{})
			r.want(r.send("$", "bind", "1-0/0", nil), 200)
			sent := make(chan error, 1)
			go func() {
				_, err := r.s.Send(t.Context(), Message{ContentType: "text/plain", Body: strings.NewReader("hello"), Size: 5})
				sent <- err
			}()
			f := r.Next()
			began := time.Now()
			done := r.finish(t.Context())
			if answered {
				r.Answer(f, 200, "OK")
			}
			if err := next(t, sent); answered && err != nil || !answered && !errors.Is(err, ErrClosed) {
				t.Errorf("Send: %v", err)
			}
			if err := next(t, done); err != nil {
				t.Error(err)
			}
			if took := time.Since(began); answered && took > lastResponses/2 || took > 2*lastResponses {
				t.Errorf("Finish took %s", took)
			}
			if _, err := r.s.Send(t.Context(), Message{}); !errors.Is(err, ErrClosed) {
				t.Errorf("Send after Finish: %v", err)
			}
		})
	}
}
