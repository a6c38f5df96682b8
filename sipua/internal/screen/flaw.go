package screen

import (
	"bytes"
	"fmt"
	"hash/fnv"
	"strings"

	"github.com/gomscp/gomscp/sipua/internal/grammar"
)

// A Flaw is why a message is not handed to sipgo, whose parser drops some malformed
// messages without an answer and misinterprets others.
type Flaw struct {
	Code   int // of the answer; 0 means no answer: the message is a response or an ACK
	Reason string
	Broken bool // the end of the message is not known: nothing more of a stream can be read
}

func (f *Flaw) Error() string { return f.Reason }

func malformedBy(reason string) *Flaw { return &Flaw{Code: 400, Reason: reason} }

// Answer makes the response to a request that has a flaw, to be sent without a
// transaction. It is nil if there must be no response. allow is the value of the Allow
// header of a 501. See RFC 3261, section 8.2.7.
func (f *Flaw) Answer(m *Message, allow string) []byte {
	if f.Code == 0 || m == nil {
		return nil
	}
	var b bytes.Buffer
	reason := grammar.ReasonPhrase(f.Code)
	if f.Code == 400 {
		reason += " (" + f.Reason + ")"
	}
	fmt.Fprintf(&b, "SIP/2.0 %d %s\r\n", f.Code, reason)
	vias := 0
	for _, l := range m.lines {
		switch l.name {
		case "via":
			vias++
			fmt.Fprintf(&b, "Via: %s\r\n", l.value)
		case "to":
			value := l.value
			if !strings.Contains(value, "tag=") {
				h := fnv.New64a() // the same for a repeated request [RFC3261-8.2.7]
				_, _ = h.Write([]byte(m.start + l.raw))
				value += fmt.Sprintf(";tag=%x", h.Sum64())
			}
			fmt.Fprintf(&b, "To: %s\r\n", value)
		case "from", "call-id", "cseq":
			name, _, _ := strings.Cut(l.raw, ":")
			fmt.Fprintf(&b, "%s: %s\r\n", strings.TrimRight(name, " \t"), l.value)
		}
	}
	if vias == 0 {
		return nil
	}
	if f.Code == 501 {
		fmt.Fprintf(&b, "Allow: %s\r\n", allow)
	}
	b.WriteString("Content-Length: 0\r\n\r\n")
	return b.Bytes()
}
