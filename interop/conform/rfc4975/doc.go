// Package rfc4975 is a second reading of RFC 4975, for the conformance runner: the grammar
// of section 9, and what sections 7.1 and 7.2 say of responses and reports.
//
// It shares no code with package msrp, so that a misreading there cannot hide itself: what
// our own recipient sends is judged here by code that did not write it. A [Judge] reads
// both directions of a connection and keeps every [Finding] together with the section that
// it breaks. Frames of the runner itself may break any rule: only what the peer sends is
// judged.
package rfc4975
