package cpim

import (
	"errors"
	"fmt"
	"strings"
)

// ErrNoHeader means that a message does not have the requested header.
var ErrNoHeader = errors.New("cpim: no such header")

// A SyntaxError is the place and the broken rule of a parse error.
type SyntaxError struct {
	// Rule is the name of the rule in RFC 3862, section 3.6, or RFC 5438,
	// sections 10 and 11.
	Rule string
	// Offset counts bytes from the start of the text that was read: the
	// message, or the value of one header.
	Offset int
	// Problem describes the error.
	Problem string
}

// Error returns rule, offset and problem.
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("cpim: %s at offset %d: %s", e.Rule, e.Offset, e.Problem)
}

func syntaxErr(rule string, offset int, problem string) error {
	return &SyntaxError{Rule: rule, Offset: offset, Problem: problem}
}

// A RequireError lists the features that a message requires and the receiver does not
// understand. See RFC 3862, section 3.5.
type RequireError struct {
	// Features are the names as they stand in the message.
	Features []string
}

// Error returns the list of names.
func (e *RequireError) Error() string {
	return "cpim: the message requires " + strings.Join(e.Features, ", ")
}
