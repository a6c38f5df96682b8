package ladder

import (
	"bufio"
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// Sizes of the SVG, in pixels.
const (
	charWidth = 7.3 // of a monospaced character of 12 px, and a little more
	rowHeight = 26
	headRow   = 44 // where the names are
	margin    = 16
)

// style tells the protocols apart by colour and stroke, on light and dark
// backgrounds.
const style = `
svg { --back: #ffffff; --ink: #1f2328; --dim: #6e7781; --line: #d0d7de; --box: #f3f5f7;
      --sip: #0550ae; --mscp: #9a3f00; --msrp: #116329; }
@media (prefers-color-scheme: dark) {
svg { --back: #0d1117; --ink: #e6edf3; --dim: #9198a1; --line: #3d444d; --box: #1c2129;
      --sip: #79c0ff; --mscp: #ffab70; --msrp: #7ee787; } }
text { font: 12px ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; fill: #1f2328; fill: var(--ink); white-space: pre; }
.back { fill: #ffffff; fill: var(--back); }
.dim { text-anchor: end; fill: #6e7781; fill: var(--dim); }
.life { stroke: #d0d7de; stroke: var(--line); }
.box { fill: #f3f5f7; fill: var(--box); stroke: #d0d7de; stroke: var(--line); }
.name { font-weight: bold; text-anchor: middle; }
.label { text-anchor: middle; stroke: #ffffff; stroke: var(--back); stroke-width: 4px; stroke-linejoin: round; paint-order: stroke; }
.note, .fold { fill: #6e7781; fill: var(--dim); }
.fold { font-style: italic; }
.arrow { fill: none; stroke-width: 1.5; }
.tip { fill: none; pointer-events: all; }
g.m:hover .tip { fill: #6e7781; fill-opacity: 0.12; }
.sip .arrow { stroke: #0550ae; stroke: var(--sip); } .sip .point { fill: #0550ae; fill: var(--sip); }
.mscp .arrow { stroke: #9a3f00; stroke: var(--mscp); stroke-width: 2.5; } .mscp .point { fill: #9a3f00; fill: var(--mscp); }
.msrp .arrow { stroke: #116329; stroke: var(--msrp); stroke-dasharray: 7 3; } .msrp .point { fill: #116329; fill: var(--msrp); }
.sip .label { fill: #0550ae; fill: var(--sip); } .mscp .label { fill: #9a3f00; fill: var(--mscp); } .msrp .label { fill: #116329; fill: var(--msrp); }
`

// WriteSVG writes a self-contained SVG without scripts. Each message is a row, with its
// first lines as a tooltip. It can be read on light and dark backgrounds.
func (d *Diagram) WriteSVG(w io.Writer) error {
	s := &svg{Writer: bufio.NewWriter(w), d: d, layout: d.newLayout(timeWidth + 1)}
	s.draw()
	return s.Flush()
}

type svg struct {
	*bufio.Writer
	d      *Diagram
	layout layout
	y      float64
}

// x is where a lifeline stands.
func (s *svg) x(lane int) float64 { return margin + float64(s.layout.at[lane])*charWidth }

func (s *svg) draw() {
	head := s.d.head()
	heads := (len(s.d.Rows)+headEvery-1)/headEvery + 1
	top := float64(margin + 18*(len(head)+1))
	height := top + float64(headRow*heads+rowHeight*len(s.d.Rows)) + margin
	width := 2*margin + float64(s.layout.width)*charWidth
	for _, r := range s.d.Rows {
		if r.Note != "" {
			width = max(width, 2*margin+float64(s.layout.width+2+utf8.RuneCountInString(r.Note))*charWidth)
		}
	}
	for _, line := range head {
		width = max(width, 2*margin+float64(utf8.RuneCountInString(line))*charWidth)
	}
	fmt.Fprintf(s, `<svg xmlns="http://www.w3.org/2000/svg" width="%.0f" height="%.0f" viewBox="0 0 %.0f %.0f" role="img">`+"\n", width, height, width, height)
	fmt.Fprintf(s, "<title>%s</title>\n<style>%s</style>\n", escape(head[0]), style)
	fmt.Fprintf(s, `<rect class="back" width="%.0f" height="%.0f"/>`+"\n", width, height)
	s.y = margin + 12
	for _, line := range head {
		s.text(margin, s.y, "", line)
		s.y += 18
	}
	s.legend()
	s.y = top
	if len(s.d.Rows) == 0 {
		fmt.Fprintln(s, "</svg>")
		return
	}
	for i := range s.d.Lanes {
		fmt.Fprintf(s, `<line class="life" x1="%[1]g" y1="%[2]g" x2="%[1]g" y2="%[3]g"/>`+"\n", round(s.x(i)), top, height-margin)
	}
	for i, r := range s.d.Rows {
		if i%headEvery == 0 {
			s.names()
		}
		s.row(r)
	}
	s.names()
	fmt.Fprintln(s, "</svg>")
}

// legend shows the strokes of the protocols.
func (s *svg) legend() {
	x := float64(margin)
	for _, p := range []string{"SIP", "MSCP", "MSRP"} {
		fmt.Fprintf(s, `<g class="%s">`, strings.ToLower(p))
		s.line(x, x+40, s.y-4)
		s.text(x+48, s.y, "", p)
		fmt.Fprintln(s, "</g>")
		x += 48 + 40 + float64(len(p))*charWidth
	}
}

// names draws the boxes with the names of the lanes.
func (s *svg) names() {
	for i, name := range s.d.Lanes {
		x, w := s.x(i), float64(utf8.RuneCountInString(name)+2)*charWidth
		fmt.Fprintf(s, `<rect class="box" x="%g" y="%g" width="%g" height="24" rx="4"/>`, round(x-w/2), s.y+10, round(w))
		s.text(x, s.y+26, "name", name)
		fmt.Fprintln(s)
	}
	s.y += headRow
}

func (s *svg) row(r Row) {
	if r.Folded > 0 {
		middle := (s.x(0) + s.x(len(s.d.Lanes)-1)) / 2
		s.text(max(middle, s.x(0)+float64(utf8.RuneCountInString(r.Label))*charWidth/2), s.y+rowHeight-9, "label fold", r.Label)
		fmt.Fprintln(s)
		s.y += rowHeight
		return
	}
	fmt.Fprintf(s, `<g class="m %s">`, strings.ToLower(r.Protocol))
	tip := r.Tip
	if r.Body != "" {
		tip += "\n\n" + r.Body
	}
	if tip != "" {
		fmt.Fprintf(s, "<title>%s</title>", escape(tip))
	}
	a, b, y := s.x(r.From), s.x(r.To), s.y+rowHeight-6
	lo, hi := min(a, b), max(a, b)
	fmt.Fprintf(s, `<rect class="tip" x="%d" y="%g" width="%g" height="%d"/>`, margin/2, s.y, round(float64(s.layout.width)*charWidth+margin), rowHeight)
	s.text(margin+timeWidth*charWidth, y, "dim", fmt.Sprintf("%.4f", s.d.seconds(r.Time)))
	if a == b {
		fmt.Fprintf(s, `<path class="arrow" d="M%g %gh18v8h-12"/><path class="point" d="M%g %gl8 -4v8z"/>`, round(a), y-8, round(a), y)
		s.text(a+26, y, "", r.Label)
	} else {
		s.line(a, b, y)
		room := max(4, int((hi-lo)/charWidth)-2)
		s.text((lo+hi)/2, y-5, "label", shortName(r.Label, room))
	}
	if r.Note != "" {
		s.text(margin+float64(s.layout.width+2)*charWidth, y, "note", r.Note)
	}
	fmt.Fprintln(s, "</g>")
	s.y += rowHeight
}

// line draws an arrow.
func (s *svg) line(from, to, y float64) {
	back := -8.0
	if to < from {
		back = 8
	}
	fmt.Fprintf(s, `<line class="arrow" x1="%g" y1="%g" x2="%g" y2="%g"/>`, round(from), y, round(to+back/2), y)
	fmt.Fprintf(s, `<path class="point" d="M%g %gl%g -4v8z"/>`, round(to), y, back)
}

func (s *svg) text(x, y float64, class, text string) {
	if class != "" {
		class = ` class="` + class + `"`
	}
	fmt.Fprintf(s, `<text%s x="%g" y="%g">%s</text>`, class, round(x), y, escape(text))
}

func round(x float64) float64 { return float64(int(x*10+0.5)) / 10 }

// escape also takes out what is no character of XML.
func escape(text string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(text)) // a Builder takes everything
	return strings.ReplaceAll(b.String(), "&#xA;", "\n")
}
