package msrp

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/gomscp/gomscp/msrp/msrptest"
)

func TestRawUnknownMethodAndSession(t *testing.T) {
	r := newRaw(t, Config{}, SessionConfig{})
	// NICKNAME is unknown to a session that is none of a chat room's.
	for i, method := range []string{"BREW", "X", "SENDX", "INVITE", "NICKNAME"} {
		tid := fmt.Sprintf("abcd%d", i)
		r.Send("MSRP "+tid+" "+method, "To-Path: "+r.s.Local().String(), "From-Path: "+r.me, "Use-Nickname: \"x\"", "-------"+tid+"$")
		r.want(tid, 501)
		r.Send("MSRP "+tid+" "+method, "To-Path: "+r.s.Local().String(), "From-Path: "+r.me, "Failure-Report: no", "Content-Type: a/b", "", "x", "-------"+tid+"$")
		r.want(tid, 501)
	}
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
			if n := r.logs.Count("\n"); n != 1 {
				t.Fatalf("%d lines were logged:\n%s", n, r.logs.String())
			}
		})
	}
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

// Many connections that say nothing, and one that goes on.
func TestRawIdleConnectionsCostLittle(t *testing.T) {
	l := testListener(t, Config{MaxUnboundSource: 200})
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
