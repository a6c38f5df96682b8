package msrp

import (
	"crypto/rand"
)

// Heads are written without the end-line; the connection's writer adds the
// blank line, body and end-line.

func appendRequest(b []byte, tid, method string, to, from string) []byte {
	b = append(b, "MSRP "...)
	b = append(b, tid...)
	b = append(b, ' ')
	b = append(b, method...)
	b = append(b, "\r\n"...)
	return appendPaths(b, to, from)
}

func appendResponse(b []byte, tid string, code int, reason string, to, from string) []byte {
	b = append(b, "MSRP "...)
	b = append(b, tid...)
	b = append(b, ' ')
	b = append(b, byte('0'+code/100%10), byte('0'+code/10%10), byte('0'+code%10))
	if reason != "" {
		b = append(b, ' ')
		b = appendClean(b, reason)
	}
	b = append(b, "\r\n"...)
	return appendPaths(b, to, from)
}

// appendPaths writes the two paths, which are the first headers, in this order
// [RFC4975-9-1].
func appendPaths(b []byte, to, from string) []byte {
	b = appendField(b, hdrToPath, to)
	return appendField(b, hdrFromPath, from)
}

func appendField(b []byte, name, value string) []byte {
	b = append(b, name...)
	b = append(b, ": "...)
	b = appendClean(b, value)
	return append(b, "\r\n"...)
}

// appendClean writes text that must not break out of its line.
func appendClean(b []byte, s string) []byte {
	n := len(b)
	b = append(b, s...)
	for i, c := range b[n:] {
		if c < ' ' && c != '\t' || c == 0x7f {
			b[n+i] = ' '
		}
	}
	return b
}

func appendRange(b []byte, r byteRange) []byte {
	b = append(b, hdrByteRange...)
	b = append(b, ": "...)
	b = r.appendTo(b)
	return append(b, "\r\n"...)
}

func appendEndLine(b []byte, tid string, flag byte) []byte {
	b = append(b, dashes...) // [RFC4975-7.1-7]
	b = append(b, tid...)
	return append(b, flag, '\r', '\n')
}

const idAlphabet = "abcdefghijklmnopqrstuvwxyz234567"

// newID makes a random ident of n characters, 5 random bits each.
func newID(n int) string {
	b := make([]byte, n)
	rand.Read(b) // never fails
	for i := range b {
		b[i] = idAlphabet[b[i]&31]
	}
	return string(b)
}

// isMIME reports whether a header belongs to the body.
func isMIME(name string) bool {
	_, ok := cutFold(name, "Content-")
	return ok
}

// newTransactionID has 80 random bits [RFC4975-7.1-1].
func newTransactionID() string { return newID(transactionSize) }
