package ms

import (
	"bytes"
	"encoding/base64"
	"strings"
)

// maxOTRText is the longest text, in bytes, that may stand with an OTR query for
// it to be one that a client has made: clients explain the query in a few lines.
const maxOTRText = 1 << 10

const (
	otrTag = "?OTR"

	// Types of encoded messages that carry what a person has written: Data, and
	// in version 4 Non-Interactive-Auth, which is made for an absent recipient.
	otrData            = 0x03
	otrNonInteractive  = 0x8d
	otrIgnoreUnread    = 0x01 // flag of a Data message that nobody wrote
	otrInstanceVersion = 3    // from which on messages have two instance tags
)

// isText reports whether OTR may be in a message of that type: it is for text.
func isText(contentType string) bool {
	return len(contentType) >= 5 && strings.EqualFold(contentType[:5], "text/")
}

// beginsOTR reports whether a text begins as the messages of OTR do.
func beginsOTR(text []byte) bool { return bytes.HasPrefix(trimText(text), []byte(otrTag)) }

// trimText takes blanks, line ends and a byte order mark off the begin.
func trimText(text []byte) []byte {
	return bytes.TrimLeft(bytes.TrimPrefix(text, []byte("\xef\xbb\xbf")), " \t\r\n")
}

// isHandshake reports whether a text is one that clients with Off-the-Record
// Messaging send by themselves to find each other: a query, a message of the key
// exchange, a fragment or an error. They mean something only while both sides are
// there, and the client that gets one later answers it with another. A text with the
// whitespace tag is a message that somebody wrote, and so is what is encrypted, and
// a long text behind a query. See "Off-the-Record Messaging Protocol version 3".
func isHandshake(text []byte) bool {
	text = trimText(text)
	rest, ok := bytes.CutPrefix(text, []byte(otrTag))
	switch {
	case !ok:
		return false
	case bytes.HasPrefix(rest, []byte(":")):
		return isEncodedHandshake(rest[1:])
	case bytes.HasPrefix(rest, []byte(",")), bytes.HasPrefix(rest, []byte("|")):
		return isFragment(rest)
	case bytes.HasPrefix(rest, []byte(" Error:")):
		return len(text) <= maxOTRText
	}
	return isQuery(rest) && len(text) <= maxOTRText
}

// isQuery tells whether what follows the tag asks for versions: "v" and their
// names up to "?", or "?" for version 1, alone or with others behind it. Text of the
// client's may follow, but behind version 1 alone only in a line of its own.
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

// isFragment tells whether what follows the tag is a piece of a message:
// "|sender|receiver,number,of,piece," or ",number,of,piece,".
func isFragment(rest []byte) bool {
	fields := bytes.SplitN(rest, []byte(","), 4)
	return len(fields) == 4 && isNumber(fields[1]) && isNumber(fields[2])
}

func isNumber(b []byte) bool {
	return len(b) > 0 && len(b) <= 5 && !bytes.ContainsFunc(b, func(r rune) bool { return r < '0' || r > '9' })
}

// isEncodedHandshake tells whether an encoded message, behind its "?OTR:", is none
// that a person wrote.
func isEncodedHandshake(encoded []byte) bool {
	encoded, _, _ = bytes.Cut(encoded, []byte("."))
	encoded = bytes.TrimRight(encoded, "\r\n")
	encoded = encoded[:min(len(encoded), 16)&^3] // the headers
	b, err := base64.StdEncoding.DecodeString(string(encoded))
	if err != nil || len(b) < 3 || b[0] != 0 {
		return false
	}
	switch b[2] {
	case otrNonInteractive:
		return false
	case otrData:
		flags := 3
		if b[1] >= otrInstanceVersion {
			flags += 8
		}
		return b[1] >= 2 && len(b) > flags && b[flags]&otrIgnoreUnread != 0
	}
	return true
}
