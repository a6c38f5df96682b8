package msrp

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf16"
)

// A chunk is as long as its payload, whatever form its Byte-Range has. See RFC
// 4975, section 7.3.1.
func TestPayloadDecides(t *testing.T) {
	type chunk struct{ flag, rng, body string }
	for name, test := range map[string]struct {
		chunks []chunk
		want   string
		report string // the range reported
	}{
		"fewer than the end":         {[]chunk{{"$", "1-9/9", "hello"}}, "hello", "1-5/5"},
		"fewer than the total":       {[]chunk{{"$", "1-*/9", "hello"}}, "hello", "1-5/5"},
		"two fewer, the CRLF":        {[]chunk{{"$", "1-7/7", "hello"}}, "hello", "1-7/7"},
		"two fewer than the total":   {[]chunk{{"$", "1-*/7", "hello"}}, "hello", "1-5/5"},
		"more than the end":          {[]chunk{{"$", "1-3/3", "hello"}}, "hello", "1-5/5"},
		"more than the total":        {[]chunk{{"$", "1-*/3", "hello"}}, "hello", "1-5/5"},
		"the end beyond the total":   {[]chunk{{"$", "1-5/3", "hello"}}, "hello", "1-5/5"},
		"no total":                   {[]chunk{{"$", "1-3/*", "hello"}}, "hello", "1-5/5"},
		"fewer at the end":           {[]chunk{{"+", "1-5/20", "hello"}, {"$", "6-20/20", "world"}}, "helloworld", "1-10/10"},
		"more, and the true start":   {[]chunk{{"+", "1-3/10", "hello"}, {"$", "6-10/10", "world"}}, "helloworld", "1-10/10"},
		"more, and the counted one":  {[]chunk{{"+", "1-3/10", "hello"}, {"$", "4-8/10", "world"}}, "helloworld", "1-10/10"},
		"fewer, and the true start":  {[]chunk{{"+", "1-9/10", "hello"}, {"$", "6-10/10", "world"}}, "helloworld", "1-10/10"},
		"the total too small":        {[]chunk{{"+", "1-*/7", "hello"}, {"$", "6-*/7", "world"}}, "helloworld", "1-10/10"},
		"no total at first":          {[]chunk{{"+", "1-*/*", "hello"}, {"$", "6-*/8", "world"}}, "helloworld", "1-10/10"},
		"overlap":                    {[]chunk{{"+", "1-5/10", "hello"}, {"$", "4-10/10", "XXworld"}}, "helloworld", "1-10/10"},
		"the last one first":         {[]chunk{{"$", "6-10/10", "world"}, {"+", "1-5/10", "hello"}}, "helloworld", "1-10/10"},
		"the last one twice":         {[]chunk{{"$", "6-10/10", "world"}, {"$", "6-10/10", "world"}, {"+", "1-5/10", "hello"}}, "helloworld", "1-10/10"},
		"an empty body, range or no": {[]chunk{{"$", "1-5/5", ""}}, "", "1-0/0"},
	} {
		t.Run(name, func(t *testing.T) {
			h, ch := collect(1)
			r := newRaw(t, Config{}, SessionConfig{Handler: h})
			for _, c := range test.chunks {
				r.send(c.flag, "m", c.rng, &c.body, "Success-Report: yes")
			}
			if g := next(t, ch); g.err != nil || string(g.body) != test.want {
				t.Errorf("got %q, %v", g.body, g.err)
			}
			for range test.chunks {
				if f := r.Next(); f.Code != 200 {
					t.Fatalf("got %+v", f)
				}
			}
			if f := r.Next(); f.Method != "REPORT" || f.Get("Byte-Range") != test.report {
				t.Errorf("reported %q, want %s", f.Header, test.report)
			}
		})
	}
}

// A gap is not closed by what stands behind it.
func TestGapIsNotClosed(t *testing.T) {
	h, ch := collect(1)
	r := newRaw(t, Config{HandlerTimeout: 50 * time.Millisecond}, SessionConfig{Handler: h})
	one := r.send("+", "m", "1-8/13", str("hello")) // three fewer
	r.want(one, 200)
	two := r.send("$", "m", "9-13/13", str("world"))
	if g := next(t, ch); !errors.Is(g.err, ErrAborted) || string(g.body) != "hello" {
		t.Errorf("got %q, %v", g.body, g.err)
	}
	r.want(two, 413)
}

// A stack in use cuts its text by characters, states the total in bytes, and so
// ends with chunks that are empty.
func TestCharactersCountedAsBytes(t *testing.T) {
	const piece = 2048
	for name, text := range map[string]string{
		"one of two bytes": strings.Repeat("x", 2000) + "é" + strings.Repeat("y", 3000),
		"all of two bytes": strings.Repeat("é", 4000), "all of three": strings.Repeat("€", 5000),
		"beyond 16 bits": strings.Repeat("a😀", 2500), "ASCII": strings.Repeat("z", 5000),
	} {
		t.Run(name, func(t *testing.T) {
			h, ch := collect(1)
			r := newRaw(t, Config{}, SessionConfig{Handler: h})
			units := utf16.Encode([]rune(text))
			sent, n := "", 0
			for at := 0; at < len(text); at += piece {
				end := min(at+piece, len(text))
				body := string(utf16.Decode(units[min(at, len(units)):min(end, len(units))]))
				flag := "+"
				if end == len(text) {
					flag = "$"
				}
				r.send(flag, "m", fmt.Sprintf("%d-%d/%d", at+1, end, len(text)), &body, "Success-Report: yes", "Failure-Report: yes")
				sent += body
				n++
			}
			if g := next(t, ch); g.err != nil || string(g.body) != sent {
				t.Errorf("%d bytes of %d, %v", len(g.body), len(sent), g.err)
			}
			for range n {
				if f := r.Next(); f.Code != 200 {
					t.Fatalf("got %+v", f)
				}
			}
		})
	}
}

// The words of a refusal are those of the protocol.
func TestReasonPhrases(t *testing.T) {
	r := newRaw(t, Config{}, SessionConfig{Handler: discard})
	for _, test := range []struct{ id, rng, header, want string }{
		{"m", "0-3/3", "X: y", "Invalid Byte-Range"},
		{"m", "x", "X: y", "Invalid Byte-Range"},
		{"two words", "1-3/3", "X: y", "Invalid Message-ID"},
		{"", "1-3/3", "X: y", "No Message-ID"},
		{"m", "1-3/3", "Failure-Report: perhaps", "Invalid Failure-Report"},
	} {
		r.send("$", test.id, test.rng, str("abc"), test.header)
		if f := r.Next(); f.Code != 400 || f.Comment != test.want {
			t.Errorf("%+v: got %d %s", test, f.Code, f.Comment)
		}
	}
}
