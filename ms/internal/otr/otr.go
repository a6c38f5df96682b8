package otr

import (
	"bytes"
	"encoding/base64"
)

// MaxText is the longest text of a query or an error, in bytes: clients explain a query in
// a few lines, and a longer text was written by a person.
const MaxText = 1 << 10

const (
	tag = "?OTR"

	// The types of encoded messages that carry a person's text: Data, and in version 4
	// Non-Interactive-Auth, which is made for an absent recipient.
	typeData               = 0x03
	typeNonInteractiveAuth = 0x8d

	flagIgnoreUnread   = 0x01 // of a Data message that no person wrote
	instanceTagVersion = 3    // the first version whose messages have two instance tags
)

// Begins reports whether a text begins as the messages of OTR do.
func Begins(text []byte) bool { return bytes.HasPrefix(trimText(text), []byte(tag)) }

// trimText takes blanks, line ends and a byte order mark off the begin.
func trimText(text []byte) []byte {
	return bytes.TrimLeft(bytes.TrimPrefix(text, []byte("\xef\xbb\xbf")), " \t\r\n")
}

// IsHandshake reports whether a client with Off-the-Record Messaging has sent a text by
// itself, to find another client: a query, a message of the key exchange, a fragment or
// an error. Such a text means something only while both sides are present, and a client
// that gets it later answers with another. These are no handshakes: a text with the
// whitespace tag, an encrypted message, and a query that a long text follows.
func IsHandshake(text []byte) bool {
	text = trimText(text)
	rest, ok := bytes.CutPrefix(text, []byte(tag))
	switch {
	case !ok:
		return false
	case bytes.HasPrefix(rest, []byte(":")):
		return isEncodedHandshake(rest[1:])
	case bytes.HasPrefix(rest, []byte(",")), bytes.HasPrefix(rest, []byte("|")):
		return isFragment(rest)
	case bytes.HasPrefix(rest, []byte(" Error:")):
		return len(text) <= MaxText
	}
	return isQuery(rest) && len(text) <= MaxText
}

// isQuery reports whether rest, the text behind the tag, asks for versions: "v" and
// their names up to "?", or "?" for version 1, alone or before other versions. An
// explanation may follow; behind version 1 alone it must begin a new line.
func isQuery(rest []byte) bool {
	first, ok := bytes.CutPrefix(rest, []byte("?"))
	if versions, found := bytes.CutPrefix(first, []byte("v")); found {
		end := bytes.IndexByte(versions, '?')
		return end >= 0 && !bytes.ContainsFunc(versions[:end], func(r rune) bool {
			return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
		})
	}
	return ok && (len(bytes.TrimSpace(first)) == 0 || first[0] == '\n' || first[0] == '\r')
}

// isFragment reports whether rest, the text behind the tag, is a piece of a message:
// "|sender|receiver,number,of,piece," or ",number,of,piece,".
func isFragment(rest []byte) bool {
	fields := bytes.SplitN(rest, []byte(","), 4)
	return len(fields) == 4 && isNumber(fields[1]) && isNumber(fields[2])
}

func isNumber(b []byte) bool {
	return len(b) > 0 && len(b) <= 5 && !bytes.ContainsFunc(b, func(r rune) bool { return r < '0' || r > '9' })
}

// isEncodedHandshake reports whether an encoded message, without its "?OTR:", carries no
// text of a person.
func isEncodedHandshake(encoded []byte) bool {
	encoded, _, _ = bytes.Cut(encoded, []byte("."))
	encoded = bytes.TrimRight(encoded, "\r\n")
	encoded = encoded[:min(len(encoded), 16)&^3] // the headers
	b, err := base64.StdEncoding.DecodeString(string(encoded))
	if err != nil || len(b) < 3 || b[0] != 0 {
		return false
	}
	switch b[2] {
	case typeNonInteractiveAuth:
		return false
	case typeData:
		flags := 3
		if b[1] >= instanceTagVersion {
			flags += 8
		}
		return b[1] >= 2 && len(b) > flags && b[flags]&flagIgnoreUnread != 0
	}
	return true
}
