package xmltree

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// A decoded is a document made UTF-8.
type decoded struct {
	text   string
	offset []int32 // of each byte of text, and of its end, in the document as it came; nil if they are the same
}

// at is the offset in the document as it came.
func (d *decoded) at(i int64) int64 {
	if d.offset == nil {
		return i
	}
	return int64(d.offset[min(i, int64(len(d.offset)-1))])
}

// decode makes a document UTF-8. Of what tells its encoding, a byte order mark
// comes first, then charset, then the XML declaration; without any it is UTF-8.
// See XML 1.0, section 4.3.3 and appendix F, RFC 3863, section 4.1, and RFC
// 7303, section 3.
func decode(b []byte, charset string) (*decoded, error) {
	switch {
	case bytes.HasPrefix(b, []byte{0xFF, 0xFE, 0, 0}), bytes.HasPrefix(b, []byte{0, 0, 0xFE, 0xFF}):
		return nil, &Error{Rule: "encoding UTF-32 is not read", Encoding: true}
	case bytes.HasPrefix(b, []byte("\xEF\xBB\xBF")):
		return decodeUTF8(b)
	case bytes.HasPrefix(b, []byte{0xFF, 0xFE}):
		return decodeUTF16(b, 2, 0)
	case bytes.HasPrefix(b, []byte{0xFE, 0xFF}):
		return decodeUTF16(b, 2, 1)
	case len(b) > 1 && b[0] == '<' && b[1] == 0: // no mark, against the rule
		return decodeUTF16(b, 0, 0)
	case len(b) > 1 && b[0] == 0 && b[1] == '<':
		return decodeUTF16(b, 0, 1)
	}
	if charset == "" {
		charset = declared(b)
	}
	return decodeBytes(b, charset)
}

// declaredPattern finds the encoding in an XML declaration. Whether that is
// well-formed is for the parser to see.
var declaredPattern = regexp.MustCompile(`^[ \t\r\n]*<\?xml[ \t\r\n][^>]*?[ \t\r\n]encoding[ \t\r\n]*=[ \t\r\n]*["']([A-Za-z0-9._:-]*)["']`)

// declared is the encoding that the XML declaration names, or "".
func declared(b []byte) string {
	if m := declaredPattern.FindSubmatch(b[:min(len(b), maxDeclaration)]); m != nil {
		return string(m[1])
	}
	return ""
}

// maxDeclaration bounds the bytes in which the XML declaration is looked for.
const maxDeclaration = 1024

// decodeBytes decodes an encoding whose first half is US-ASCII.
func decodeBytes(b []byte, charset string) (*decoded, error) {
	name := strings.ToLower(charset)
	switch name {
	case "", "utf-8", "utf8",
		"utf-16", "utf-16le", "utf-16be", "utf16", "ucs-2", "iso-10646-ucs-2": // these it cannot be: its first bytes are two characters
		return decodeUTF8(b)
	case "us-ascii", "ascii", "iso646-us", "ansi_x3.4-1968", "iso-ir-6":
		return decodeTable(b, charset, func(byte) rune { return -1 })
	case "iso-8859-1", "iso8859-1", "iso_8859-1", "iso_8859-1:1987", "latin1", "l1", "iso-ir-100", "cp819", "ibm819", "csisolatin1":
		return decodeTable(b, charset, func(c byte) rune { return rune(c) })
	case "windows-1252", "cp1252", "cswindows1252", "x-cp1252":
		return decodeTable(b, charset, windows1252)
	}
	if halfASCII.MatchString(name) {
		return decodeTable(b, charset, func(byte) rune { return utf8.RuneError })
	}
	return nil, &Error{Rule: fmt.Sprintf("encoding %q is not read", shorten(charset)), Encoding: true}
}

// halfASCII are encodings of one byte a character whose second half is not known
// here: those characters become U+FFFD. All markup, and every name and value that
// presence and registrations use, is in the first half.
var halfASCII = regexp.MustCompile(`^(iso[-_]?8859-([2-9]|1[013-6])|latin-?[2-9]|windows-125[0-8]|cp125[0-8]|koi8-[ru]|tis-620)$`)

func decodeUTF8(b []byte) (*decoded, error) {
	if !utf8.Valid(b) {
		return nil, &Error{Offset: invalidUTF8(b), Rule: "not UTF-8", Encoding: true}
	}
	return &decoded{text: string(b)}, nil
}

// decodeUTF16 decodes what follows the mark of so many bytes. low is where the
// lower byte of a unit is.
func decodeUTF16(b []byte, mark, low int) (*decoded, error) {
	if len(b)%2 != 0 && b[len(b)-1] == 0 {
		b = b[:len(b)-1] // the end of a C string
	}
	if len(b)%2 != 0 {
		return nil, &Error{Offset: int64(len(b) - 1), Rule: "half a character of UTF-16", Encoding: true}
	}
	unit := func(i int) rune { return rune(b[i+low]) | rune(b[i+1-low])<<8 }
	w := newDecodedWriter(len(b))
	for i := mark; i < len(b); i += 2 {
		r, at := unit(i), i
		if utf16.IsSurrogate(r) {
			if i += 2; i < len(b) {
				r = utf16.DecodeRune(r, unit(i))
			}
			if i >= len(b) || r == utf8.RuneError {
				return nil, &Error{Offset: int64(at), Rule: "half a surrogate pair in UTF-16", Encoding: true}
			}
		}
		w.add(r, at)
	}
	return w.done(len(b)), nil
}

// decodeTable decodes one byte a character, with a table for the second half; a
// negative rune there is none of the encoding.
func decodeTable(b []byte, charset string, table func(byte) rune) (*decoded, error) {
	w := newDecodedWriter(len(b))
	for i, c := range b {
		r := rune(c)
		if c >= utf8.RuneSelf {
			r = table(c)
		}
		if r < 0 {
			return nil, &Error{Offset: int64(i), Rule: fmt.Sprintf("the byte 0x%02X is none of %s", c, shorten(charset)), Encoding: true}
		}
		w.add(r, i)
	}
	return w.done(len(b)), nil
}

// windows1252 is the second half of windows-1252, as registered with IANA.
func windows1252(c byte) rune {
	if c >= 0xA0 {
		return rune(c)
	}
	r := [32]rune{
		'€', -1, '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', -1, 'Ž', -1,
		-1, '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', -1, 'ž', 'Ÿ',
	}
	return r[c-0x80]
}

// A decodedWriter collects the characters of a document.
type decodedWriter struct {
	text   []byte
	offset []int32
}

func newDecodedWriter(size int) *decodedWriter {
	return &decodedWriter{text: make([]byte, 0, size), offset: make([]int32, 0, size+1)}
}

// add adds the character that stands at the offset.
func (w *decodedWriter) add(r rune, offset int) {
	from := len(w.text)
	w.text = utf8.AppendRune(w.text, r)
	for range len(w.text) - from {
		w.offset = append(w.offset, int32(offset))
	}
}

func (w *decodedWriter) done(end int) *decoded {
	return &decoded{string(w.text), append(w.offset, int32(end))}
}
