// Package printable makes text of others safe for a terminal, a log, a table, SVG and
// HTML: nothing in it moves the cursor, changes colours, begins a line of its own or
// reverses the direction of writing.
//
// There is one policy: a character that unicode.IsPrint excludes, and a byte that is not
// UTF-8, become U+FFFD. What must be kept whole, such as JSON, is escaped instead; see
// package table.
package printable
