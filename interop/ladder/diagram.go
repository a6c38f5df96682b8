package ladder

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// A Diagram is a ladder of messages from trace files.
type Diagram struct {
	Lanes []string  // the names of the nodes, from left to right
	Rows  []Row     // in order of time
	Start time.Time // of the first row
	// Clocks lists the clocks that were corrected.
	Clocks []string
	// Notes lists what was left out of the diagram.
	Notes []string
	// Messages is the number of messages in the rows.
	Messages int
	// Width bounds a line of text, in characters; 0 means no limit.
	Width int
}

// A Row is one line of a Diagram: a message or several chunks.
type Row struct {
	Time     time.Time
	From, To int // indexes of Lanes
	Protocol string
	Label    string
	Tip      string // where and when, and the first lines; several lines
	Body     string // of MSRP, with Options.Bodies
	Note     string // the explanation, with Options.Explain
	// Folded, if not 0, is the number of messages, repetitions of the rows above, that
	// this row represents. The row then has no From, To and Protocol.
	Folded int
}

// Read reads trace files and makes a Diagram of the records that o selects. It fails with
// a *LineError at a line that is not a trace record, unless o.Skip is set.
func Read(ctx context.Context, paths []string, o Options) (*Diagram, error) {
	in := &input{ctx: ctx, paths: paths, o: o}
	x := newMatcher(o.Bodies)
	if err := in.match(x); err != nil {
		return nil, err
	}
	return newDiagram(x.messages, in.notes, o), nil
}

func newDiagram(messages []*message, notes []string, o Options) *Diagram {
	d := &Diagram{Notes: notes, Messages: len(messages), Width: o.Width, Clocks: correctClocks(messages)}
	sortByTime(messages)
	rows := fold(messages, o.Chunks)
	l := newLanes(rows, o)
	d.Lanes = l.names
	for _, r := range rows {
		from, to := l.of(r.from), l.of(r.to)
		note := ""
		if o.Explain {
			note = explain(r)
		}
		d.Rows = append(d.Rows, Row{
			Note: note,
			Time: r.at(), From: from, To: to, Protocol: r.protocol, Label: l.fullLabel(r, from, to), Tip: tip(r), Body: r.body,
		})
	}
	if len(rows) > 0 {
		d.Start = rows[0].at()
	}
	if !o.Repeats {
		d.foldRepeats()
	}
	return d
}

// tip is what is known of a message beside its label.
func tip(m *message) string {
	if m.tip == "" {
		return ""
	}
	var b strings.Builder
	if m.from.node != "" {
		fmt.Fprintf(&b, "sent by %s at %s\n", endName(m.from), clock(m.from.time))
	} else {
		fmt.Fprintf(&b, "from %s, which has traced nothing\n", short(m.from.addr, 80))
	}
	if m.to.node != "" {
		fmt.Fprintf(&b, "received by %s at %s", endName(m.to), clock(m.to.time))
		if m.from.node != "" {
			fmt.Fprintf(&b, " (%+.3f ms)", float64(m.to.time.Sub(m.from.time))/1e6)
		}
	} else {
		fmt.Fprintf(&b, "to %s, which has traced nothing", short(m.to.addr, 80))
	}
	return b.String() + "\n\n" + m.tip
}

func endName(e end) string {
	return short(e.node, 40) + " (" + short(e.addr, 80) + ")"
}

func clock(t time.Time) string { return t.UTC().Format("15:04:05.000000") }

// fold puts one line in the place of the chunks in the middle of an MSRP
// message and their 200s. Anything else that answers a chunk stays.
func fold(messages []*message, chunks bool) []*message {
	if chunks {
		return messages
	}
	folded := map[string]*message{} // the line, by the message's name and way
	count := map[*message]int{}
	hidden := map[string]bool{} // transactions
	rows := make([]*message, 0, len(messages))
	for _, m := range messages {
		switch way := m.from.addr + " " + m.to.addr + " "; {
		case !m.isChunk:
		case !m.chunk.send:
			back := m.to.addr + " " + m.from.addr + " " + m.chunk.id
			if hidden[back] && m.chunk.ok {
				delete(hidden, back)
				continue
			}
		case !m.chunk.first && !m.chunk.last:
			hidden[way+m.chunk.id] = true
			line := folded[way+m.chunk.message]
			if line == nil {
				line = &message{protocol: m.protocol, from: m.from, to: m.to}
				folded[way+m.chunk.message] = line
				rows = append(rows, line)
			}
			count[line]++
			continue
		}
		rows = append(rows, m)
	}
	for line, n := range count {
		line.label = fmt.Sprintf("… %d chunks …", n)
	}
	return rows
}
