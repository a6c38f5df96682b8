package ladder

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

const (
	minGap = 14 // characters from one lifeline to the next
	maxGap = 44
	around = 8 // characters of an arrow beside its label

	headEvery = 50 // rows after which the names are repeated
)

// stroke is what the arrows of each protocol are made of.
var stroke = map[string]rune{"SIP": '-', "MSCP": '=', "MSRP": '~'}

// A layout is where the lifelines stand, in characters.
type layout struct {
	at    []int
	width int
}

// newLayout makes each gap wide enough for the labels of arrows between
// neighbours and for the names.
func (d *Diagram) newLayout(left int) layout {
	n := len(d.Lanes)
	gaps := make([]int, n+1) // gap i is left of lane i, the last right of all
	for i := range gaps {
		gaps[i] = minGap
	}
	for i := 1; i < n; i++ {
		both := utf8.RuneCountInString(d.Lanes[i-1]) + utf8.RuneCountInString(d.Lanes[i])
		gaps[i] = max(gaps[i], min(maxGap, both/2+4))
	}
	if n > 0 { // half a name is all that stands outside
		gaps[0] = utf8.RuneCountInString(d.Lanes[0])/2 + 2
		gaps[n] = utf8.RuneCountInString(d.Lanes[n-1])/2 + 2
	}
	for _, r := range d.Rows {
		if r.Folded > 0 {
			continue
		}
		lo, hi, need := min(r.From, r.To), max(r.From, r.To), utf8.RuneCountInString(r.Label)+around
		if lo == hi {
			gaps[lo+1] = max(gaps[lo+1], min(maxGap, need))
			continue
		}
		each := min(maxGap, (need+hi-lo-1)/(hi-lo))
		for i := lo + 1; i <= hi; i++ {
			gaps[i] = max(gaps[i], each)
		}
	}
	l := layout{at: make([]int, n)}
	x := left
	for i := range n {
		x += gaps[i]
		l.at[i] = x
	}
	l.width = x + gaps[n] + 1
	return l
}

// seconds since the first row.
func (d *Diagram) seconds(t time.Time) float64 { return t.Sub(d.Start).Seconds() }

// head is what stands above the ladder.
func (d *Diagram) head() []string {
	if len(d.Rows) == 0 {
		return []string{"no messages"}
	}
	span := d.Rows[len(d.Rows)-1].Time.Sub(d.Start)
	head := []string{fmt.Sprintf("%d messages from %s, %.3f s", d.Messages, d.Start.UTC().Format("2006-01-02 15:04:05.000 MST"), span.Seconds())}
	return append(head, d.Clocks...)
}

// WriteText writes text, with ----> for SIP, ====> for MSCP and ~~~~> for MSRP.
func (d *Diagram) WriteText(w io.Writer) error {
	out := bufio.NewWriter(w)
	for _, line := range d.head() {
		fmt.Fprintln(out, line)
	}
	fmt.Fprint(out, "SIP ---->  MSCP ====>  MSRP ~~~~>\n")
	left := timeWidth + 1
	l := d.newLayout(left)
	l.shrink(left, d.Width)
	for i, r := range d.Rows {
		if i%headEvery == 0 {
			fmt.Fprintf(out, "\n%s\n", d.names(l))
		}
		d.write(out, l, r)
		for line := range strings.Lines(r.Body) {
			fmt.Fprintf(out, "%s\"%s\"\n", strings.Repeat(" ", left+2), strings.TrimSuffix(line, "\n"))
		}
	}
	return out.Flush()
}

// names is the line with the names above their lifelines.
func (d *Diagram) names(l layout) string {
	line := []rune(strings.Repeat(" ", l.width))
	for i, name := range d.Lanes {
		room := l.width
		for _, j := range []int{i - 1, i + 1} { // as far as the middle to either side
			if j >= 0 && j < len(l.at) {
				room = min(room, max(l.at[i]-l.at[j], l.at[j]-l.at[i])-1)
			}
		}
		r := []rune(shortName(name, room))
		copy(line[max(0, l.at[i]-len(r)/2):], r)
	}
	return strings.TrimRight(string(line), " ")
}

func (d *Diagram) row(l layout, r Row) string {
	line := []rune(strings.Repeat(" ", l.width))
	for _, x := range l.at {
		line[x] = '|'
	}
	stamp := []rune(fmt.Sprintf("%*.4f", timeWidth, d.seconds(r.Time)))
	switch {
	case r.Folded > 0:
		at := max(l.at[0]+2, (l.at[0]+l.at[len(l.at)-1]-utf8.RuneCountInString(r.Label))/2-1)
		text := []rune(" " + r.Label + " ")
		line = append(line[:at], slices.Concat(text, line[min(len(line), at+len(text)):])...)
	case r.From == r.To:
		text := []rune("⟲ " + r.Label)
		at := l.at[r.From] + 2
		line = append(line[:at], slices.Concat(text, line[min(len(line), at+len(text)):])...)
	default:
		drawArrow(line, l.at[r.From], l.at[r.To], " "+r.Label+" ", stroke[r.Protocol])
	}
	copy(line, stamp)
	return strings.TrimRight(string(line), " ")
}

// write writes a row, with its note beside it or, where the width is bounded,
// below.
func (d *Diagram) write(out io.Writer, l layout, r Row) {
	line := d.row(l, r)
	if d.Width > 0 {
		line = shorten(line, d.Width)
	}
	switch {
	case r.Note == "":
	case d.Width == 0:
		line = fmt.Sprintf("%-*s  %s", l.width, line, r.Note)
	default:
		line += "\n" + shorten(strings.Repeat(" ", timeWidth+3)+r.Note, d.Width)
	}
	fmt.Fprintln(out, line)
}

// shorten is at most n characters of a line.
func shorten(line string, n int) string {
	if r := []rune(line); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return line
}

// shrink brings the lifelines together so that the layout is no wider than width,
// as far as minGap allows.
func (l *layout) shrink(left, width int) {
	over := l.width - width
	if width == 0 || over <= 0 {
		return
	}
	spare, last := 0, left // what the gaps have beyond the least
	for _, x := range l.at {
		spare += max(0, x-last-minGap)
		last = x
	}
	if spare == 0 {
		return
	}
	over = min(over, spare)
	taken, seen, last := 0, 0, left
	for i, x := range l.at {
		seen += max(0, x-last-minGap)
		last = x
		taken = over * seen / spare
		l.at[i] = x - taken
	}
	l.width -= taken
}
