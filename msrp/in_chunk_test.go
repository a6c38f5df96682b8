package msrp

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
)

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
	r.want(r.send("$", "e", "1-0/0", nil), 200)
	tid := r.send("$", "m3", "1-3/3", str("abc"), "Success-Report: yes")
	r.want(tid, 200)
	f := r.Next()
	if f.Method != "REPORT" || f.Get("Message-ID") != "m3" || f.Get("Byte-Range") != "1-3/3" ||
		f.Get("Status") != "000 200 OK" || f.Get("To-Path") != r.me {
		t.Fatalf("got %+v", f)
	}
	r.Answer(f, 200, "Report received") // some do; it is ignored
	r.want(r.send("$", "ping2", "", nil), 200)
	if n := r.logs.Count("\n"); n != 0 {
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
	r.want(r.send("$", "m", "0-3/3", str("abc")), 400)
	r.want(r.send("$", "m", "5-*/3", str("abc")), 400)
	r.want(r.send("$", "m", "x", str("abc")), 400)
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

	// Claims cost nothing.
	r.want(r.send("$", "huge", "1-*/4000000000000000000", str("abc")), 200)
	next(t, ch)
	r.want(r.send("$", "ahead", "4000000000000000-*/*", str(strings.Repeat("x", maxHeldBytes+1))), 413)
	next(t, ch)
	// All that, and the connection is fine.
	r.want(r.send("$", "ok", "1-3/3", str("abc")), 200)
	if g := next(t, ch); g.err != nil || string(g.body) != "abc" {
		t.Fatalf("got %v", g.err)
	}
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

func TestRawEarlyRefusalOfLongChunk(t *testing.T) {
	r := newRaw(t, Config{}, SessionConfig{MaxSize: 1000, Handler: func(_ context.Context, m *Incoming) error { return nil }})
	tid := "abcd1234"
	r.Write("MSRP " + tid + " SEND\r\nTo-Path: " + r.s.Local().String() + "\r\nFrom-Path: " + r.me +
		"\r\nMessage-ID: m\r\nByte-Range: 1-*/10000000\r\nContent-Type: a/b\r\n\r\n" + strings.Repeat("x", 2*earlyRefusal))
	r.want(tid, 413)
	r.Write("yyyy\r\n-------" + tid + "#\r\n")
	r.want(r.send("$", "ping", "", nil), 200)
}
