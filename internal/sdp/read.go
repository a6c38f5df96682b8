package sdp

import (
	"bytes"
	"hash/fnv"
	"iter"
	"strconv"
	"strings"
)

// A Line is one line of a session description.
type Line struct {
	Number int    // from 1
	Offset int64  // of its first byte
	Kind   byte   // its type; 0 if the line is not a type, "=" and a value
	Value  string // without white space around it; with Kind 0 the whole line
	Raw    string // with its end
}

// Lines are the lines of a session description. They end with CRLF or LF.
func Lines(body []byte) iter.Seq[Line] {
	return func(yield func(Line) bool) {
		l := Line{}
		for raw := range bytes.Lines(body) {
			l.Number++
			l.Raw = string(raw)
			l.Kind, l.Value = 0, strings.Trim(l.Raw, " \t\r\n")
			if s := l.Value; len(s) > 1 && s[1] == '=' && s[0] > ' ' && s[0] < 0x7f {
				l.Kind, l.Value = s[0], strings.TrimLeft(s[2:], " \t")
			}
			if !yield(l) {
				return
			}
			l.Offset += int64(len(raw))
		}
	}
}

// A Media is the value of an m= line. See RFC 8866, section 5.14.
type Media struct {
	Type    string
	Port    string
	Proto   string
	Formats []string
}

// ReadMedia reads the value of an m= line. ok is false if a part is missing; formats may
// be.
func ReadMedia(value string) (m Media, ok bool) {
	f := strings.Fields(value)
	if len(f) < 3 {
		return Media{}, false
	}
	return Media{Type: f[0], Port: f[1], Proto: f[2], Formats: f[3:]}, true
}

// Number is the port, from 0 to 65535, without the number of ports that may follow it.
func (m Media) Number() (port int, ok bool) {
	first, _, _ := strings.Cut(m.Port, "/")
	n, err := strconv.ParseUint(first, 10, 16)
	return int(n), err == nil
}

// Is reports whether the line is of that type and protocol. Case does not matter.
func (m Media) Is(kind, proto string) bool {
	return strings.EqualFold(m.Type, kind) && strings.EqualFold(m.Proto, proto)
}

// MediaLines are the m= lines of a session description; those with parts missing are left
// out.
func MediaLines(body []byte) iter.Seq[Media] {
	return func(yield func(Media) bool) {
		for l := range Lines(body) {
			if m, ok := ReadMedia(l.Value); l.Kind == 'm' && ok && !yield(m) {
				return
			}
		}
	}
}

// Attribute reads the value of an a= line.
func Attribute(value string) (key, rest string) {
	key, rest, _ = strings.Cut(value, ":")
	return strings.TrimSpace(key), strings.TrimSpace(rest)
}

// Host reads the address of a c= line, whose address type may be missing. It is "" if
// there is none. See RFC 8866, section 5.7.
func Host(value string) string {
	f := strings.Fields(value)
	if len(f) < 2 {
		return ""
	}
	host, _, _ := strings.Cut(f[min(2, len(f)-1)], "/") // a multicast address has more behind it
	return host
}

// An Origin is the value of an o= line, without the user's name. See RFC 8866, section
// 5.2.
type Origin struct {
	ID, Version uint64
	Host        string // "" if the line ends before it
}

// ReadOrigin reads the value of an o= line. ok is false if id or version is missing.
func ReadOrigin(value string) (o Origin, ok bool) {
	f := strings.Fields(value)
	if len(f) < 3 {
		return Origin{}, false
	}
	o = Origin{ID: number(f[1]), Version: number(f[2])}
	if len(f) > 5 {
		o.Host = f[5]
	}
	return o, true
}

// number reads an id or a version. One that is not a decimal number of 64 bits becomes a
// hash of it, so that it can still be compared.
func number(s string) uint64 {
	if n, err := strconv.ParseUint(s, 10, 64); err == nil {
		return n
	}
	h := fnv.New64a()
	h.Write([]byte(s))
	return h.Sum64()
}

// IsTiming reports whether the value of a t= line is two decimal numbers. See RFC 8866,
// section 5.9.
func IsTiming(value string) bool {
	f := strings.Fields(value)
	return len(f) == 2 && strings.Trim(f[0]+f[1], "0123456789") == ""
}
