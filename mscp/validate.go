package mscp

import (
	"bytes"
	"fmt"
	"strings"
)

// Options are how a document is read. The zero value reads leniently and
// drops what is foreign.
type Options struct {
	// Strict refuses a document with any finding.
	Strict bool
	// KeepForeign keeps attributes and elements of other namespaces beside
	// those of the draft, so that they survive being written again.
	KeepForeign bool
}

// A Finding is one broken rule of a document.
type Finding struct {
	Offset    int64 // in bytes
	Line, Col int   // from 1; Col in bytes
	Rule      string
	// Fatal findings refuse the document in lenient reading, too.
	Fatal bool
}

func (f Finding) String() string {
	if f.Line == 0 { // it has no place
		return f.Rule
	}
	return fmt.Sprintf("%d:%d: %s", f.Line, f.Col, f.Rule)
}

// A ValidationError holds everything that is wrong with a document.
type ValidationError struct{ Findings []Finding }

func (e *ValidationError) Error() string {
	var texts []string
	for _, f := range e.Findings {
		texts = append(texts, f.String())
	}
	return "mscp: " + strings.Join(texts, "; ")
}

// ParseDocument reads one document leniently. Errors are *ParseError.
func ParseDocument(b []byte) (*Document, error) { return ParseWith(b, Options{}) }

// ParseWith reads one document. Errors are *ParseError; in strict reading
// *ValidationError where the document could be read, but breaks rules.
func ParseWith(b []byte, o Options) (*Document, error) {
	doc, err := parsePartly(b, o)
	if err != nil {
		return nil, err
	}
	return doc, nil
}

// parsePartly is ParseWith, and returns with an error as much of the document
// as could be read, or nil.
func parsePartly(b []byte, o Options) (*Document, error) {
	doc, found, err := parse(b, o)
	if err != nil {
		return nil, err
	}
	if o.Strict && len(found) > 0 {
		locate(b, found)
		return doc, &ValidationError{found}
	}
	for _, f := range found {
		if f.Fatal { // [MSCP-3.3-5]
			return doc, &ParseError{f.Offset, f.Rule}
		}
	}
	return doc, nil
}

// Validate lists every rule that a document breaks, in the order of the
// elements. What is not well-formed XML, or over a limit, is one finding.
func Validate(b []byte) []Finding {
	_, found, err := parse(b, Options{})
	if p, ok := err.(*ParseError); ok {
		found = []Finding{{Offset: p.Offset, Rule: p.Rule, Fatal: true}}
	}
	locate(b, found)
	return found
}

func locate(b []byte, found []Finding) {
	for i := range found {
		before := b[:min(int(found[i].Offset), len(b))]
		found[i].Line = 1 + bytes.Count(before, []byte("\n"))
		found[i].Col = len(before) - bytes.LastIndexByte(before, '\n')
	}
}
