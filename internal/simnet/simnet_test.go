package simnet

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// connected returns both ends of a connection.
func connected(t *testing.T, a, b *Host) (net.Conn, net.Conn) {
	t.Helper()
	l, err := b.Listen("tcp", b.String()+":0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := a.DialContext(t.Context(), "tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	d, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	return c, d
}

// TestConnections has the ends of a connection see what those of TCP do.
func TestConnections(t *testing.T) {
	for name, run := range map[string]func(t *testing.T, n *Net, a, b *Host, c, d net.Conn){
		"more than the buffer": func(t *testing.T, _ *Net, _, _ *Host, c, d net.Conn) {
			sent := bytes.Repeat([]byte("x"), 3*bufferSize+1)
			go func() {
				c.Write(sent)
				c.Close()
			}()
			got, err := io.ReadAll(d)
			if err != nil || !bytes.Equal(got, sent) {
				t.Errorf("%d of %d bytes: %v", len(got), len(sent), err)
			}
			if _, err := d.Write([]byte("x")); !errors.Is(err, syscall.EPIPE) {
				t.Errorf("write to a closed end: %v", err)
			}
		},
		"half close": func(t *testing.T, _ *Net, _, _ *Host, c, d net.Conn) {
			c.(*conn).CloseWrite()
			if _, err := d.Read(make([]byte, 1)); err != io.EOF {
				t.Error(err)
			}
			d.Write([]byte("x"))
			if n, err := c.Read(make([]byte, 2)); n != 1 || err != nil {
				t.Error(n, err)
			}
		},
		"deadlines": func(t *testing.T, _ *Net, _, _ *Host, c, _ net.Conn) {
			began := time.Now()
			c.SetReadDeadline(began.Add(time.Minute))
			if _, err := c.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(began) != time.Minute {
				t.Error(err, time.Since(began))
			}
			c.SetWriteDeadline(time.Now().Add(time.Minute))
			if n, err := c.Write(make([]byte, 2*bufferSize)); n != bufferSize || !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(began) != 2*time.Minute {
				t.Error(n, err, time.Since(began))
			}
		},
		"delay": func(t *testing.T, n *Net, _, _ *Host, c, d net.Conn) {
			began := time.Now()
			n.SetDelay(time.Second)
			c.Write([]byte("x"))
			n.SetDelay(0)
			c.Write([]byte("y")) // does not overtake it
			for _, want := range []string{"x", "y"} {
				b := make([]byte, 1)
				if d.Read(b); string(b) != want || time.Since(began) != time.Second {
					t.Error(string(b), time.Since(began))
				}
			}
		},
		"stall": func(t *testing.T, _ *Net, _, b *Host, c, d net.Conn) {
			began := time.Now()
			b.Stall(true)
			c.Write([]byte("x"))
			time.AfterFunc(time.Hour, func() { b.Stall(false) })
			if n, err := d.Read(make([]byte, 1)); n != 1 || err != nil || time.Since(began) != time.Hour {
				t.Error(n, err, time.Since(began))
			}
		},
		"reset": func(t *testing.T, _ *Net, a, _ *Host, c, d net.Conn) {
			d.Write([]byte("lost"))
			a.Reset(nil)
			for _, end := range []net.Conn{c, d} {
				if _, err := end.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
					t.Error(err)
				}
			}
		},
		"kill": func(t *testing.T, n *Net, a, b *Host, c, d net.Conn) {
			time.AfterFunc(time.Second, b.Kill)
			if _, err := c.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
				t.Error(err)
			}
			if _, err := b.DialContext(t.Context(), "tcp", a.String()+":1"); !errors.Is(err, syscall.ENETDOWN) {
				t.Error(err)
			}
			if _, err := a.DialContext(t.Context(), "tcp", b.String()+":1"); !errors.Is(err, syscall.ECONNREFUSED) {
				t.Error(err)
			}
		},
		"close while reading": func(t *testing.T, _ *Net, a, b *Host, c, d net.Conn) {
			time.AfterFunc(time.Second, func() { c.Close() })
			if _, err := c.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
				t.Error(err)
			}
			d.Close()
			if a.Connections()+b.Connections() != 0 {
				t.Error("connections are left")
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := New()
				a, b := n.Host("10.0.0.1"), n.Host("10.0.0.2")
				c, d := connected(t, a, b)
				run(t, n, a, b, c, d)
			})
		})
	}
}

// TestDatagrams sends some, of which one is lost.
func TestDatagrams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := New()
		a, _ := n.Host("10.0.0.1").ListenPacket("udp", "10.0.0.1:5060")
		b, _ := n.Host("10.0.0.2").ListenPacket("udp", "10.0.0.2:0")
		lost := false
		n.SetLoss(func() bool { lost = !lost; return lost })
		for _, s := range []string{"x", "y"} {
			b.WriteTo([]byte(s), a.LocalAddr())
		}
		buf := make([]byte, 10)
		got, from, err := a.ReadFrom(buf)
		if string(buf[:got]) != "y" || from.String() != b.LocalAddr().String() || err != nil {
			t.Error(string(buf[:got]), from, err)
		}
		time.AfterFunc(time.Second, func() { a.Close() })
		if _, _, err := a.ReadFrom(buf); !errors.Is(err, net.ErrClosed) {
			t.Error(err)
		}
	})
}

// TestListeners has one wait until its deadline, and a dial wait for a stalled host.
func TestListeners(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := New()
		a, b := n.Host("10.0.0.1"), n.Host("10.0.0.2")
		l, err := b.Listen("tcp", "10.0.0.2:5060")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := b.Listen("tcp", "10.0.0.2:5060"); !errors.Is(err, syscall.EADDRINUSE) {
			t.Error(err)
		}
		l.(*listener).SetDeadline(time.Now().Add(time.Second))
		if _, err := l.Accept(); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Error(err)
		}
		b.Stall(true)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := a.DialContext(ctx, "tcp", "10.0.0.2:5060"); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Error(err)
		}
		time.AfterFunc(time.Second, func() { b.Stall(false) })
		c, err := a.DialContext(t.Context(), "tcp", "10.0.0.2:5060")
		if err != nil {
			t.Fatal(err)
		}
		l.Close() // resets what nobody has accepted
		if _, err := c.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
			t.Error(err)
		}
	})
}
