package msrp

import (
	"bytes"
	"context"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// scriptConn is a connection whose peer has said all it has to say, and whose
// answers are kept.
type scriptConn struct {
	r      io.Reader
	mu     sync.Mutex
	out    bytes.Buffer
	closed chan struct{}
	once   sync.Once
}

func (c *scriptConn) Read(p []byte) (int, error) { return c.r.Read(p) }

func (c *scriptConn) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	select {
	case <-c.closed:
		return 0, os.ErrClosed
	default:
	}
	return c.out.Write(p)
}

func (c *scriptConn) Close() error                     { c.once.Do(func() { close(c.closed) }); return nil }
func (*scriptConn) LocalAddr() net.Addr                { return &net.TCPAddr{} }
func (*scriptConn) RemoteAddr() net.Addr               { return &net.TCPAddr{} }
func (*scriptConn) SetDeadline(time.Time) error        { return nil }
func (*scriptConn) SetReadDeadline(time.Time) error    { return nil }
func (*scriptConn) SetWriteDeadline(t time.Time) error { return nil }

// FuzzConversation plays any bytes to a session. Whatever they are, what we
// write parses, no message is longer than may be, and all ends, the handlers too.
func FuzzConversation(f *testing.F) {
	const us, them = "msrp://127.0.0.1:1/us;tcp", "msrp://127.0.0.1:2/them;tcp"
	const maxSize = 1000
	head := func(tid string) string {
		return "MSRP " + tid + " SEND\r\nTo-Path: " + us + "\r\nFrom-Path: " + them + "\r\n"
	}
	f.Add([]byte(head("aaaa") + "Message-ID: 1\r\nByte-Range: 1-0/0\r\n-------aaaa$\r\n" +
		head("bbbb") + "Message-ID: 2\r\nByte-Range: 1-*/8\r\nSuccess-Report: yes\r\nContent-Type: a/b\r\n\r\nabcd\r\n-------bbbb+\r\n" +
		head("cccc") + "Message-ID: 2\r\nByte-Range: 5-8/8\r\nContent-Type: a/b\r\n\r\nefgh\r\n-------cccc$\r\n"))
	f.Add([]byte(head("aaaa") + "Message-ID: 2\r\nByte-Range: 5-8/*\r\nContent-Type: a/b\r\n\r\nefgh\r\n-------aaaa$\r\n" +
		head("bbbb") + "Message-ID: 2\r\nByte-Range: 3-6/*\r\nContent-Type: a/b\r\n\r\ncdef\r\n-------bbbb+\r\n" +
		head("cccc") + "Message-ID: 2\r\nByte-Range: 1-2/*\r\nContent-Type: a/b\r\n\r\nab\r\n-------cccc+\r\n"))
	f.Add([]byte(head("aaaa") + "Message-ID: 2\r\nFailure-Report: no\r\nContent-Type: a/b\r\n\r\nab\r\n-------aaaa+\r\n" +
		head("bbbb") + "Message-ID: 2\r\nByte-Range: 3-*/*\r\n-------bbbb#\r\nMSRP dddd 200 OK\r\nTo-Path: " + us +
		"\r\nFrom-Path: " + them + "\r\n-------dddd$\r\nMSRP eeee FOO\r\nTo-Path: " + us + "\r\nFrom-Path: " + them + "\r\n-------eeee$\r\n"))
	// More bytes than the total says, which range.go takes.
	f.Add([]byte(head("aaaa") + "Message-ID: 1\r\nByte-Range: 1-0/0\r\nContent-Type: a/b\r\n\r\n0000\r\n-------aaaa$\r\n"))
	f.Fuzz(func(t *testing.T, wire []byte) {
		cfg, err := Config{Logger: quiet, PipeSize: 16, MaxOpenMessages: 3, MaxHandlers: 4}.withDefaults()
		if err != nil {
			t.Fatal(err)
		}
		handler := func(_ context.Context, m *Incoming) error {
			b, err := io.ReadAll(m)
			if len(b) > maxSize {
				t.Errorf("%d bytes are more than %d", len(b), maxSize)
			}
			return err
		}
		remote, _ := ParsePath(them)
		s, err := newSession(cfg, SessionConfig{Local: testURI(t, us), Remote: remote, Handler: handler, MaxSize: maxSize}, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		sc := &scriptConn{r: bytes.NewReader(wire), closed: make(chan struct{})}
		c := newConn(sc, cfg, nil)
		s.bindAndOpen(c)
		c.startReader()
		select {
		case <-s.Done():
		case <-time.After(10 * time.Second):
			t.Fatal("does not end")
		}
		s.Close()
		c.loops.Wait()
		s.handlers.Wait()
		if s.hasHandlers() {
			t.Error("a handler is still counted")
		}
		all, err := readFrames(strings.NewReader(sc.out.String()))
		if err != io.EOF && err != io.ErrUnexpectedEOF { // the last may be cut by the end
			t.Fatalf("wrote %q: %v", sc.out.String(), err)
		}
		for _, p := range all {
			if p.f.bad != "" || p.f.pathErr != nil {
				t.Fatalf("wrote %v: %v, %v", p, p.f.bad, p.f.pathErr)
			}
		}
	})
}
