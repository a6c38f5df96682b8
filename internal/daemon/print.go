package daemon

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Printable is a stranger's text, safe for a terminal, a log or a table: what is
// not printable, such as a line break or an escape, becomes a question mark, and a
// byte that is no UTF-8 as well.
func Printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, s)
}

// Cut is s, of no more than n characters: a longer one ends in an ellipsis.
func Cut(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	i := 0
	for at := range s {
		if i++; i == n {
			return s[:at] + "…"
		}
	}
	return s
}
