// Package draft is a second reading of draft-mcglashan-mscp-02, for the conformance
// runner: the schema of section 8 as a table, the grammar of section 7.2 and the session
// descriptions of section 7.2.1.
//
// It shares no code with package mscp, so that a misreading there cannot hide itself:
// what one of our servers sends is judged here by code that did not write it. It is for
// judging, not for speed, and takes nothing that the draft does not have: [Document] and
// [Read] tell every [Finding] together with the section that it breaks.
//
// The tokens of XML come from encoding/xml. What that package lets pass (two attributes of
// one name, a second root, prefixes that nobody has declared) is checked here.
//
// # Where the draft contradicts itself
//
// Of the grammar and the examples of section 7.2, both are taken: one blank or two before
// a request-id in a request-line, and headers in either order. Sections 4 and 5 call the
// reason of an error mandatory while the schema does not: it is mandatory. The schema has
// an element of another namespace directly in mscp, section 3.2 has not: it is refused.
package draft
