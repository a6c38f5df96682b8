// Package rfc4975 reads and checks MSRP for the conformance runner. It is a second
// implementation of the grammar in section 9 of RFC 4975, and of the rules for responses
// and reports in sections 7.1 and 7.2.
//
// It shares no code with package msrp, so that an error in that package does not hide
// itself in a test. A Judge reads both directions of a connection and keeps every Finding
// with the section that it breaks. It checks only the frames of the peer; those of the
// runner may break any rule.
package rfc4975
