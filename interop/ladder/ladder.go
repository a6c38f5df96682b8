package ladder

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/gomscp/gomscp/internal/daemon"
)

const (
	columnWidth = 20 // characters from one lifeline to the next
	timeWidth   = 9

	// settle is how long a record waits for older ones of other nodes, whose
	// pipes may be slower, before it is drawn.
	settle = 60 * time.Millisecond

	// maxWaiting bounds the records that wait; when it is reached, the oldest
	// are drawn early.
	maxWaiting = 4096
)

// A Ladder draws records as they arrive.
type Ladder struct {
	w       io.Writer
	columns []string
	began   time.Time

	mu      sync.Mutex
	names   map[string]string // node by host:port
	waiting []daemon.TraceRecord
	hidden  map[string]bool // transaction ids of MSRP chunks that were not drawn
	skipped map[string]int  // how many, by the pair of nodes
	timer   *time.Timer
	Count   int // messages drawn or folded into another line
}

// New returns a ladder with one column for each node, in this order.
func New(w io.Writer, columns ...string) *Ladder {
	return &Ladder{
		w: w, columns: columns, began: time.Now(),
		names: map[string]string{}, hidden: map[string]bool{}, skipped: map[string]int{},
	}
}

// Name sets the node of a host:port. It is not necessary for addresses that a record has
// as its local address.
func (l *Ladder) Name(addr, node string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.names[addr] = node
}

// Header draws the names of the columns.
func (l *Ladder) Header() {
	l.mu.Lock()
	defer l.mu.Unlock()
	line := []rune(strings.Repeat(" ", timeWidth+columnWidth*len(l.columns)))
	for i, c := range l.columns {
		copy(line[max(0, l.at(i)-len(c)/2):], []rune(c))
	}
	fmt.Fprintln(l.w, strings.TrimRight(string(line), " "))
}

// Note draws a line of text after all records so far.
func (l *Ladder) Note(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.drain(time.Now())
	fmt.Fprintf(l.w, "\n%s\n\n", fmt.Sprintf(format, args...))
}

// Add adds one record. It is drawn after a short delay, in the order of time.
func (l *Ladder) Add(r daemon.TraceRecord) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.names[r.Local] = r.Node
	i, _ := slices.BinarySearchFunc(l.waiting, r, func(a, b daemon.TraceRecord) int {
		if a.Time.After(b.Time) {
			return 1
		}
		return -1
	})
	l.waiting = slices.Insert(l.waiting, i, r)
	if len(l.waiting) > maxWaiting {
		l.drain(l.waiting[0].Time)
	}
	if l.timer == nil {
		l.timer = time.AfterFunc(settle, l.tick)
	}
}

func (l *Ladder) tick() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.drain(time.Now().Add(-settle))
	l.timer = nil
	if len(l.waiting) > 0 {
		l.timer = time.AfterFunc(settle, l.tick)
	}
}

// Flush draws all waiting records.
func (l *Ladder) Flush() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.drain(time.Now().Add(settle))
}

// drain draws what is not younger than until.
func (l *Ladder) drain(until time.Time) {
	n := 0
	for n < len(l.waiting) && !l.waiting[n].Time.After(until) {
		l.draw(l.waiting[n])
		n++
	}
	l.waiting = slices.Delete(l.waiting, 0, n)
}

// draw draws one record, unless its other end draws it.
func (l *Ladder) draw(r daemon.TraceRecord) {
	peer := l.names[r.Peer]
	if r.Direction == daemon.Received && peer != "" {
		return // the sender has traced it as well
	}
	from, to := r.Node, peer
	if r.Direction == daemon.Received {
		from, to = peer, r.Node
	}
	text := label(r.Protocol, r.Raw)
	l.Count++
	if r.Protocol == "MSRP" && l.fold(r, from, to) {
		return
	}
	l.arrow(r.Time, from, to, text)
}

// fold reports whether the record is one of many chunks and stays undrawn.
func (l *Ladder) fold(r daemon.TraceRecord, from, to string) bool {
	c, ok := chunk(r.Raw, r.Size)
	if !ok {
		return false
	}
	if !c.send {
		hidden := l.hidden[c.id]
		delete(l.hidden, c.id)
		return hidden
	}
	way := from + ">" + to
	if !c.first && !c.last {
		l.skipped[way]++
		l.hidden[c.id] = true
		return true
	}
	if n := l.skipped[way]; n > 0 && c.last {
		l.arrow(r.Time, from, to, fmt.Sprintf("… %d chunks …", n))
		delete(l.skipped, way)
	}
	return false
}

func (l *Ladder) at(column int) int { return timeWidth + columnWidth/2 + column*columnWidth }

// arrow draws one line with all lifelines and the arrow on top. A node that
// has no column is named in the text.
func (l *Ladder) arrow(t time.Time, from, to, text string) {
	line := []rune(strings.Repeat(" ", timeWidth+columnWidth*len(l.columns)))
	copy(line, []rune(fmt.Sprintf("%8.3f", t.Sub(l.began).Seconds())))
	for i := range l.columns {
		line[l.at(i)] = '|'
	}
	a, b := slices.Index(l.columns, from), slices.Index(l.columns, to)
	switch {
	case a < 0 || b < 0:
		text = fmt.Sprintf(" %s → %s: %s", orUnknown(from), orUnknown(to), text)
		fmt.Fprintln(l.w, strings.TrimRight(string(line), " ")+text)
		return
	case a == b:
		copy(line[l.at(a)+1:], []rune(" "+text))
	default:
		drawArrow(line, l.at(a), l.at(b), text, '-')
	}
	fmt.Fprintln(l.w, strings.TrimRight(string(line), " "))
}

func orUnknown(node string) string {
	if node == "" {
		return "?"
	}
	return node
}

// drawArrow fills the line between two lifelines, with the text in the middle.
func drawArrow(line []rune, from, to int, text string, stroke rune) {
	lo, hi := min(from, to)+1, max(from, to)-1
	for i := lo; i <= hi; i++ {
		line[i] = stroke
	}
	if from < to {
		line[hi] = '>'
	} else {
		line[lo] = '<'
	}
	room := hi - lo - 3
	if utf8.RuneCountInString(text) > room {
		text = string([]rune(text)[:room-1]) + "…"
	}
	r := []rune(text)
	copy(line[lo+(hi-lo+1-len(r))/2:], r)
}
