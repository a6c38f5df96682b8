package msrp

import (
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

func TestRawStallBetweenChunks(t *testing.T) {
	h, ch := collect(1)
	r := newRaw(t, Config{StallTimeout: 50 * time.Millisecond}, SessionConfig{Handler: h})
	r.want(r.send("+", "m", "1-3/9", str("abc")), 200)
	if g := next(t, ch); !errors.Is(g.err, ErrAborted) || !errors.Is(g.err, ErrStalled) {
		t.Fatalf("got %v", g.err)
	}
	r.want(r.send("$", "m", "4-9/9", str("defghi")), 413)
	r.want(r.send("$", "ping", "", nil), 200)
}

func TestRawStallWithGap(t *testing.T) {
	h, ch := collect(1)
	r := newRaw(t, Config{StallTimeout: 50 * time.Millisecond}, SessionConfig{Handler: h})
	tid := r.send("$", "m", "4-6/6", str("def"))
	if g := next(t, ch); !errors.Is(g.err, ErrStalled) {
		t.Fatalf("got %v", g.err)
	}
	r.want(tid, 413)
}

func TestRawStallInChunk(t *testing.T) {
	h, ch := collect(1)
	r := newRaw(t, Config{StallTimeout: 50 * time.Millisecond}, SessionConfig{Handler: h})
	r.Write("MSRP abcd SEND\r\nTo-Path: " + r.s.Local().String() + "\r\nFrom-Path: " + r.me +
		"\r\nMessage-ID: m\r\nContent-Type: a/b\r\n\r\nhalf")
	if g := next(t, ch); !errors.Is(g.err, ErrAborted) {
		t.Fatalf("got %v", g.err)
	}
	r.Closed()
}

func TestRawStallInHead(t *testing.T) {
	r := newRaw(t, Config{StallTimeout: 50 * time.Millisecond}, SessionConfig{})
	r.Write("MSRP abcd SE")
	r.Closed()
}

func TestRawUnbound(t *testing.T) {
	r := newRaw(t, Config{UnboundTimeout: 50 * time.Millisecond}, SessionConfig{})
	r.Closed()
	bound := newRaw(t, Config{UnboundTimeout: 50 * time.Millisecond}, SessionConfig{})
	bound.want(bound.send("$", "bind", "1-0/0", nil), 200)
	bound.Quiet(100 * time.Millisecond)
}

// A peer that ends its side behind its message still gets the answer.
func TestRawHalfClose(t *testing.T) {
	ended := make(chan bool)
	r := newRaw(t, Config{}, SessionConfig{Handler: func(_ context.Context, m *Incoming) error {
		if _, err := io.Copy(io.Discard, m); err != nil {
			return err
		}
		<-ended
		return nil
	}})
	tid := r.send("$", "m", "1-5/5", str("hello"), "Success-Report: yes")
	r.Conn.(*net.TCPConn).CloseWrite()
	<-r.s.Done()
	close(ended)
	r.want(tid, 200)
	if f := r.Next(); f.Method != "REPORT" {
		t.Fatalf("got %+v", f)
	}
	r.Closed()
}

// slowPieces is a connection whose bytes come in pieces, each after a while. It
// notes the time that the reader gives to each.
type slowPieces struct {
	net.Conn
	pieces []string
	after  time.Duration
	given  []time.Duration
	until  time.Time
}

func (s *slowPieces) SetReadDeadline(t time.Time) error { s.until = t; return nil }

func (s *slowPieces) Read(p []byte) (int, error) {
	given := time.Duration(0) // as long as it takes
	if !s.until.IsZero() {
		given = time.Until(s.until)
	}
	s.given = append(s.given, given)
	if len(s.pieces) == 0 {
		return 0, io.EOF
	}
	time.Sleep(s.after)
	n := copy(p, s.pieces[0])
	s.pieces = s.pieces[1:]
	return n, nil
}

// The start of a head often comes with the end of the one before. Its time
// begins when it does, not with that of an earlier head.
func TestEachHeadHasItsOwnTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const limit, after = 60 * time.Second, 50 * time.Second
		answer := "MSRP t1 200 OK\r\nTo-Path: msrp://a.test:1/a;tcp\r\nFrom-Path: msrp://b.test:2/b;tcp\r\n-------t1$\r\n"
		half := len(answer) / 2
		near, far := net.Pipe()
		defer far.Close()
		s := &slowPieces{Conn: near, after: after, pieces: []string{
			answer[:half],
			answer[half:] + answer[:half],
			answer[half:] + answer + answer[:half],
			answer[half:],
		}}
		cfg, err := Config{StallTimeout: limit}.withDefaults()
		if err != nil {
			t.Fatal(err)
		}
		c := newConn(s, cfg, nil)
		if err := c.readFrames(); err != io.EOF {
			t.Fatal(err)
		}
		if want := []time.Duration{0, limit, limit, limit, 0}; !slices.Equal(s.given, want) {
			t.Fatalf("reads were given %v, want %v", s.given, want)
		}
		c.close(io.EOF)
	})
}
