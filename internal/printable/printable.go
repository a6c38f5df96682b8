package printable

import (
	"io"
	"strings"
	"unicode"
)

// String is s on one line: a tab becomes a blank, and any other character that is not
// printable becomes U+FFFD.
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
func Short(s string, n int) string { return String(Cut(s, n)) }

// Cut is at most n characters of s as it is, with an ellipsis for what is left out.
func Cut(s string, n int) string {
	for at := range s {
		if n--; n < 0 {
			return s[:at] + "…"
		}
	}
	return s
}

// NewWriter returns a writer that passes on Text of what is written to it. A character
// or CRLF that is split between two writes is not put together.
func NewWriter(w io.Writer) io.Writer { return writer{w} }

type writer struct{ w io.Writer }

func (p writer) Write(b []byte) (int, error) {
	if _, err := io.WriteString(p.w, Text(string(b))); err != nil {
		return 0, err
	}
	return len(b), nil
}

// char replaces what is not printable. IsPrint excludes control characters, format
// characters such as U+202E, and line separators.
func char(c rune) rune {
	if unicode.IsPrint(c) {
		return c
	}
	return unicode.ReplacementChar
}
