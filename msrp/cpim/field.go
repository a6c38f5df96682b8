package cpim

import (
	"strings"
)

// Namespaces of header names.
const (
	// Namespace is the namespace of From, To, cc, DateTime, Subject, NS and Require, and
	// of all names without a prefix, unless an NS header changes it. See RFC 3862,
	// section 4.
	Namespace = "urn:ietf:params:cpim-headers:"
	// IMDNNamespace is the namespace of the headers of RFC 5438.
	IMDNNamespace = "urn:ietf:params:imdn"
)

// imdnPrefix is taken for IMDNNamespace in a message that declares no prefix for
// it: examples of RFC 5438 and user agents leave the NS header out.
const imdnPrefix = "imdn"

// A Name identifies a header: a namespace and a name in it. Both are compared byte by
// byte. See RFC 3862, section 3.4.
type Name struct {
	Space, Local string
}

// The headers that this package understands.
var (
	From     = Name{Namespace, "From"}
	To       = Name{Namespace, "To"}
	CC       = Name{Namespace, "cc"}
	DateTime = Name{Namespace, "DateTime"}
	Subject  = Name{Namespace, "Subject"}
	NS       = Name{Namespace, "NS"}
	Require  = Name{Namespace, "Require"}

	DispositionNotification = Name{IMDNNamespace, "Disposition-Notification"}
	MessageID               = Name{IMDNNamespace, "Message-ID"}
	OriginalTo              = Name{IMDNNamespace, "Original-To"}
	RecordRoute             = Name{IMDNNamespace, "IMDN-Record-Route"}
	Route                   = Name{IMDNNamespace, "IMDN-Route"}
)

// A Param is a parameter of a message header, as in "Subject:;lang=fr".
type Param struct {
	Name, Value string // the value is plain text
}

// A Field is a message header, as it is on its line. See RFC 3862, section 3.
type Field struct {
	// Name has the prefix, if there is one.
	Name string
	// Params are the parameters between the colon and the value.
	Params []Param
	// Value is what follows, in its coded form: Unescape gives the text, Escape
	// codes it.
	Value string
}

// Param returns the value of the parameter of that name, or "".
func (f Field) Param(name string) string {
	for _, p := range f.Params {
		if p.Name == name {
			return p.Value
		}
	}
	return ""
}

// String returns the line without its line end.
func (f Field) String() string {
	var b strings.Builder
	b.WriteString(f.Name)
	b.WriteByte(':')
	for _, p := range f.Params {
		b.WriteString(";" + p.Name + "=")
		if isToken(p.Value) {
			b.WriteString(p.Value)
		} else {
			b.WriteString(quote(p.Value))
		}
	}
	b.WriteByte(' ') // [RFC3862-2.2-4]
	b.WriteString(f.Value)
	return b.String()
}

// resolve gives each field its Name: what an NS header declares holds for the
// headers behind it. A name whose prefix is not declared has the prefix itself
// for a namespace, which is no absolute URI and so equals no other.
func resolve(fields []Field) []Name { // [RFC4975-13-3]
	names := make([]Name, len(fields))
	spaces := map[string]string{"": Namespace} // [RFC3862-3.4-2]
	if !declares(fields, IMDNNamespace) {
		spaces[imdnPrefix] = IMDNNamespace
	}
	for i, f := range fields {
		prefix, local, ok := strings.Cut(f.Name, ".")
		if !ok {
			prefix, local = "", f.Name
		}
		space, declared := spaces[prefix]
		if !declared {
			space = prefix
		}
		names[i] = Name{space, local}
		if names[i] == NS || f.Name == "NS" { // it can always be told
			if p, uri, err := parseNS(f.Value); err == nil {
				spaces[p] = uri // [RFC3862-3.4-1]
			}
		}
	}
	return names
}

// declares reports whether an NS header names the namespace under a prefix
// other than the usual one.
func declares(fields []Field, space string) bool {
	for _, f := range fields {
		if f.Name == "NS" {
			if p, uri, err := parseNS(f.Value); err == nil && uri == space && p != imdnPrefix {
				return true
			}
		}
	}
	return false
}

// parseNS takes the value of an NS header apart. See RFC 3862, section 4.6.
func parseNS(value string) (prefix, uri string, err error) {
	open := strings.IndexByte(value, '<')
	if open < 0 || !strings.HasSuffix(value, ">") {
		return "", "", syntaxErr("NS-header", len(value), "no URI in angle brackets")
	}
	prefix = strings.TrimRight(value[:open], " ")
	if prefix != "" && !isName(prefix) {
		return "", "", syntaxErr("Name-prefix", 0, "not a name")
	}
	uri = value[open+1 : len(value)-1]
	if strings.Contains(uri, "#") {
		return "", "", syntaxErr("URI", open+1, "has a fragment") // [RFC3862-3.4-3]
	}
	if err := checkURI(uri, open+1); err != nil {
		return "", "", err // [RFC3862-3.4-4]
	}
	return prefix, uri, nil
}

// parseParams reads parameters off the text behind a header's colon, and returns
// the rest. Text that does not begin with a well-formed list of them is a value.
func parseParams(s string) ([]Param, string) {
	var params []Param
	rest := s
	for strings.HasPrefix(rest, ";") {
		name, after, ok := strings.Cut(rest[1:], "=")
		if !ok || !isName(name) {
			return nil, s
		}
		var value string
		if strings.HasPrefix(after, `"`) {
			end := closingQuote(after)
			if end < 0 {
				return nil, s
			}
			value, rest = Unescape(after[1:end]), after[end+1:]
		} else {
			end := strings.IndexAny(after, "; ")
			if end < 0 {
				end = len(after)
			}
			value, rest = after[:end], after[end:]
			if !isToken(value) {
				return nil, s
			}
		}
		params = append(params, Param{name, value})
	}
	if rest != "" && rest[0] != ' ' {
		return nil, s
	}
	return params, rest
}

// closingQuote finds the quote that ends the String at the begin of s, or -1.
func closingQuote(s string) int {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i
		}
	}
	return -1
}

// splitList splits at the separator, but not between quotes, and trims blanks.
func splitList(s string, separator byte) []string {
	var all []string
	from := 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '"':
			if end := closingQuote(s[i:]); end > 0 {
				i += end
			}
		case separator:
			all = append(all, strings.Trim(s[from:i], " "))
			from = i + 1
		}
	}
	return append(all, strings.Trim(s[from:], " "))
}
