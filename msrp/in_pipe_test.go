package msrp

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
)

// TestWriteTo sends bodies of many sizes to handlers that copy them.
func TestWriteTo(t *testing.T) {
	sums := make(chan []byte, 1)
	p := newPair(t, withHandler(func(_ context.Context, m *Incoming) error {
		var b bytes.Buffer
		n, err := io.Copy(&b, m)
		if n != int64(b.Len()) {
			t.Errorf("Copy gave %d of %d bytes", n, b.Len())
		}
		sums <- b.Bytes()
		return err
	}))
	for _, n := range []int{0, 1, 1024, pipeMin, pipeMin + 1, DefaultPipeSize, DefaultPipeSize + 1, 3_000_000} {
		body := noise(n)
		if _, err := p.a.Send(testCtx(t), binaryMessage(body)); err != nil {
			t.Fatal(err)
		}
		if got := next(t, sums); !bytes.Equal(got, body) {
			t.Errorf("%d bytes: got %d others", n, len(got))
		}
	}
}

// writes hands what is written to the test, and waits for its leave.
type writes struct {
	got   chan string
	leave chan int // how many bytes to take; fewer than there are is an error
}

var errFull = errors.New("full")

func (w writes) Write(p []byte) (int, error) {
	w.got <- string(p)
	if n := <-w.leave; n < len(p) {
		return n, errFull
	}
	return len(p), nil
}

// TestWriteToBlocked has the writer wait: meanwhile the connection is read on,
// and what comes is held, up to the size of the pipe.
func TestWriteToBlocked(t *testing.T) {
	w := writes{make(chan string), make(chan int)}
	in := make(chan *Incoming, 1)
	done := make(chan error, 1)
	r := newRaw(t, Config{PipeSize: 4096}, SessionConfig{Handler: func(_ context.Context, m *Incoming) error {
		in <- m
		_, err := io.Copy(w, m)
		done <- err
		return err
	}})
	first := r.send("+", "m", "1-3/*", str("abc"))
	if got := next(t, w.got); got != "abc" {
		t.Fatalf("got %q", got)
	}
	second := r.send("+", "m", "4-6/*", str("def"))
	r.want(r.send("$", "alive", "", nil), 200) // both chunks have been read, and neither is answered
	rest := strings.Repeat("x", 5000)
	last := r.send("$", "m", "7-5006/5006", &rest)
	m := next(t, in)
	for !m.c.blocked.Load() {
		runtime.Gosched()
	}
	m.mu.Lock()
	if n := m.pipe.size(); n != 4096 {
		t.Errorf("%d bytes are held, want 4096", n)
	}
	m.mu.Unlock()
	got := "abc"
	for w.leave <- 4096; len(got) < 5006; w.leave <- 4096 {
		got += next(t, w.got)
	}
	if err := next(t, done); err != nil || got != "abcdef"+rest {
		t.Fatalf("%d bytes, %v", len(got), err)
	}
	r.want(first, 200)
	r.want(second, 200)
	r.want(last, 200)
}

// TestWriteToFails has the writer fail in the middle: the rest is still there,
// with what came meanwhile.
func TestWriteToFails(t *testing.T) {
	w := writes{make(chan string), make(chan int)}
	rest := make(chan string, 1)
	r := newRaw(t, Config{}, SessionConfig{Handler: func(_ context.Context, m *Incoming) error {
		if n, err := m.WriteTo(w); n != 2 || err != errFull {
			return fmt.Errorf("%d, %v", n, err)
		}
		b, err := io.ReadAll(m)
		rest <- string(b)
		return err
	}})
	first := r.send("+", "m", "1-5/*", str("abcde"))
	next(t, w.got)
	last := r.send("$", "m", "6-8/8", str("fgh"))
	r.want(r.send("$", "alive", "", nil), 200)
	w.leave <- 2
	if got := next(t, rest); got != "cdefgh" {
		t.Errorf("got %q", got)
	}
	r.want(first, 200)
	r.want(last, 200)
}

// TestWriteToAborted: what the sender gives up is no whole message.
func TestWriteToAborted(t *testing.T) {
	w := writes{make(chan string), make(chan int)}
	done := make(chan error, 1)
	r := newRaw(t, Config{}, SessionConfig{Handler: func(_ context.Context, m *Incoming) error {
		_, err := io.Copy(w, m)
		done <- err
		return err
	}})
	r.send("+", "m", "1-5/*", str("abcde"))
	next(t, w.got)
	r.send("#", "m", "6-*/*", nil)
	w.leave <- 5
	if err := next(t, done); !errors.Is(err, ErrAborted) {
		t.Fatalf("got %v", err)
	}
}
