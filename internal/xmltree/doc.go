// Package xmltree reads XML documents from peers into small trees: MSCP, presence
// documents and registrations.
package xmltree

import "fmt"

// An Error is the place and the reason of an error in a document.
type Error struct {
	Offset   int64  // in bytes, from the start of the received document
	Rule     string // the broken rule
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
