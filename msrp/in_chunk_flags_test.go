package msrp

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand"
	"strings"
	"testing"
)

// "$" says where a message ends, "+" that it does not, whatever Byte-Range
// says, and "#" that it never will.
func TestFlags(t *testing.T) {
	h, ch := collect(1)
	r := newRaw(t, Config{}, SessionConfig{Handler: h})
	r.want(r.send("+", "m1", "1-3/3", str("abc")), 200)
	select {
	case g := <-ch:
		t.Fatalf("taken for whole: %q, %v", g.body, g.err)
	default:
	}
	r.want(r.send("$", "m1", "4-3/3", nil), 200)
	if g := next(t, ch); g.err != nil || string(g.body) != "abc" {
		t.Fatalf("got %q, %v", g.body, g.err)
	}
	r.want(r.send("+", "m2", "1-*/*", str("abc")), 200)
	r.want(r.send("$", "m2", "4-*/*", str("d")), 200)
	if g := next(t, ch); g.err != nil || string(g.body) != "abcd" {
		t.Fatalf("got %q, %v", g.body, g.err)
	}
	r.want(r.send("+", "m3", "1-*/9", str("abc")), 200)
	r.want(r.send("#", "m3", "4-*/9", str("def")), 200)
	if g := next(t, ch); !errors.Is(g.err, ErrAborted) {
		t.Fatalf("got %q, %v", g.body, g.err)
	}
	r.want(r.send("#", "m4", "1-*/9", str("abc")), 200)
	if g := next(t, ch); !errors.Is(g.err, ErrAborted) {
		t.Fatalf("got %q, %v", g.body, g.err)
	}
	// A shorter body than range-end says is what it is, if it is not the last.
	r.want(r.send("+", "m5", "1-5/6", str("abc")), 200)
	r.want(r.send("$", "m5", "4-6/6", str("def")), 200)
	if g := next(t, ch); g.err != nil || string(g.body) != "abcdef" {
		t.Fatalf("got %q, %v", g.body, g.err)
	}
}

// An empty body is a message, no body is none.
func TestEmptyBody(t *testing.T) {
	h, ch := collect(1)
	r := newRaw(t, Config{}, SessionConfig{Handler: h, AcceptTypes: []string{"text/plain"}})
	r.want(r.send("$", "m1", "1-0/0", str(""), "Success-Report: yes"), 200)
	if g := next(t, ch); g.err != nil || len(g.body) != 0 || g.m.ContentType != "text/plain" || g.m.Size != 0 {
		t.Fatalf("got %+v", g)
	}
	if f := r.Next(); f.Method != "REPORT" || f.Get("Byte-Range") != "1-0/0" {
		t.Fatalf("got %+v", f)
	}
	r.want(r.send("$", "m2", "1-0/0", nil), 200)
	// nio-msrp's binding SEND: no CRLF between the blank line and the end-line.
	r.Send("MSRP abcd1234 SEND", "To-Path: "+r.s.Local().String(), "From-Path: "+r.me, "Message-ID: m3",
		"Byte-Range: 1-0/0", "Content-Type: text/plain", "", "-------abcd1234$")
	r.want("abcd1234", 200)
	r.Send("MSRP abcd1235 SEND", "To-Path: "+r.s.Local().String(), "From-Path: "+r.me, "Message-ID: m4",
		"Byte-Range: 1-0/0", "Content-Type: a/b", "", "", "-------abcd1235$")
	r.want("abcd1235", 415)
	select {
	case g := <-ch:
		t.Fatalf("got %+v", g)
	default:
	}

	s, p := sender(t, Config{})
	for _, test := range []struct {
		m    Message
		body bool
	}{
		{Message{}, false},
		{Message{ContentType: "a/b"}, true},
		{Message{ContentType: "a/b", Body: strings.NewReader("")}, true},
		{Message{ContentType: "a/b", Body: strings.NewReader(""), Size: -1}, true},
	} {
		_, ec := sendTo(s, test.m)
		f := p.Next()
		if (f.Body != nil) != test.body || len(f.Body) != 0 || f.Get("Byte-Range") != "1-0/0" || f.Flag != '$' ||
			(f.Get("Content-Type") != "") != test.body {
			t.Errorf("%+v: got %+v", test.m, f)
		}
		p.Answer(f, 200, "OK")
		if err := next(t, ec); err != nil {
			t.Fatal(err)
		}
	}
}

// Chunks of random size, in any order, some of them twice or overlapping:
// the message comes out whole.
func TestChunksInAnyOrder(t *testing.T) {
	rnd := rand.New(rand.NewSource(4975))
	h, ch := collect(1)
	r := newRaw(t, Config{}, SessionConfig{Handler: h})
	for i := range 100 {
		text := strings.Map(func(c rune) rune { return 'a' + c%26 }, string(noise(2+rnd.Intn(58))))
		type piece struct{ from, to int }
		var pieces []piece
		for at := 0; at < len(text); {
			to := min(len(text), at+1+rnd.Intn(10))
			pieces = append(pieces, piece{max(0, at-rnd.Intn(5)), to})
			at = to
		}
		last := pieces[len(pieces)-1]
		for range rnd.Intn(4) {
			if p := pieces[rnd.Intn(len(pieces))]; p.to < len(text) {
				pieces = append(pieces, p)
			}
		}
		rnd.Shuffle(len(pieces), func(i, j int) { pieces[i], pieces[j] = pieces[j], pieces[i] })
		var have int64 // what comes behind the whole would be another message
		for i, p := range pieces {
			have |= int64(1)<<p.to - int64(1)<<p.from
			if have == int64(1)<<len(text)-1 {
				pieces = pieces[:i+1]
				break
			}
		}
		id := fmt.Sprint("m", i)
		open := map[string]bool{}
		for _, p := range pieces {
			flag := "+"
			if p == last {
				flag = "$"
			}
			body := text[p.from:p.to]
			open[r.send(flag, id, fmt.Sprintf("%d-%d/%d", p.from+1, p.to, len(text)), &body)] = true
		}
		for range pieces {
			if f := r.Next(); f.Code != 200 || !open[f.TID] {
				t.Fatalf("%v: got %+v", pieces, f)
			}
		}
		if g := next(t, ch); g.err != nil || string(g.body) != text {
			t.Fatalf("%v: got %q, %v, want %q", pieces, g.body, g.err, text)
		}
	}
}

// Of bytes that come twice the last ones count, as long as the handler has
// not had the first.
func TestLastChunkCounts(t *testing.T) {
	h, ch := collect(1)
	r := newRaw(t, Config{}, SessionConfig{Handler: h})
	r.send("+", "m", "4-6/9", str("xxx"))
	r.send("+", "m", "5-7/9", str("EFG"))
	r.send("+", "m", "1-4/9", str("ABCD"))
	r.send("+", "m", "1-2/9", str("yy")) // too late
	r.send("$", "m", "8-9/9", str("HI"))
	for range 5 {
		if f := r.Next(); f.Code != 200 {
			t.Fatalf("got %+v", f)
		}
	}
	if g := next(t, ch); g.err != nil || string(g.body) != "ABCDEFGHI" {
		t.Fatalf("got %q, %v", g.body, g.err)
	}
}

func TestTinyChunks(t *testing.T) {
	const n = 10000
	h, ch := collect(1)
	r := newRaw(t, Config{}, SessionConfig{Handler: h})
	body := strings.Repeat("0123456789", n/10)
	go func() {
		var b bytes.Buffer
		for i := range n {
			flag := '+'
			if i == n-1 {
				flag = '$'
			}
			fmt.Fprintf(&b, "MSRP t%05d SEND\r\nTo-Path: %s\r\nFrom-Path: %s\r\nMessage-ID: m\r\nByte-Range: %d-%d/%d\r\nContent-Type: a/b\r\n\r\n%c\r\n-------t%05d%c\r\n",
				i, r.s.Local(), r.me, i+1, i+1, n, body[i], i, flag)
		}
		r.Conn.Write(b.Bytes())
	}()
	for range n {
		if f := r.Next(); f.Code != 200 {
			t.Fatalf("got %+v", f)
		}
	}
	if g := next(t, ch); g.err != nil || string(g.body) != body {
		t.Fatalf("got %d bytes, %v", len(g.body), g.err)
	}
}
