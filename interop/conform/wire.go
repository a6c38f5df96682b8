package conform

import (
	"fmt"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/gomscp/gomscp/internal/printable"
)

const (
	// MaxWire bounds the messages of a case in a Result, in bytes.
	MaxWire = 64 << 10
	// MaxMessage bounds the text of one of these messages, in bytes.
	MaxMessage = 8 << 10
	// maxWireLine bounds a line that is shown, in characters.
	maxWireLine = 500
)

// A Message was sent or received on a connection during a case.
type Message struct {
	At   time.Duration // since the case began
	Sent bool          // by the runner; otherwise by the peer
	Over string        // SIP, MSCP or MSRP; "" for other bytes
	Text string        // its bytes, in printable form
	Cut  int           // bytes that Text does not have
}

// String returns the message with > (sent) or < (received) before each line.
func (m Message) String() string {
	dir := "<"
	if m.Sent {
		dir = ">"
	}
	var b strings.Builder
	for line := range strings.Lines(m.Text) {
		fmt.Fprintf(&b, "%s %s\n", dir, strings.TrimRight(line, "\r\n"))
	}
	if m.Cut > 0 {
		fmt.Fprintf(&b, "%s … %d more bytes of this message are not shown\n", dir, m.Cut)
	}
	return b.String()
}

// A wire takes down what goes over connections, up to MaxWire bytes.
type wire struct {
	mu    sync.Mutex
	began time.Time
	all   []*noted
	size  int
	lost  int // bytes that were not taken down
}

// noted is a message that may grow.
type noted struct {
	at   time.Duration
	sent bool
	over string
	raw  strings.Builder
	cut  int
}

// begins matches the beginning of a message within a stream.
var begins = regexp.MustCompile(`(?:REQ|NOTIF) MSCP/[0-9]|MSCP/[0-9.]+ [0-9]{3} |MSRP [A-Za-z0-9]\S* (?:[0-9]{3}|[A-Z]+)\b|SIP/2\.0 [0-9]{3} |(?:INVITE|ACK|BYE|CANCEL|OPTIONS|INFO|UPDATE|NOTIFY|SUBSCRIBE|REGISTER|PUBLISH|REFER|MESSAGE) sips?:`)

// over is the protocol of a message by how it begins.
func over(message string) string {
	for _, name := range []string{"MSCP", "MSRP"} {
		if loc := begins.FindStringIndex(message); loc != nil && loc[0] == 0 && strings.Contains(message[:loc[1]], name) {
			return name
		}
	}
	if loc := begins.FindStringIndex(message); loc != nil && loc[0] == 0 {
		return "SIP"
	}
	return ""
}

// note takes down one write or read; dir is ">" or "<".
func (w *wire) note(dir string, b []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.size >= MaxWire {
		w.lost += len(b)
		return
	}
	for _, piece := range pieces(string(b)) {
		w.take(dir == ">", piece)
	}
}

// pieces takes bytes apart where messages begin in them.
func pieces(s string) (all []string) {
	if over(s) == "SIP" { // a message comes alone
		return []string{s}
	}
	last := 0
	for _, loc := range begins.FindAllStringIndex(s, -1) {
		if loc[0] > last {
			all = append(all, s[last:loc[0]])
			last = loc[0]
		}
	}
	return append(all, s[last:])
}

func (w *wire) take(sent bool, piece string) {
	if w.began.IsZero() {
		w.began = time.Now()
	}
	name := over(piece)
	m := w.lastOf(sent)
	if m == nil || name != "" || m.over == "SIP" {
		if w.size >= MaxWire {
			w.lost += len(piece)
			return
		}
		m = &noted{at: time.Since(w.began), sent: sent, over: name}
		w.all = append(w.all, m)
	}
	room := min(len(piece), MaxMessage-m.raw.Len(), MaxWire-w.size)
	m.raw.WriteString(piece[:room])
	m.cut += len(piece) - room
	w.size += room
}

// lastOf is the last message, if it went that way.
func (w *wire) lastOf(sent bool) *noted {
	if len(w.all) == 0 || w.all[len(w.all)-1].sent != sent {
		return nil
	}
	return w.all[len(w.all)-1]
}

// messages are what was taken down, and a last one that says what was not, if anything.
func (w *wire) messages() (all []Message) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, m := range w.all {
		all = append(all, Message{At: m.at, Sent: m.sent, Over: m.over, Text: shownLines(m.raw.String()), Cut: m.cut})
	}
	if w.lost > 0 {
		all = append(all, Message{Text: fmt.Sprintf("… what came after these %d bytes, %d more, is not shown\n", w.size, w.lost)})
	}
	return all
}

// shownLines makes a message printable line by line.
func shownLines(raw string) string {
	var b strings.Builder
	for line := range strings.Lines(raw) {
		line = strings.TrimRight(line, "\r\n")
		b.WriteString(printable.Short(line, maxWireLine) + "\n")
		if n := len([]rune(line)); n > maxWireLine {
			fmt.Fprintf(&b, "… %d more characters of this line are not shown\n", n-maxWireLine)
		}
	}
	return b.String()
}

func (w *wire) String() string {
	var b strings.Builder
	for _, m := range w.messages() {
		b.WriteString(m.String())
	}
	return b.String()
}
