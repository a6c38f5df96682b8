package msrp

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gomscp/gomscp/msrp/msrptest"
)

// raw is a scripted peer that talks to an accepted session.
type raw struct {
	*msrptest.Peer
	t    *testing.T
	s    *Session
	l    *Listener
	n    int
	me   string
	logs *logBuffer
}

type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) lines() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.b.String(), "\n")
}

func newRaw(t *testing.T, cfg Config, sc SessionConfig) *raw {
	t.Helper()
	r := &raw{t: t, me: "msrp://127.0.0.1:9/peer;tcp", logs: &logBuffer{}}
	cfg.Logger = slog.New(slog.NewTextHandler(r.logs, nil))
	r.l = testListener(t, cfg)
	sc.Local = r.l.NewURI("")
	sc.Remote = Path{testURI(t, r.me)}
	var err error
	if r.s, err = r.l.Accept(sc); err != nil {
		t.Fatal(err)
	}
	r.Peer = msrptest.Dial(t, r.l.Addr().String())
	return r
}

// send writes a SEND; body is left out if it is nil.
func (r *raw) send(flag string, id, rng string, body *string, headers ...string) string {
	r.t.Helper()
	r.n++
	tid := fmt.Sprintf("tid%05d", r.n)
	lines := []string{"MSRP " + tid + " SEND", "To-Path: " + r.s.Local().String(), "From-Path: " + r.me}
	if id != "" {
		lines = append(lines, "Message-ID: "+id)
	}
	if rng != "" {
		lines = append(lines, "Byte-Range: "+rng)
	}
	lines = append(lines, headers...)
	if body != nil {
		lines = append(lines, "Content-Type: text/plain", "", *body)
	}
	r.Send(append(lines, "-------"+tid+flag)...)
	return tid
}

// want reads a response.
func (r *raw) want(tid string, code int) {
	r.t.Helper()
	f := r.Next()
	if f.TID != tid || f.Code != code {
		r.t.Fatalf("got %s %s %d %s, want %s %d", f.TID, f.Method, f.Code, f.Comment, tid, code)
	}
	if f.Get("To-Path") != r.me || f.Get("From-Path") != r.s.Local().String() {
		r.t.Fatalf("paths %q", f.Header)
	}
}

func str(s string) *string { return &s }

func TestRawWhole(t *testing.T) {
	h, ch := collect(9)
	r := newRaw(t, Config{}, SessionConfig{Handler: h})
	r.want(r.send("$", "bind", "1-0/0", nil), 200)
	r.want(r.send("$", "m1", "", str("no range")), 200)
	if g := next(t, ch); string(g.body) != "no range" || g.m.Size != -1 {
		t.Fatalf("got %+v %q", g.m, g.body)
	}
	r.want(r.send("$", "m2", "1-*/4", str("star"), "X-Ext: kept", "Content-Disposition: inline"), 200)
	if g := next(t, ch); string(g.body) != "star" || g.m.Header.Get("x-ext") != "kept" || len(g.m.Header) != 2 {
		t.Fatalf("got %+v %q", g.m, g.body)
	}
	r.want(r.send("$", "ping", "", nil, "Keep-Alive: yes"), 200)
	r.want(r.send("$", "e", "1-0/0", str("")), 200)
	tid := r.send("$", "m3", "1-3/3", str("abc"), "Success-Report: yes")
	r.want(tid, 200)
	f := r.Next()
	if f.Method != "REPORT" || f.Get("Message-ID") != "m3" || f.Get("Byte-Range") != "1-3/3" ||
		f.Get("Status") != "000 200 OK" || f.Get("To-Path") != r.me {
		t.Fatalf("got %+v", f)
	}
	r.Answer(f, 200, "Report received") // some do; it is ignored
	r.want(r.send("$", "ping2", "", nil), 200)
	if n := r.logs.lines(); n != 0 {
		t.Fatalf("%d lines were logged", n)
	}
}

func TestRawChunkOrders(t *testing.T) {
	const text = "abcdefghijklmnopqrstuvwxyz"
	type c struct {
		from, to int
		flag     string
	}
	for name, chunks := range map[string][]c{
		"in order":        {{1, 10, "+"}, {11, 20, "+"}, {21, 26, "$"}},
		"last first":      {{21, 26, "$"}, {11, 20, "+"}, {1, 10, "+"}},
		"middle last":     {{1, 10, "+"}, {21, 26, "$"}, {11, 20, "+"}},
		"overlaps":        {{1, 10, "+"}, {5, 15, "+"}, {3, 12, "+"}, {14, 26, "$"}},
		"repeated":        {{1, 10, "+"}, {1, 10, "+"}, {11, 26, "$"}},
		"overlaps ahead":  {{5, 10, "+"}, {8, 20, "+"}, {3, 22, "+"}, {19, 26, "$"}, {1, 2, "+"}},
		"empty last":      {{1, 26, "+"}, {27, 26, "$"}},
		"single bytes":    {{2, 2, "+"}, {4, 4, "+"}, {3, 3, "+"}, {5, 26, "$"}, {1, 1, "+"}},
		"range goes over": {{1, 20, "+"}, {10, 26, "$"}},
	} {
		for _, total := range []string{"26", "*"} {
			t.Run(name+"/"+total, func(t *testing.T) {
				h, ch := collect(1)
				r := newRaw(t, Config{}, SessionConfig{Handler: h})
				open := map[string]bool{}
				for _, k := range chunks {
					body := text[k.from-1 : k.to]
					var p *string
					if body != "" {
						p = &body
					}
					open[r.send(k.flag, "msg1", fmt.Sprintf("%d-%d/%s", k.from, k.to, total), p)] = true
				}
				for range chunks {
					f := r.Next()
					if f.Code != 200 || !open[f.TID] {
						t.Fatalf("got %+v", f)
					}
					delete(open, f.TID)
				}
				if g := next(t, ch); g.err != nil || string(g.body) != text {
					t.Fatalf("got %q, %v", g.body, g.err)
				}
			})
		}
	}
}

func TestRawBadRequests(t *testing.T) {
	h, ch := collect(20)
	r := newRaw(t, Config{}, SessionConfig{Handler: h})
	r.want(r.send("$", "m", "5-1/3", str("abc")), 400)
	r.want(r.send("$", "m", "1-3/2", str("abc")), 400)
	r.want(r.send("$", "m", "x", str("abc")), 400)
	r.want(r.send("$", "m", "1-2/2", str("abc")), 400)
	next(t, ch) // it had begun
	r.want(r.send("$", "m", "1-6/6", str("abc")), 400)
	next(t, ch)
	r.want(r.send("$", "m", "1-*/6", str("abc")), 400)
	next(t, ch)
	r.want(r.send("$", "m", "1-5/5", nil), 400)
	r.want(r.send("$", "m", "4-3/3", nil), 400)
	r.want(r.send("$", "", "1-3/3", str("abc")), 400)
	r.want(r.send("$", "two words", "1-3/3", str("abc")), 400)
	r.want(r.send("$", "m", "1-3/3", str("abc"), "Failure-Report: perhaps"), 400)

	r.want(r.send("+", "shrinks", "1-3/9", str("abc")), 200)
	r.want(r.send("+", "shrinks", "4-6/8", str("def")), 400)
	if g := next(t, ch); !errors.Is(g.err, ErrAborted) {
		t.Fatalf("got %v", g.err)
	}
	r.want(r.send("$", "shrinks", "7-8/8", str("gh")), 400) // remembered
	r.want(r.send("+", "grows", "1-3/*", str("abc")), 200)
	r.want(r.send("+", "grows", "4-*/4", str("defgh")), 400)
	next(t, ch)

	// Claims cost nothing.
	r.want(r.send("$", "huge", "1-*/4000000000000000000", str("abc")), 400)
	next(t, ch)
	r.want(r.send("$", "ahead", "4000000000000000-*/*", str(strings.Repeat("x", maxHeldBytes+1))), 413)
	next(t, ch)
	// All that, and the connection is fine.
	r.want(r.send("$", "ok", "1-3/3", str("abc")), 200)
	if g := next(t, ch); g.err != nil || string(g.body) != "abc" {
		t.Fatalf("got %v", g.err)
	}
}

func TestRawUnknownMethodAndSession(t *testing.T) {
	r := newRaw(t, Config{}, SessionConfig{})
	r.Send("MSRP abcd NICKNAME", "To-Path: "+r.s.Local().String(), "From-Path: "+r.me, "Use-Nickname: \"x\"", "-------abcd$")
	r.want("abcd", 501)
	r.Send("MSRP abce SEND", "To-Path: msrp://127.0.0.1:1/nobody;tcp", "From-Path: "+r.me, "Message-ID: 1",
		"Content-Type: a/b", "", "hello", "-------abce$")
	if f := r.Next(); f.Code != 481 || f.TID != "abce" {
		t.Fatalf("got %+v", f)
	}
	// A REPORT is never answered, whatever it says; nor is a stray response.
	r.Send("MSRP abcf REPORT", "To-Path: msrp://127.0.0.1:1/nobody;tcp", "From-Path: "+r.me, "-------abcf$")
	r.Send("MSRP abcg REPORT", "To-Path: "+r.s.Local().String(), "From-Path: "+r.me, "Message-ID: x", "-------abcg$")
	r.Send("MSRP abch 200 OK", "To-Path: "+r.s.Local().String(), "From-Path: "+r.me, "-------abch$")
	r.Send("MSRP abci 200", "-------abci$")
	r.want(r.send("$", "ping", "", nil), 200)
}

func TestRawGarbage(t *testing.T) {
	head := "MSRP abcd SEND\r\nTo-Path: %s\r\nFrom-Path: msrp://127.0.0.1:9/peer;tcp\r\n"
	for name, text := range map[string]string{
		"http":             "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
		"tls":              "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n",
		"no paths":         "MSRP abcd SEND\r\n-------abcd$\r\n",
		"bad path":         "MSRP abcd SEND\r\nTo-Path: sip:x\r\nFrom-Path: y\r\n-------abcd$\r\n",
		"endless header":   head + "X: " + strings.Repeat("x", 3*MaxHeaderLine),
		"endless headers":  head + strings.Repeat("X: y\r\n", 10*MaxHeaders),
		"foreign end-line": head + "-------abce$\r\n",
		"between frames":   "\r\nMSRP abcd SEND\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			r := newRaw(t, Config{}, SessionConfig{})
			if strings.Contains(text, "%s") {
				text = fmt.Sprintf(text, r.s.Local())
			}
			r.Conn.Write([]byte(text))
			r.Closed()
			r.l.Close()
			if n := r.logs.lines(); n != 1 {
				t.Fatalf("%d lines were logged:\n%s", n, r.logs.b.String())
			}
		})
	}
}

func TestRawStallBetweenChunks(t *testing.T) {
	h, ch := collect(1)
	r := newRaw(t, Config{StallTimeout: 50 * time.Millisecond}, SessionConfig{Handler: h})
	r.want(r.send("+", "m", "1-3/9", str("abc")), 200)
	if g := next(t, ch); !errors.Is(g.err, ErrAborted) || !errors.Is(g.err, ErrStalled) {
		t.Fatalf("got %v", g.err)
	}
	r.want(r.send("$", "m", "4-9/9", str("defghi")), 408)
	r.want(r.send("$", "ping", "", nil), 200)
}

func TestRawStallWithGap(t *testing.T) {
	h, ch := collect(1)
	r := newRaw(t, Config{StallTimeout: 50 * time.Millisecond}, SessionConfig{Handler: h})
	tid := r.send("$", "m", "4-6/6", str("def"))
	if g := next(t, ch); !errors.Is(g.err, ErrStalled) {
		t.Fatalf("got %v", g.err)
	}
	r.want(tid, 408)
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

func TestRawTooManyOpen(t *testing.T) {
	h, _ := collect(20)
	r := newRaw(t, Config{MaxOpenMessages: 3}, SessionConfig{Handler: h})
	for i := range 3 {
		r.want(r.send("+", fmt.Sprint("m", i), "1-3/9", str("abc")), 200)
	}
	r.want(r.send("+", "m3", "1-3/9", str("abc")), 413)
	r.want(r.send("#", "m0", "4-*/9", nil), 200)
	r.want(r.send("$", "m4", "1-3/3", str("abc")), 200)
	r.want(r.send("$", "m1", "4-9/9", str("defghi")), 200)
}

func TestRawSlowHandlerIsRefused(t *testing.T) {
	r := newRaw(t, Config{HandlerTimeout: 50 * time.Millisecond, PipeSize: 100}, SessionConfig{
		Handler: func(ctx context.Context, m *Incoming) error { <-ctx.Done(); return ctx.Err() }})
	r.want(r.send("$", "m", "1-*/*", str(strings.Repeat("x", 1000))), 413)
	r.want(r.send("$", "ping", "", nil), 200)
}

func TestRawTooManyHandlers(t *testing.T) {
	release := make(chan bool)
	r := newRaw(t, Config{HandlerTimeout: 50 * time.Millisecond, MaxHandlers: 2, MaxOpenMessages: 1}, SessionConfig{
		Handler: func(_ context.Context, m *Incoming) error {
			io.Copy(io.Discard, m)
			<-release
			return nil
		}})
	a, b := r.send("$", "a", "1-1/1", str("x")), r.send("$", "b", "1-1/1", str("x"))
	r.want(r.send("$", "c", "1-1/1", str("x")), 413)
	close(release)
	for range 2 {
		if f := r.Next(); f.Code != 200 || f.TID != a && f.TID != b {
			t.Fatalf("got %+v", f)
		}
	}
}

func TestRawEarlyRefusalOfLongChunk(t *testing.T) {
	r := newRaw(t, Config{}, SessionConfig{MaxSize: 1000, Handler: func(_ context.Context, m *Incoming) error { return nil }})
	tid := "abcd1234"
	r.Write("MSRP " + tid + " SEND\r\nTo-Path: " + r.s.Local().String() + "\r\nFrom-Path: " + r.me +
		"\r\nMessage-ID: m\r\nByte-Range: 1-*/10000000\r\nContent-Type: a/b\r\n\r\n" + strings.Repeat("x", 2*earlyRefusal))
	r.want(tid, 413)
	r.Write("yyyy\r\n-------" + tid + "#\r\n")
	r.want(r.send("$", "ping", "", nil), 200)
}

func TestRawFailureReports(t *testing.T) {
	h, ch := collect(4)
	r := newRaw(t, Config{}, SessionConfig{Handler: h, MaxSize: 10})
	r.send("$", "a", "1-1/1", str("x"), "Failure-Report: no")
	next(t, ch)
	r.send("$", "b", "1-1/1", str("x"), "Failure-Report: partial")
	next(t, ch)
	r.send("$", "c", "1-11/11", str("12345678901"), "Failure-Report: no")
	r.want(r.send("$", "d", "1-11/11", str("12345678901"), "Failure-Report: partial"), 413)
	r.send("$", "e", "1-1/1", str("x"), "Failure-Report: no", "Success-Report: yes")
	if f := r.Next(); f.Method != "REPORT" || f.Get("Message-ID") != "e" {
		t.Fatalf("got %+v", f)
	}
}

// What stacks do when they are our peer while we send.
func TestRawResponses(t *testing.T) {
	dial := func(t *testing.T, cfg Config) (*Session, *msrptest.Peer) {
		l := msrptest.Listen(t)
		cfg.Logger = quiet
		type res struct {
			s   *Session
			err error
		}
		ch := make(chan res, 1)
		sc := SessionConfig{Local: testURI(t, "msrp://127.0.0.1:9/us;tcp"), Remote: Path{testURI(t, l.URI("them"))}}
		go func() {
			s, err := Dial(testCtx(t), cfg, sc)
			ch <- res{s, err}
		}()
		p := l.Accept()
		f := p.Next()
		if f.Method != "SEND" || f.Body != nil || f.Get("Byte-Range") != "1-0/0" {
			t.Fatalf("binding %+v", f)
		}
		p.Answer(f, 200, "")
		r := next(t, ch)
		if r.err != nil {
			t.Fatal(r.err)
		}
		t.Cleanup(func() { p.Conn.Close(); r.s.Close() })
		return r.s, p
	}
	send := func(s *Session, m Message) (chan *Receipt, chan error) {
		rc, ec := make(chan *Receipt, 1), make(chan error, 1)
		go func() {
			r, err := s.Send(context.Background(), m)
			rc <- r
			ec <- err
		}()
		return rc, ec
	}
	report := func(p *msrptest.Peer, f *msrptest.Frame, rng, status string) {
		p.Send("MSRP rep"+f.TID[:5]+" REPORT", "To-Path: "+f.Get("From-Path"), "From-Path: "+f.Get("To-Path"),
			"Message-ID: "+f.Get("Message-ID"), "Byte-Range: "+rng, "Status: "+status, "-------rep"+f.TID[:5]+"$")
	}

	t.Run("answered twice", func(t *testing.T) {
		s, p := dial(t, Config{})
		_, ec := send(s, textMessage("hello"))
		f := p.Next()
		p.Answer(f, 200, "OK")
		p.Answer(f, 413, "")
		if err := next(t, ec); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("no response", func(t *testing.T) {
		s, p := dial(t, Config{ResponseTimeout: 50 * time.Millisecond})
		_, ec := send(s, textMessage("hello"))
		p.Next()
		if err := next(t, ec); !errors.Is(err, ErrNoResponse) {
			t.Fatalf("got %v", err)
		}
	})
	t.Run("partial, no response", func(t *testing.T) {
		s, p := dial(t, Config{ResponseTimeout: 50 * time.Millisecond})
		m := textMessage("hello")
		m.FailureReport, m.SuccessReport = FailurePartial, true
		rc, ec := send(s, m)
		f := p.Next()
		if err := next(t, ec); err != nil {
			t.Fatal(err)
		}
		time.Sleep(100 * time.Millisecond)
		report(p, f, "1-5/5", "000 200")
		if err := (<-rc).Wait(testCtx(t)); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("reports per chunk", func(t *testing.T) {
		s, p := dial(t, Config{ChunkSize: 4})
		m := textMessage("0123456789")
		m.SuccessReport = true
		rc, ec := send(s, m)
		var fs []*msrptest.Frame
		for i, want := range []string{"1-4/10", "5-8/10", "9-10/10"} {
			f := p.Next()
			if f.Get("Byte-Range") != want || f.Flag != "++$"[i] {
				t.Fatalf("got %+v", f)
			}
			p.Answer(f, 200, "OK")
			fs = append(fs, f)
		}
		if err := next(t, ec); err != nil {
			t.Fatal(err)
		}
		r := <-rc
		report(p, fs[2], "9-*/10", "000 200 OK")
		report(p, fs[0], "1-4/10", "000 200 OK")
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
		defer cancel()
		if err := r.Wait(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("got %v", err)
		}
		report(p, fs[1], "5-8/10", "000 200 OK")
		if err := r.Wait(testCtx(t)); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("failure report", func(t *testing.T) {
		s, p := dial(t, Config{})
		m := textMessage("hello")
		m.SuccessReport = true
		rc, ec := send(s, m)
		f := p.Next()
		p.Answer(f, 200, "OK")
		if err := next(t, ec); err != nil {
			t.Fatal(err)
		}
		report(p, f, "1-5/5", "000 408 Gone")
		var se *StatusError
		if err := (<-rc).Wait(testCtx(t)); !errors.As(err, &se) || se.Code != 408 {
			t.Fatalf("got %v", err)
		}
	})
	t.Run("refused in the middle", func(t *testing.T) {
		s, p := dial(t, Config{ChunkSize: 10, Window: 3})
		_, ec := send(s, binaryMessage(noise(1000)))
		f := p.Next()
		p.Next()
		p.Next()
		p.Quiet(20 * time.Millisecond) // the window is full
		p.Answer(f, 413, "Enough")
		var se *StatusError
		if err := next(t, ec); !errors.As(err, &se) || se.Code != 413 || se.Reason != "Enough" {
			t.Fatalf("got %v", err)
		}
		p.Quiet(20 * time.Millisecond)
		// The chunks that were never answered do not hold up what comes next.
		_, ec = send(s, binaryMessage(noise(30)))
		for range 3 {
			p.Answer(p.Next(), 200, "OK")
		}
		if err := next(t, ec); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("cancelled in the middle", func(t *testing.T) {
		s, p := dial(t, Config{ChunkSize: 10, Window: 1})
		ctx, cancel := context.WithCancel(context.Background())
		ec := make(chan error, 1)
		go func() {
			_, err := s.Send(ctx, binaryMessage(noise(1000)))
			ec <- err
		}()
		f := p.Next()
		cancel()
		if err := next(t, ec); !errors.Is(err, context.Canceled) {
			t.Fatalf("got %v", err)
		}
		a := p.Next()
		if a.Flag != '#' || a.Get("Message-ID") != f.Get("Message-ID") || a.Get("Byte-Range") != "11-*/1000" || a.Body != nil {
			t.Fatalf("got %+v", a)
		}
	})
	t.Run("peer does not read", func(t *testing.T) {
		s, p := dial(t, Config{WriteTimeout: 300 * time.Millisecond, Window: 1000})
		ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
		defer cancel()
		began := time.Now()
		errs := make(chan error, 2)
		for range 2 { // one is being written, one waits for its turn
			go func() {
				_, err := s.Send(ctx, Message{ContentType: "a/b", Size: -1, Body: zeros{}})
				errs <- err
			}()
		}
		for range 2 {
			if err := next(t, errs); !errors.Is(err, context.DeadlineExceeded) {
				t.Fatalf("got %v", err)
			}
		}
		if time.Since(began) > 250*time.Millisecond {
			t.Fatal("waited for the peer")
		}
		<-s.Done()
		if !errors.Is(s.Err(), ErrConnectionLost) {
			t.Fatalf("got %v", s.Err())
		}
		p.Conn.Close()
	})
	t.Run("connection lost", func(t *testing.T) {
		s, p := dial(t, Config{})
		m := textMessage("hello")
		m.SuccessReport = true
		rc, ec := send(s, m)
		p.Answer(p.Next(), 200, "")
		if err := next(t, ec); err != nil {
			t.Fatal(err)
		}
		p.Conn.Close()
		if err := (<-rc).Wait(testCtx(t)); !errors.Is(err, ErrConnectionLost) {
			t.Fatalf("got %v", err)
		}
		<-s.Done()
	})
	t.Run("large chunks", func(t *testing.T) {
		s, p := dial(t, Config{})
		_, ec := send(s, binaryMessage(noise(70000)))
		f := p.Next()
		if f.Get("Byte-Range") != "1-*/70000" || len(f.Body) != 65536 {
			t.Fatalf("got %s, %d bytes", f.Get("Byte-Range"), len(f.Body))
		}
		if h := f.Header[len(f.Header)-1]; h != "Content-Type: application/octet-stream" {
			t.Fatalf("last header is %s", h)
		}
		p.Answer(f, 200, "")
		p.Answer(p.Next(), 200, "")
		if err := next(t, ec); err != nil {
			t.Fatal(err)
		}
	})
}

// Many connections that say nothing, and one that goes on.
func TestRawIdleConnectionsCostLittle(t *testing.T) {
	l := testListener(t, Config{})
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	const n = 200
	for range n {
		msrptest.Dial(t, l.Addr().String())
	}
	for {
		l.mu.Lock()
		have := len(l.conns)
		l.mu.Unlock()
		if have == n {
			break
		}
		time.Sleep(time.Millisecond)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if per := (int64(after.HeapAlloc) - int64(before.HeapAlloc)) / n; per > 32<<10 {
		t.Fatalf("%d bytes for each connection", per)
	}
}
