package msrp

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

// parsed is a whole frame with its body, as the tests compare it.
type parsed struct {
	f    *frame
	body string
}

func (p parsed) String() string {
	f := p.f
	return fmt.Sprintf("%s %s %d %s|%s|%s|%s|%v %v|%s|%v %v|%s|%v|%v|%c|%d|%q",
		f.tid, f.method, f.code, f.reason, f.to, f.from, f.messageID, f.rng, f.hasRange,
		f.contentType, f.successReport, f.failureReport, f.status, f.header, f.hasBody, f.flag, f.size, p.body)
}

func readFrames(r io.Reader) ([]parsed, error) {
	fr := newFrameReader(r)
	var all []parsed
	for {
		f, err := fr.nextFrame()
		if err != nil {
			return all, err
		}
		var b strings.Builder
		for f.hasBody {
			p, err := fr.nextPiece(f)
			if err == io.EOF {
				break
			}
			if err != nil {
				return all, err
			}
			b.Write(p)
		}
		g := *f
		all = append(all, parsed{&g, b.String()})
	}
}

const testHead = "MSRP d93kswow SEND\r\n" +
	"To-Path: msrp://bob.example.com:8888/9di4eae923wzd;tcp\r\n" +
	"From-Path: msrp://alicepc.example.com:7777/iau39soe2843z;tcp\r\n" +
	"Message-ID: 12339sdqwer\r\n"

func TestFrameBodies(t *testing.T) {
	for _, test := range []struct {
		name, wire, body string
		flag             byte
	}{
		{"no body", testHead + "-------d93kswow$\r\n", "", '$'},
		{"end-line behind the blank line", testHead + "Content-Type: a/b\r\n\r\n-------d93kswow$\r\n", "", '$'},
		{"empty body", testHead + "Content-Type: a/b\r\n\r\n\r\n-------d93kswow+\r\n", "", '+'},
		{"short", testHead + "Content-Type: a/b\r\n\r\nHi\r\n-------d93kswow#\r\n", "Hi", '#'},
		{"CRLFs", testHead + "\r\n\r\n\r\n\r\n-------d93kswow$\r\n", "\r\n\r\n", '$'},
		{"other end-lines", testHead + "\r\n-------aaaaaaaa$\r\n-------d93kswow1$\r\n-------d93kswow$x\r\n-------d93kswow$\r\n",
			"-------aaaaaaaa$\r\n-------d93kswow1$\r\n-------d93kswow$x", '$'},
		{"end-line not at a line's start", testHead + "\r\nx-------d93kswow$\r\ny\n-------d93kswow$\r\nz\r\n-------d93kswow$\r\n",
			"x-------d93kswow$\r\ny\n-------d93kswow$\r\nz", '$'},
		{"bare CR and dashes", testHead + "\r\n\r\r\n-\r\n------\r\r\n-------d93kswow$\r\n", "\r\r\n-\r\n------\r", '$'},
		{"a whole message inside", testHead + "\r\nMSRP x SEND\r\nA: b\r\n-------x$\r\n\r\n-------d93kswow$\r\n",
			"MSRP x SEND\r\nA: b\r\n-------x$\r\n", '$'},
	} {
		t.Run(test.name, func(t *testing.T) {
			wire := test.wire + test.wire // the next one must be found too
			want := ""
			for i := 0; i <= len(wire); i++ {
				all, err := readFrames(io.MultiReader(strings.NewReader(wire[:i]), strings.NewReader(wire[i:])))
				if err != io.EOF || len(all) != 2 {
					t.Fatalf("split at %d: %d frames, %v", i, len(all), err)
				}
				p := all[0]
				if p.body != test.body || p.f.flag != test.flag || p.f.size != len(test.wire) {
					t.Fatalf("split at %d: %q %c size %d", i, p.body, p.f.flag, p.f.size)
				}
				if want == "" {
					want = p.String()
				}
				if p.String() != want || all[1].String() != want {
					t.Fatalf("split at %d: %v, want %v", i, p, want)
				}
			}
			all, err := readFrames(iotest.OneByteReader(strings.NewReader(wire)))
			if err != io.EOF || len(all) != 2 || all[1].String() != want {
				t.Fatalf("one by one: %v, %v", all, err)
			}
		})
	}
}

func TestFrameLargeBodyIsPieces(t *testing.T) {
	body := noise(3 << 20)
	wire := testHead + "\r\n" + string(body) + "\r\n-------d93kswow$\r\n"
	for _, r := range []io.Reader{strings.NewReader(wire), iotest.HalfReader(strings.NewReader(wire)),
		iotest.DataErrReader(strings.NewReader(wire))} {
		fr := newFrameReader(r)
		f, err := fr.nextFrame()
		if err != nil {
			t.Fatal(err)
		}
		var got bytes.Buffer
		for {
			p, err := fr.nextPiece(f)
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			got.Write(p)
		}
		if !bytes.Equal(got.Bytes(), body) || len(fr.buf) > readBufferMax {
			t.Fatalf("%d bytes, buffer %d", got.Len(), len(fr.buf))
		}
	}
}

func TestFrameBufferShrinks(t *testing.T) {
	small := testHead + "-------d93kswow$\r\n"
	large := testHead + "\r\n" + string(noise(1<<20)) + "\r\n-------d93kswow$\r\n"
	var parts []io.Reader
	for _, s := range append([]string{large}, strings.Split(strings.Repeat(small+"|", 8), "|")...) {
		parts = append(parts, strings.NewReader(s))
	}
	fr := newFrameReader(io.MultiReader(parts...))
	largest := 0
	for range 8 {
		f, err := fr.nextFrame()
		if err != nil {
			t.Fatal(err)
		}
		for f.hasBody {
			if _, err := fr.nextPiece(f); err != nil {
				break
			}
		}
		largest = max(largest, len(fr.buf))
	}
	if largest != readBufferMax || len(fr.buf) != readBufferMin {
		t.Fatalf("%d, then %d", largest, len(fr.buf))
	}
}

func TestFrameRefuses(t *testing.T) {
	long := strings.Repeat("x", MaxHeaderLine+1)
	for _, test := range []struct{ name, wire, rule string }{
		{"not MSRP", "GET / HTTP/1.1\r\n", "start-line"},
		{"lower case", "msrp abcd SEND\r\n", "start-line"},
		{"no method", "MSRP abcd\r\n", "start-line"},
		{"empty method", "MSRP abcd \r\n", "method"},
		{"method in lower case", "MSRP abcd send\r\n", "method"},
		{"code of four digits", "MSRP abcd 2000\r\n", "method"},
		{"tid too long", "MSRP " + strings.Repeat("a", 33) + " SEND\r\n", "transact-id"},
		{"tid with a blank start", "MSRP  SEND x\r\n", "transact-id"},
		{"tid of dashes", "MSRP ---- SEND\r\n", "transact-id"},
		{"LF alone", "MSRP abcd SEND\nTo-Path: x\n", "line"},
		{"header without colon", "MSRP abcd SEND\r\nTo-Path\r\n", "header"},
		{"header without name", "MSRP abcd SEND\r\n: x\r\n", "header"},
		{"another's end-line", "MSRP abcd SEND\r\n-------abce$\r\n", "header"},
		{"NUL", "MSRP abcd SEND\r\nA: \x00\r\n", "header"},
		{"long start-line", "MSRP abcd 200 " + long + "\r\n", "line"},
		{"long header", "MSRP abcd 200\r\nA: " + long + "\r\n", "line"},
		{"header that never ends", "MSRP abcd 200\r\nA: " + strings.Repeat(long, 100), "line"},
		{"many headers", "MSRP abcd 200\r\n" + strings.Repeat("A: b\r\n", MaxHeaders+1), "headers"},
		{"large head", "MSRP abcd 200\r\n" + strings.Repeat("A: "+long[:4000]+"\r\n", 5), "headers"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := readFrames(strings.NewReader(test.wire))
			var se *SyntaxError
			if !errors.As(err, &se) || se.Rule != test.rule {
				t.Fatalf("got %v, want %s", err, test.rule)
			}
		})
	}
	whole := testHead + "\r\nHi\r\n-------d93kswow$\r\n"
	for i := 1; i < len(whole); i++ {
		if _, err := readFrames(strings.NewReader(whole[:i])); err != io.ErrUnexpectedEOF {
			t.Fatalf("cut at %d: %v", i, err)
		}
	}
}

func TestByteRange(t *testing.T) {
	for in, want := range map[string]byteRange{
		"1-0/0": {1, 0, 0}, "1-*/*": {1, -1, -1}, "5-9/20": {5, 9, 20}, "21-20/20": {21, 20, 20}, "1-30/*": {1, 30, -1},
		"1-*/20000": {1, -1, 20000}, "1-5/3": {1, 5, 3},
	} {
		if r, err := parseByteRange(in); err != nil || r != want || r.String() != in {
			t.Errorf("%s: %v, %v", in, r, err)
		}
	}
	for _, in := range []string{"", "1", "1-2", "-/", "*-1/2", "0-1/2", "5-1/3", "5-3/9", "9-*/3", "1-2/3/4", "+1-2/3",
		"1-99999999999999999999/99999999999999999999", "1-2/9223372036854775807", "a-b/c", "1--2/3"} {
		if r, err := parseByteRange(in); err == nil {
			t.Errorf("%s taken: %v", in, r)
		}
	}
}

func TestParseStatus(t *testing.T) {
	for in, want := range map[string]int{"000 200 OK": 200, "000 200": 200, "000 413 Too large": 413} {
		if se, err := parseStatus(in); err != nil || se.Code != want {
			t.Errorf("%s: %v, %v", in, se, err)
		}
	}
	for _, in := range []string{"", "200 OK", "001 200 OK", "000 2000", "000", "000 OK"} {
		if _, err := parseStatus(in); err == nil {
			t.Errorf("%q taken", in)
		}
	}
}

// reencode writes a frame as this package would.
func reencode(p parsed) []byte {
	f := p.f
	var b []byte
	if f.method != "" {
		b = appendRequest(b, f.tid, f.method, f.to.String(), f.from.String())
	} else {
		b = appendResponse(b, f.tid, f.code, f.reason, f.to.String(), f.from.String())
	}
	if f.messageID != "" {
		b = appendField(b, hdrMessageID, f.messageID)
	}
	if f.hasRange {
		b = appendRange(b, f.rng)
	}
	if f.successReport {
		b = appendField(b, hdrSuccessReport, "yes")
	}
	b = appendField(b, hdrFailureReport, f.failureReport.String())
	if f.status != "" {
		b = appendField(b, hdrStatus, f.status)
	}
	for _, h := range f.header {
		b = appendField(b, h.Name, h.Value)
	}
	if f.contentType != "" {
		b = appendField(b, hdrContentType, f.contentType)
	}
	if f.hasBody {
		b = append(append(append(b, "\r\n"...), p.body...), "\r\n"...)
	}
	return appendEndLine(b, f.tid, f.flag)
}

func FuzzFrame(f *testing.F) {
	f.Add([]byte(testHead+"Byte-Range: 1-16/16\r\nX-Y: z\r\nContent-Type: text/plain\r\n\r\nHi, I'm Alice!\r\n\r\n-------d93kswow$\r\n"), uint8(7))
	f.Add([]byte("MSRP d93kswow 200 OK\r\nTo-Path: msrp://a:1/b;tcp\r\nFrom-Path: msrp://c:2/d;tcp\r\n-------d93kswow$\r\n"), uint8(1))
	for _, c := range captures(f) {
		f.Add(c.peer, uint8(50))
	}
	f.Fuzz(func(t *testing.T, wire []byte, split uint8) {
		all, err := readFrames(bytes.NewReader(wire))
		again, err2 := readFrames(&stepReader{wire, int(split) + 1})
		if len(all) != len(again) || fmt.Sprint(err) != fmt.Sprint(err2) {
			t.Fatalf("%d frames, %v; in steps of %d: %d frames, %v", len(all), err, split+1, len(again), err2)
		}
		for i, p := range all {
			if p.String() != again[i].String() {
				t.Fatalf("%v in steps: %v", p, again[i])
			}
			if p.f.pathErr != nil || p.f.bad != "" {
				continue
			}
			b := reencode(p)
			q, err := readFrames(bytes.NewReader(b))
			if err != io.EOF || len(q) != 1 {
				t.Fatalf("%q: %d frames, %v", b, len(q), err)
			}
			p.f.size, q[0].f.size = 0, 0
			if !strings.ContainsFunc(p.String(), isControl) && q[0].String() != p.String() {
				t.Fatalf("%v encoded and decoded: %v", p, q[0])
			}
		}
	})
}

// isControl finds what appendClean changes.
func isControl(r rune) bool { return r < ' ' || r == 0x7f }

type stepReader struct {
	b []byte
	n int
}

func (r *stepReader) Read(p []byte) (int, error) {
	if len(r.b) == 0 {
		return 0, io.EOF
	}
	n := copy(p[:min(r.n, len(p))], r.b)
	r.b = r.b[n:]
	return n, nil
}
