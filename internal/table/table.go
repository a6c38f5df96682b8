// Package table writes lists for operators: as tables whose columns have a bounded width,
// or as lines of JSON. Text from strangers is made printable.
package table

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
	"github.com/gomscp/gomscp/internal/printable"
)

// Width is the largest number of characters in a column, unless Writer.Wide is set.
const Width = 40

// A Writer writes a list to W: as a table or, with JSON, as one JSON object a line.
type Writer struct {
	W    io.Writer
	JSON bool
	Wide bool // columns are as wide as their contents

	tab *tabwriter.Writer
}

// Head writes the names of the columns.
func (t *Writer) Head(columns ...string) {
	t.tab = tabwriter.NewWriter(t.W, 0, 0, 2, ' ', 0)
	if !t.JSON {
		fmt.Fprintln(t.tab, strings.Join(columns, "\t"))
	}
}

// Add writes one item. cells is called only for a table.
func (t *Writer) Add(item any, cells func() []string) error {
	if t.JSON {
		return WriteJSON(t.W, item)
	}
	_, err := fmt.Fprintln(t.tab, strings.Join(cells(), "\t"))
	return err
}

// Flush writes the rest of the table.
func (t *Writer) Flush() error { return t.tab.Flush() }

// Cell returns a stranger's text for a table: printable and, unless the table is wide,
// cut to Width characters.
func (t *Writer) Cell(s string) string {
	if t.Wide {
		return Clean(s)
	}
	return printable.Cut(Clean(s), Width-1)
}

// Clean returns a stranger's text in printable form; "-" if it is empty.
func Clean(s string) string {
	if s == "" {
		return "-"
	}
	return printable.String(s)
}

// At returns a time in UTC; "-" for the zero time.
func At(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format(time.RFC3339)
}

// Age returns how long ago t was, in suitable units: 45s, 12m, 3h, 2d5h.
func Age(t time.Time) string {
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

// Volume returns a number of bytes in words.
func Volume(n int64) string {
	if n < 1000 {
		return daemon.Count(n, "byte")
	}
	return daemon.FormatSize(n)
}

// WriteJSON writes one line of JSON, in which all characters that are not printable are
// escaped. JSON itself requires this for a few characters only.
func WriteJSON(w io.Writer, item any) error {
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
