// Package xmltree reads the XML documents of others into small trees: those of
// MSCP, and of presence and registrations.
package xmltree

import "fmt"

// An Error says what is wrong with a document, and where.
type Error struct {
	Offset   int64  // in bytes, from the start of the document as it came
	Rule     string // that is broken
	Encoding bool   // the rule is about the character encoding
}

func (e *Error) Error() string { return fmt.Sprintf("byte %d: %s", e.Offset, e.Rule) }

// shorten keeps strangers' bytes in errors few.
func shorten(s string) string {
	if len(s) > 40 {
		return s[:40] + "..."
	}
	return s
}
