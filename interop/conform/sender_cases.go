package conform

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/gomscp/gomscp/msrp"
	"github.com/gomscp/gomscp/msrp/msrptest"
)

// shortText and longText are what a sender is to send.
const shortText = "Hello from a sender under test"

var longText = strings.Repeat("0123456789abcdef", 8_000)

func (b *senderBench) cases() []Case {
	return inOrder(slices.Concat(b.sendCases(), b.chunkCases(), b.refusalCases(), b.offerCases()))
}

// sendCases are those of sections 5.4, 7.1 and 9.
func (b *senderBench) sendCases() []Case {
	return []Case{
		must("msrp-sender/5.4/1", "who connects sends a SEND first, at once, which binds the session", b.on(shortText, "", func(t *T, s *taken) {
			if s.offer.Setup == msrp.SetupPassive {
				t.Skipf("the peer has us connect")
			}
			if f := s.next(); f.Method != "SEND" {
				t.Errorf("%s comes first", f.Method)
			}
		})),
		must("msrp-sender/7.1/1", "To-Path is the path of the answer, From-Path that of the offer", b.on(shortText, "", func(t *T, s *taken) {
			s.message() // whose frames are judged as they come
		})),
		must("msrp-sender/7.1/2", "a SEND has a Message-ID, and one with a body Content-Type and Byte-Range", b.on(strings.Repeat(shortText+"\n", 90), "", func(t *T, s *taken) {
			c := s.message()
			if c[0].Get("Message-ID") == "" || c[0].Get("Content-Type") == "" || c[0].Get("Byte-Range") == "" {
				t.Errorf("the headers are %q", c[0].Header)
			}
		})),
		must("msrp-sender/7.1/3", "the end-line with its transaction id is not within the body", b.on("-------\r\n-------abcd$\r\n"+shortText, "", func(t *T, s *taken) {
			if got := together(t, s.message()); !strings.HasSuffix(got, shortText) {
				t.Errorf("the text comes as %q", got)
			}
		})),
		must("msrp-sender/9/1", "the message arrives byte for byte", b.on("\u00e9\u4f1a\U0001f600 "+shortText, "", func(t *T, s *taken) {
			if got := together(t, s.message()); !strings.Contains(got, "\u00e9\u4f1a\U0001f600 "+shortText) {
				t.Errorf("the text comes as %q", got)
			}
		})),
	}
}

// together puts a message together by its ranges.
func together(t *T, chunks []*msrptest.Frame) string {
	t.Helper()
	var b strings.Builder
	for _, c := range chunks {
		r, err := parseByteRange(c.Get("Byte-Range"))
		if err != nil {
			t.Fatalf("the Byte-Range %q: %v", c.Get("Byte-Range"), err)
		}
		if r.start != b.Len()+1 || r.end >= 0 && r.end != b.Len()+len(c.Body) {
			t.Errorf("a chunk of %d bytes at %d has the Byte-Range %q [RFC 4975, section 7.1.1]", len(c.Body), b.Len()+1, c.Get("Byte-Range"))
		}
		b.Write(c.Body)
	}
	last := chunks[len(chunks)-1]
	if r, _ := parseByteRange(last.Get("Byte-Range")); last.Flag == '$' && r.total >= 0 && r.total != b.Len() {
		t.Errorf("a message of %d bytes has the total %d [RFC 4975, section 7.1.1]", b.Len(), r.total)
	}
	return b.String()
}

// A byteRange has -1 for *.
type byteRange struct{ start, end, total int }

func parseByteRange(s string) (r byteRange, err error) {
	from, total, ok := strings.Cut(s, "/")
	start, end, ok2 := strings.Cut(from, "-")
	if !ok || !ok2 {
		return r, fmt.Errorf("it is not START-END/TOTAL")
	}
	for _, n := range []struct {
		text string
		to   *int
	}{{start, &r.start}, {end, &r.end}, {total, &r.total}} {
		if *n.to, err = strconv.Atoi(n.text); n.text == "*" && n.to != &r.start {
			*n.to, err = -1, nil
		}
		if err != nil {
			return r, err
		}
	}
	return r, nil
}

// chunkCases are those of section 7.1.1 and 7.1.2.
func (b *senderBench) chunkCases() []Case {
	return []Case{
		must("msrp-sender/7.1.1/1", "the chunks of a message have one Message-ID, follow each other, and end with $", b.on(longText, "", func(t *T, s *taken) {
			chunks := s.message()
			if got := together(t, chunks); !strings.Contains(got, longText) || chunks[len(chunks)-1].Flag != '$' {
				t.Errorf("%d bytes come, and end with %c", len(got), chunks[len(chunks)-1].Flag)
			}
		})),
		must("msrp-sender/7.1.1/2", "a chunk of more than 2048 bytes can be interrupted: its range ends with *", b.on(longText, "", func(t *T, s *taken) {
			for _, c := range s.message() {
				if r, _ := parseByteRange(c.Get("Byte-Range")); len(c.Body) > 2048 && r.end >= 0 {
					t.Fatalf("one of %d bytes has the Byte-Range %q", len(c.Body), c.Get("Byte-Range"))
				}
			}
		})),
		must("msrp-sender/7.1.2/1", "a success report gets no response", b.on(shortText, "", func(t *T, s *taken) {
			c := s.message()
			s.Send("MSRP conformr SEND", "To-Path: "+s.offer.Path.String(), "From-Path: "+s.own, "Message-ID: conform1", "-------conformr$")
			s.Send("MSRP conforms REPORT", "To-Path: "+s.offer.Path.String(), "From-Path: "+s.own, "Message-ID: "+s.id,
				fmt.Sprintf("Byte-Range: 1-%d/%[1]d", len(c[0].Body)), "Status: 000 200 OK", "-------conforms$")
			s.Send("MSRP conformt SEND", "To-Path: "+s.offer.Path.String(), "From-Path: "+s.own, "Message-ID: conform2", "-------conformt$")
			for _, tid := range []string{"conformr", "conformt"} {
				if f := s.response(); f.TID != tid {
					t.Fatalf("a response to %s came where that to %s was awaited", f.TID, tid)
				}
			}
		})),
	}
}

// response waits for the next response.
func (s *taken) response() *msrptest.Frame {
	s.t.Helper()
	for {
		if f := s.next(); f.Method == "" {
			return f
		}
	}
}

// refusalCases are those of what a sender does when it is refused.
func (b *senderBench) refusalCases() []Case {
	return []Case{
		must("msrp-sender/10.5/1", "after 413, no more of the message is begun, but for its end, with #", b.on(strings.Repeat(longText, 10), "", func(t *T, s *taken) {
			for {
				f, err := s.read()
				if err != nil {
					return // it has ended the session
				}
				if f.Method != "SEND" || f.Body == nil {
					if f.Method == "SEND" {
						s.Answer(f, 200, "OK")
					}
					continue
				}
				if f.Flag == '$' {
					t.Error("the message is sent to its end, with $")
				}
				if f.Flag != '+' {
					return
				}
				s.Answer(f, 413, "Too Large")
			}
		})),
		should("msrp-sender/8.6/2", "what the answer's accept-types do not have is not sent", b.on(shortText, "a=accept-types:conform/unheard-of\r\n", func(t *T, s *taken) {
			for {
				f, err := s.read()
				if err != nil {
					return
				}
				if f.Body != nil && strings.HasPrefix(f.Get("Content-Type"), "text/plain") {
					t.Fatalf("%s is sent", f.Get("Content-Type"))
				}
				s.Answer(f, 200, "OK")
			}
		})),
		should("msrp-sender/8.6/3", "what is longer than the answer's max-size is not sent", b.on(longText, "a=accept-types:*\r\na=max-size:100\r\n", func(t *T, s *taken) {
			for {
				f, err := s.read()
				if err != nil {
					return
				}
				if f.Body != nil {
					t.Fatalf("a message with the Byte-Range %q is sent", f.Get("Byte-Range"))
				}
				s.Answer(f, 200, "OK")
			}
		})),
	}
}

// offerCases are those of section 8, of a call that a sender makes.
func (b *senderBench) offerCases() []Case {
	return []Case{
		must("msrp-sender/8.1/1", "the offer's m-line is of message and TCP/MSRP, with the format *", b.on(shortText, "", func(t *T, s *taken) {
			if !strings.Contains(s.sdp, fmt.Sprintf("m=message %d TCP/MSRP *\r\n", s.offer.Port)) && !strings.Contains(s.sdp, fmt.Sprintf("m=message %d TCP/TLS/MSRP *\r\n", s.offer.Port)) {
				t.Errorf("the offer is\n%s", s.sdp)
			}
		})),
		must("msrp-sender/8.1/2", "the m-line has the port of the path's last URI, and c= its host", b.on(shortText, "", func(t *T, s *taken) {
			if last := s.offer.Path[len(s.offer.Path)-1]; last.Port != s.offer.Port || !strings.EqualFold(last.Host, s.offer.Host) {
				t.Errorf("they are %s and %d, the path %s", s.offer.Host, s.offer.Port, s.offer.Path)
			}
		})),
		must("msrp-sender/8.2/1", "the offer has one path", b.on(shortText, "", func(t *T, s *taken) {
			if n := strings.Count(s.sdp, "\r\na=path:"); n != 1 {
				t.Errorf("there are %d", n)
			}
		})),
		must("msrp-sender/8.6/1", "the offer has accept-types", b.on(shortText, "", func(t *T, s *taken) {
			if !strings.Contains(s.sdp, "\r\na=accept-types:") {
				t.Errorf("the offer is\n%s", s.sdp)
			}
		})),
		should("msrp-sender/14.1/1", "the session-id has room for 80 random bits", b.on(shortText, "", func(t *T, s *taken) {
			if id := s.offer.Path[len(s.offer.Path)-1].SessionID; len(id) < 14 { // of 6 bits each
				t.Errorf("%q has %d characters", id, len(id))
			}
		})),
	}
}
