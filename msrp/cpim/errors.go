package cpim

import (
	"errors"
	"fmt"
	"strings"
)

// ErrNoHeader means that a message does not have the header that was asked for.
var ErrNoHeader = errors.New("cpim: no such header")

// A SyntaxError says where text breaks which rule.
type SyntaxError struct {
	// Rule is the name of the rule in RFC 3862, section 3.6, or RFC 5438,
	// sections 10 and 11.
	Rule string
	// Offset counts bytes from the start of the text that was read: the
	// message, or the value of one header.
	Offset int
	// Problem says what is wrong there.
	Problem string
}

// Error gives rule, offset and problem.
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("cpim: %s at offset %d: %s", e.Rule, e.Offset, e.Problem)
}

func syntaxErr(rule string, offset int, problem string) error {
	return &SyntaxError{Rule: rule, Offset: offset, Problem: problem}
}

// A RequireError lists what the sender of a message requires and the receiver
// does not understand. See RFC 3862, section 3.5.
type RequireError struct {
	// Features are the names as they stand in the message.
	Features []string
}

// Error lists the names.
func (e *RequireError) Error() string {
	return "cpim: the message requires " + strings.Join(e.Features, ", ")
}
