package msrptest

import (
	"fmt"
	"io"
	"net"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
)

// recorder is a test whose failures are looked at.
type recorder struct {
	testing.TB
	failed string
}

func (r *recorder) Helper() {}

func (r *recorder) Fatal(args ...any) {
	r.failed = fmt.Sprint(args...)
	runtime.Goexit()
}

func (r *recorder) Fatalf(format string, args ...any) { r.Fatal(fmt.Sprintf(format, args...)) }

// failure runs a script that may fail, and gives what it says then.
func failure(t *testing.T, nc net.Conn, script func(p *Peer)) string {
	t.Helper()
	r := &recorder{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		script(New(r, nc))
	}()
	<-done
	return r.failed
}

// ends gives both roles: a has connected, z was connected to.
func ends(t *testing.T) (a, z *Peer) {
	t.Helper()
	l := Listen(t)
	if want := fmt.Sprintf("msrp://127.0.0.1:%d/x;tcp", l.Port()); l.URI("x") != want {
		t.Fatalf("URI is %q, want %q", l.URI("x"), want)
	}
	a = Dial(t, fmt.Sprintf("127.0.0.1:%d", l.Port()))
	return a, l.Accept()
}

func TestBothRoles(t *testing.T) {
	a, z := ends(t)
	for _, p := range []struct{ from, to *Peer }{{a, z}, {z, a}} {
		p.from.Send("MSRP a786hjs2 SEND", "To-Path: msrp://b:2/y;tcp msrp://c:3/z;tcp", "From-Path: msrp://a:1/x;tcp msrp://o:1/o;tcp",
			"Content-Type: text/plain", "", "Hi", "-------a786hjs2$")
		f := p.to.Next()
		if f.TID != "a786hjs2" || f.Method != "SEND" || f.Code != 0 || string(f.Body) != "Hi" || f.Flag != '$' ||
			f.Get("content-TYPE") != "text/plain" || f.Get("None") != "" || len(f.Header) != 3 {
			t.Fatalf("got %+v", f)
		}
		p.to.Answer(f, 200, "OK")
		f = p.from.Next()
		if f.TID != "a786hjs2" || f.Method != "" || f.Code != 200 || f.Comment != "OK" || f.Body != nil ||
			f.Get("To-Path") != "msrp://a:1/x;tcp" || f.Get("From-Path") != "msrp://b:2/y;tcp" {
			t.Fatalf("got %+v", f)
		}
	}
}

// TestFrames takes frames apart, whole and byte by byte.
func TestFrames(t *testing.T) {
	for name, test := range map[string]struct {
		wire string
		want Frame
	}{
		"no headers":      {"MSRP t1 REPORT\r\n-------t1$\r\n", Frame{TID: "t1", Method: "REPORT", Flag: '$'}},
		"no comment":      {"MSRP t1 481\r\n-------t1$\r\n", Frame{TID: "t1", Code: 481, Flag: '$'}},
		"a long comment":  {"MSRP t1 200 all is well\r\n-------t1$\r\n", Frame{TID: "t1", Code: 200, Comment: "all is well", Flag: '$'}},
		"more":            {"MSRP t1 SEND\r\n\r\nx\r\n-------t1+\r\n", Frame{TID: "t1", Method: "SEND", Body: []byte("x"), Flag: '+'}},
		"aborted":         {"MSRP t1 SEND\r\n-------t1#\r\n", Frame{TID: "t1", Method: "SEND", Flag: '#'}},
		"empty body":      {"MSRP t1 SEND\r\n\r\n\r\n-------t1$\r\n", Frame{TID: "t1", Method: "SEND", Body: []byte{}, Flag: '$'}},
		"lines in a body": {"MSRP t1 SEND\r\n\r\na\nb\r\n\r\n-------t2$\r\n\r\n-------t1$\r\n", Frame{TID: "t1", Method: "SEND", Body: []byte("a\nb\r\n\r\n-------t2$\r\n"), Flag: '$'}},
		"foreign flag":    {"MSRP t1 SEND\r\n\r\n-------t1!\r\n-------t1$\r\n", Frame{TID: "t1", Method: "SEND", Body: []byte("-------t1!"), Flag: '$'}},
	} {
		for _, size := range []int{1, 7, len(test.wire)} {
			t.Run(fmt.Sprintf("%s/%d", name, size), func(t *testing.T) {
				a, z := ends(t)
				go func() {
					for w := test.wire; w != ""; {
						n := min(size, len(w))
						io.WriteString(a.Conn, w[:n])
						w = w[n:]
					}
				}()
				if f := z.Next(); !reflect.DeepEqual(*f, test.want) {
					t.Errorf("got %+v, want %+v", *f, test.want)
				}
			})
		}
	}
}

// TestNextFails has things come that are no frame.
func TestNextFails(t *testing.T) {
	for name, wire := range map[string]string{
		"not MSRP":          "SIP/2.0 200 OK\r\n",
		"no method":         "MSRP t1\r\n",
		"line without CR":   "MSRP t1 SEND\n",
		"ends in a head":    "MSRP t1 SEND\r\nTo-Path: x\r\n",
		"ends in a body":    "MSRP t1 SEND\r\n\r\nbody\r\n",
		"ends with nothing": "",
	} {
		t.Run(name, func(t *testing.T) {
			a, z := ends(t)
			a.Write(wire)
			a.Conn.Close()
			if why := failure(t, z.Conn, func(p *Peer) { p.Next() }); !strings.HasPrefix(why, "reading a frame: ") {
				t.Errorf("failed with %q", why)
			}
		})
	}
}

// TestWriteAsIs: what is illegal goes out untouched.
func TestWriteAsIs(t *testing.T) {
	a, z := ends(t)
	const wire = "MSRP \x00\r\r\n\n-------$\xff\xfe"
	a.Write(wire)
	got := make([]byte, len(wire))
	if _, err := io.ReadFull(z.Conn, got); err != nil || string(got) != wire {
		t.Fatalf("got %q, %v", got, err)
	}
}

func TestQuietAndClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // nothing really waits
		nc, other := net.Pipe()
		p := New(t, nc)
		p.Quiet(Timeout)
		if why := failure(t, nc, func(p *Peer) { p.Closed() }); !strings.Contains(why, "instead of the end") {
			t.Errorf("Closed on an open connection: %q", why)
		}
		if why := failure(t, nc, func(p *Peer) { p.Next() }); !strings.Contains(why, "timeout") {
			t.Errorf("Next without a frame: %q", why)
		}
		if why := failure(t, nc, func(p *Peer) { p.Write("x") }); !strings.Contains(why, "timeout") {
			t.Errorf("Write that nobody reads: %q", why)
		}
		go io.WriteString(other, "x")
		if why := failure(t, nc, func(p *Peer) { p.Quiet(Timeout) }); !strings.Contains(why, "instead of nothing") {
			t.Errorf("Quiet when something comes: %q", why)
		}
		other.Close()
		p.Closed()
	})
}
