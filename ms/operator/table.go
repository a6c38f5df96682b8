package operator

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"
	"unicode/utf16"

	"github.com/gomscp/gomscp/internal/daemon"
)

// columnWidth is the most characters of a stranger's text in a table, unless -wide
// is given.
const columnWidth = 40

// clean is a stranger's text, safe for a terminal.
func clean(s string) string {
	if s == "" {
		return "-"
	}
	return daemon.Printable(s)
}

// cell is a stranger's text in a table.
func (c *command) cell(s string) string {
	if c.wide {
		return clean(s)
	}
	return daemon.Cut(clean(s), columnWidth)
}

func at(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format(time.RFC3339)
}

// age is how long ago t was, to a unit that fits: 45s, 12m, 3h, 2d5h.
func age(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	d := max(time.Since(t), 0)
	switch {
	case d < time.Minute:
		d = d.Round(time.Second)
	case d < time.Hour:
		d = d.Round(time.Minute)
	default:
		d = d.Round(time.Hour)
	}
	return daemon.FormatDuration(d)
}

// volume is a number of bytes in a sentence.
func volume(n int64) string {
	if n < 1000 {
		return daemon.Count(n, "byte")
	}
	return daemon.FormatSize(n)
}

// rows writes a list: as a table with that head, or with -json as one JSON object a
// line.
type rows struct {
	c *command
	w *tabwriter.Writer
}

func (c *command) rows(head ...string) rows {
	w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	if !c.json {
		fmt.Fprintln(w, strings.Join(head, "\t"))
	}
	return rows{c, w}
}

// add writes one item, whose cells are made only for a table.
func (r rows) add(item any, cells func() []string) error {
	if r.c.json {
		return writeJSON(r.c.out, item)
	}
	_, err := fmt.Fprintln(r.w, strings.Join(cells(), "\t"))
	return err
}

// writeJSON writes one line of JSON in which whatever is not printable is escaped:
// JSON itself demands that of a few characters only.
func writeJSON(w io.Writer, item any) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(item); err != nil {
		return err
	}
	var line strings.Builder
	for _, r := range strings.TrimSuffix(b.String(), "\n") {
		switch {
		case unicode.IsPrint(r):
			line.WriteRune(r)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&line, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(&line, `\u%04x`, r)
		}
	}
	_, err := fmt.Fprintln(w, line.String())
	return err
}
