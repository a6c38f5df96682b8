package msrp

import (
	"bytes"
	"strings"
	"time"
)

// frame is the head of one request or response: start-line and headers. The
// body, if there is one, is taken from the reader in pieces.
type frame struct {
	frameStart
	framePaths
	frameHeader
	binds  *Session      // the session that this request has bound, nil if it has not
	waited time.Duration // for the peer's fingerprints; counts as a wait for a handler

	hasBody bool // a body follows; else flag is valid
	direct  bool // the end-line follows the blank line directly
	flag    byte // '$', '+' or '#', valid when the frame has been read to its end
	frameTrace
}

// frameStart is a start-line.
type frameStart struct {
	tid    string
	method string // "" in a response
	code   int    // of a response
	reason string
}

// framePaths are To-Path and From-Path.
type framePaths struct {
	to, from    Path
	target, hop string // their first URIs
	pathErr     error  // why one of them is not usable
}

// frameHeader are the other headers.
type frameHeader struct {
	messageID     string
	contentType   string
	rng           byteRange
	hasRange      bool
	successReport bool
	failureReport FailureReport
	status        string
	header        Header // all others
	bad           string // the header that makes the request a bad one, though the framing holds
}

// frameTrace is what a trace needs.
type frameTrace struct {
	raw            []byte // the head as received, when tracing
	size           int    // bytes of the whole frame so far
	kept, bodySize int    // body bytes in raw, and altogether, when tracing
}

// Continuation flags of an end-line.
const (
	flagLast  = '$' // [RFC4975-7.1-8]
	flagMore  = '+'
	flagAbort = '#'
)

const dashes = "-------"

// endLine reports whether a line is the end-line of that transaction.
func endLine(b []byte, tid string) (byte, bool) {
	if len(b) != len(dashes)+len(tid)+1 || string(b[:len(dashes)]) != dashes ||
		string(b[len(dashes):len(b)-1]) != tid {
		return 0, false
	}
	return b[len(b)-1], isFlag(b[len(b)-1])
}

func isFlag(c byte) bool { return c == flagLast || c == flagMore || c == flagAbort }

// startLine parses "MSRP tid METHOD" or "MSRP tid code [comment]".
func (f *frame) startLine(b []byte) error {
	rest, ok := bytes.CutPrefix(b, []byte("MSRP "))
	if !ok {
		return syntaxErr("start-line", 0, "not MSRP")
	}
	tid, rest, ok := bytes.Cut(rest, []byte(" "))
	if !ok {
		return syntaxErr("start-line", len(b), "neither method nor status")
	}
	f.tid = string(tid)
	if !validIdent(f.tid) {
		return syntaxErr("transact-id", 5, "not an ident of 4 to 32 characters")
	}
	word, comment, _ := bytes.Cut(rest, []byte(" "))
	if string(rest) == "SEND" {
		f.method = "SEND"
		return nil
	}
	if code, ok := parseCode(string(word)); ok {
		f.code, f.reason = code, reasonText(code, comment)
		return nil
	}
	if len(word) == 0 || badByte(string(rest), isUpper) >= 0 {
		return syntaxErr("method", len(b)-len(rest), "not upper-case letters")
	}
	f.method = string(word)
	return nil
}

// reasonText spares a copy of the usual words.
func reasonText(code int, comment []byte) string {
	if usual := statusText[code]; usual == string(comment) {
		return usual
	}
	return string(comment)
}

func isUpper(c byte) bool { return c >= 'A' && c <= 'Z' }

// validIdent checks the rule ident, but allows ids of 1 to 3 characters too.
func validIdent(s string) bool {
	if s == "" || len(s) > 32 || !isAlnum(s[0]) {
		return false
	}
	return badByte(s, isIdentByte) < 0
}

// validMessageID takes longer ids than the grammar's 32 characters, which are
// in use.
func validMessageID(s string) bool {
	return s != "" && len(s) <= maxMessageID && badByte(s, func(c byte) bool { return c > ' ' && c < 0x7f }) < 0
}

func isIdentByte(c byte) bool {
	return isAlnum(c) || c == '.' || c == '-' || c == '+' || c == '%' || c == '='
}

func trimBlanks(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t') {
		b = b[1:]
	}
	for len(b) > 0 && (b[len(b)-1] == ' ' || b[len(b)-1] == '\t') {
		b = b[:len(b)-1]
	}
	return b
}

func (f *frame) noteError(name string, err error) {
	if err != nil && f.bad == "" {
		f.bad = name
	}
}

var knownNames = []string{
	hdrToPath, hdrFromPath, hdrMessageID, hdrByteRange, hdrSuccessReport,
	hdrFailureReport, hdrContentType, hdrStatus,
}

// canonicalName gives our own spelling of the headers we know.
func canonicalName(b []byte) string {
	for _, n := range knownNames {
		if n == string(b) {
			return n // as most write them
		}
	}
	for _, n := range knownNames {
		if len(n) == len(b) && strings.EqualFold(n, string(b)) {
			return n
		}
	}
	return string(b)
}

func isToken(b []byte) bool {
	for _, c := range b {
		if !isAlnum(c) && strings.IndexByte("!#$%&'*+-.^_`|~", c) < 0 {
			return false
		}
	}
	return true
}
