// Package printable makes what strangers have written fit for a terminal, a
// table, SVG and HTML: nothing in it moves the cursor, changes colours, begins a line
// of its own or turns the direction of writing around.
package printable

import (
	"strings"
	"unicode"
)

// String is s on one line: what is not printable becomes U+FFFD, and a tab a blank.
func String(s string) string {
	return strings.Map(func(c rune) rune {
		if c == '\t' {
			return ' '
		}
		return char(c)
	}, s)
}

// Text is s with its lines and tabs kept. An end of line of CRLF becomes LF.
func Text(s string) string {
	return strings.Map(func(c rune) rune {
		if c == '\n' || c == '\t' {
			return c
		}
		return char(c)
	}, strings.ReplaceAll(s, "\r\n", "\n"))
}

// Short is at most n characters of String, with an ellipsis for what is left out.
func Short(s string, n int) string {
	var b strings.Builder
	for _, c := range s {
		if n--; n < 0 {
			b.WriteRune('…')
			break
		}
		b.WriteString(String(string(c)))
	}
	return b.String()
}

// char replaces what is not printable. IsPrint has no control characters, no
// characters of format such as U+202E, and no line separators.
func char(c rune) rune {
	if unicode.IsPrint(c) {
		return c
	}
	return unicode.ReplacementChar
}
