package msrp

import (
	"encoding/hex"
	"errors"
	"fmt"
	"mime"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gomscp/gomscp/internal/fingerprint"
)

// File describes the one file that a session transfers, from a media description. A
// missing attribute is the zero value. See RFC 5547, section 6.
type File struct {
	// Name is the name of the file as the peer has it. It may contain path separators and
	// other characters that are special in a file system.
	Name string
	// Size is the size of the file in bytes.
	Size int64
	// Type is its media type with parameters, as in Content-Type.
	Type string
	// Hashes are hashes of its content.
	Hashes []FileHash
	// TransferID names this transfer. An answer repeats that of the offer.
	TransferID string
	// Disposition is "render", "attachment" or another word.
	Disposition string
	// Created, Modified and Read are dates of the file.
	Created, Modified, Read time.Time
	// Icon is the Content-ID URL ("cid:...") of a picture of it.
	Icon string
	// First and Last are the range of bytes transferred, from 1, if it is not the whole
	// file; a Last of 0 means the end.
	First, Last int64
}

// FileHash is a hash of a file's content.
type FileHash struct {
	// Algorithm is its name in small letters, "sha-1" in RFC 5547.
	Algorithm string
	// Value are the bytes of the hash.
	Value []byte
}

// maxFileHashes is how many hashes of one file are read.
const maxFileHashes = 8

// readFileAttribute takes one of the attributes of RFC 5547. What makes no sense in
// it is passed over.
func (m *Media) readFileAttribute(key, value string) {
	switch key {
	case "file-selector", "file-transfer-id", "file-disposition", "file-date", "file-icon", "file-range":
	default:
		return
	}
	if m.File == nil {
		m.File = &File{}
	}
	f := m.File
	switch key {
	case "file-selector":
		for _, s := range quotedFields(value) {
			f.readSelector(s)
		}
	case "file-transfer-id":
		f.TransferID = value
	case "file-disposition":
		f.Disposition = strings.ToLower(value)
	case "file-date":
		for _, s := range quotedFields(value) {
			f.readDate(s)
		}
	case "file-icon":
		f.Icon = strings.Trim(value, "<>")
	case "file-range":
		first, last, _ := strings.Cut(value, "-")
		a, ok := parseNumber(strings.TrimSpace(first))
		b, ok2 := parseNumber(strings.TrimSpace(last))
		if ok && ok2 && a > 0 && (b < 0 || b >= a) {
			f.First, f.Last = a, max(b, 0)
		}
	}
}

// readSelector takes one part of a file-selector.
func (f *File) readSelector(s string) {
	kind, value, _ := strings.Cut(s, ":")
	switch strings.ToLower(kind) {
	case "name":
		if name := percentDecoded(unquoted(value)); name != "" {
			f.Name = name
		}
	case "size":
		if n, ok := parseNumber(value); ok && n > 0 {
			f.Size = n
		}
	case "type":
		if t := percentDecoded(value); validType(t) {
			f.Type = t
		}
	case "hash":
		name, sum, _ := strings.Cut(value, ":")
		b, err := hex.DecodeString(strings.ReplaceAll(sum, ":", ""))
		if err == nil && len(b) > 0 && name != "" && len(f.Hashes) < maxFileHashes {
			f.Hashes = append(f.Hashes, FileHash{strings.ToLower(name), b})
		}
	}
}

// fileDates are the forms of a date-time of RFC 5322 that are read; the first is
// the one that is written.
var fileDates = []string{"Mon, 02 Jan 2006 15:04:05 -0700", "Mon, 2 Jan 2006 15:04:05 -0700", "2 Jan 2006 15:04:05 -0700",
	"Mon, 2 Jan 2006 15:04 -0700", "2 Jan 2006 15:04 -0700", "Mon, 2 Jan 2006 15:04:05 MST"}

// readDate takes one part of a file-date.
func (f *File) readDate(s string) {
	kind, value, _ := strings.Cut(s, ":")
	for _, form := range fileDates {
		t, err := time.Parse(form, unquoted(value))
		if err != nil {
			continue
		}
		switch strings.ToLower(kind) {
		case "creation":
			f.Created = t
		case "modification":
			f.Modified = t
		case "read":
			f.Read = t
		}
		return
	}
}

// checkAttributes refuses what would be read otherwise than it is.
func (f *File) checkAttributes() error {
	switch {
	case f.Size < 0, f.First < 0, f.Last < 0, f.First == 0 && f.Last > 0, f.Last > 0 && f.Last < f.First:
		return errors.New("msrp: File has a size or range below 0, or an empty range")
	case !utf8.ValidString(f.Name):
		return errors.New("msrp: File.Name is not UTF-8")
	case f.Type != "" && !validType(f.Type):
		return errors.New("msrp: File.Type is not a media type")
	case !isToken([]byte(f.TransferID)), !isToken([]byte(f.Disposition)):
		return errors.New("msrp: File has a transfer-id or disposition that is not a token")
	case f.Icon != "" && (!strings.HasPrefix(f.Icon, "cid:") || badByte(f.Icon, isTypeByte) >= 0):
		return errors.New("msrp: File.Icon is not a cid URL")
	case len(f.Hashes) > maxFileHashes:
		return errors.New("msrp: File has too many hashes")
	}
	for _, h := range f.Hashes {
		if h.Algorithm == "" || !isToken([]byte(h.Algorithm)) || len(h.Value) == 0 {
			return errors.New("msrp: File has a hash without a name or value")
		}
	}
	return nil
}

// lines gives the attributes, each as key and value.
func (f *File) lines() [][2]string {
	var selector, dates []string
	if f.Name != "" {
		selector = append(selector, `name:"`+percentEncoded(f.Name)+`"`)
	}
	if f.Type != "" {
		selector = append(selector, "type:"+selectorType(f.Type))
	}
	if f.Size > 0 {
		selector = append(selector, "size:"+strconv.FormatInt(f.Size, 10))
	}
	for _, h := range f.Hashes {
		selector = append(selector, "hash:"+strings.ToLower(h.Algorithm)+":"+fingerprint.Bytes(h.Value))
	}
	for _, d := range []struct {
		kind string
		t    time.Time
	}{{"creation", f.Created}, {"modification", f.Modified}, {"read", f.Read}} {
		if !d.t.IsZero() {
			dates = append(dates, fmt.Sprintf("%s:%q", d.kind, d.t.Format(fileDates[0])))
		}
	}
	rng := ""
	if f.First > 0 {
		rng = strconv.FormatInt(f.First, 10) + "-*"
	}
	if f.Last > 0 {
		rng = strconv.FormatInt(f.First, 10) + "-" + strconv.FormatInt(f.Last, 10)
	}
	all := [][2]string{{"file-selector", strings.Join(selector, " ")}, {"file-transfer-id", f.TransferID},
		{"file-disposition", f.Disposition}, {"file-date", strings.Join(dates, " ")}, {"file-icon", f.Icon}, {"file-range", rng}}
	return slices.DeleteFunc(all, func(l [2]string) bool { return l[1] == "" })
}

// validType reports whether s is a media type that selectorType can write.
func validType(s string) bool {
	t, _, err := mime.ParseMediaType(s)
	return err == nil && strings.Count(t, "/") == 1
}

// selectorType writes a media type as a file-selector has it: without blanks,
// each parameter in quotes, with escapes of its own.
func selectorType(s string) string {
	t, params, err := mime.ParseMediaType(s)
	if err != nil {
		return s // which check has refused
	}
	names := make([]string, 0, len(params))
	for name := range params {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		t += ";" + name + `="` + percentEncoded(params[name]) + `"`
	}
	return t
}

// quotedFields splits at blanks that are not within double quotes.
func quotedFields(s string) []string {
	quoted := false
	return strings.FieldsFunc(s, func(r rune) bool {
		if r == '"' {
			quoted = !quoted
		}
		return !quoted && (r == ' ' || r == '\t')
	})
}

func unquoted(s string) string {
	if len(s) > 1 && s[0] == '"' && s[len(s)-1] == '"' {
		return s[1 : len(s)-1]
	}
	return s
}

// percentDecoded undoes escapes. One that is none stays as it is, and what is not
// UTF-8 becomes U+FFFD.
func percentDecoded(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+3], 16, 8); err == nil {
				b.WriteByte(byte(n))
				i += 2
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return strings.ToValidUTF8(b.String(), "\uFFFD")
}

// percentEncoded escapes what the rule filename-char has not, and all other
// control characters.
func percentEncoded(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < ' ' || c == 0x7f || c == '"' || c == '%' {
			fmt.Fprintf(&b, "%%%02X", c)
			continue
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
