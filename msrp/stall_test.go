package msrp

import (
	"context"
	"errors"
	"io"
	"net"
	"testing"
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
