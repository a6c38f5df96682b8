// Package draft reads and checks MSCP messages for the conformance runner. It is a second
// implementation of draft-mcglashan-mscp-02: the schema of section 8 as a table, the
// grammar of section 7.2, and the session descriptions of section 7.2.1.
//
// It shares no code with package mscp, so that an error in that package does not hide
// itself in a test. It is not fast, and accepts only what the draft allows: Document and
// Read return every Finding with the section that it breaks.
//
// XML tokens come from encoding/xml. This package checks what encoding/xml does not:
// duplicate attributes, a second root element, and undeclared prefixes.
//
// # Where the draft contradicts itself
//
// Of the grammar and the examples of section 7.2, both are accepted: one or two blanks
// before a request-id in a request-line, and headers in either order. Sections 4 and 5
// call the reason of an error mandatory, and the schema does not: it is mandatory. The
// schema allows an element of another namespace directly in mscp, and section 3.2 does
// not: it is refused.
package draft
