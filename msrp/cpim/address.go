package cpim

import (
	"strings"
)

// An Address is the value of From, To, cc and the routes of RFC 5438: a URI, and perhaps
// a name. See RFC 3862, section 4.1.
type Address struct {
	// Name is plain text, "" if there is none.
	Name string
	// URI is an absolute URI.
	URI string
}

// String encodes the address. A name of tokens is written unchanged, any other name in
// quotes. See RFC 3862, section 3.6, rule Formal-name.
func (a Address) String() string {
	switch {
	case a.Name == "":
		return "<" + a.URI + ">"
	case areTokens(a.Name):
		return a.Name + " <" + a.URI + ">"
	}
	return quote(a.Name) + "<" + a.URI + ">"
}

// Anonymous reports whether the URI is anonymous, so that its sender cannot be reached.
// See RFC 3323, section 4.1.1.3, and RFC 5438, section 12.1.1.
func (a Address) Anonymous() bool {
	_, rest, _ := strings.Cut(a.URI, ":")
	rest, _, _ = strings.Cut(rest, ";")
	rest, _, _ = strings.Cut(rest, "?")
	user, host, ok := strings.Cut(rest, "@")
	if !ok {
		user, host = "", rest
	}
	if name, port, ok := strings.Cut(host, ":"); ok && strings.Trim(port, "0123456789") == "" {
		host = name
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	return strings.EqualFold(user, "anonymous") || host == "invalid" || strings.HasSuffix(host, ".invalid")
}

// ParseAddress parses the value of an address header. In addition to the forms of RFC
// 3862 it accepts blanks between a quoted name and its URI, other characters than those
// of tokens in a name without quotes, and a URI without brackets. The error is a
// *SyntaxError.
func ParseAddress(value string) (Address, error) {
	var a Address
	rest, at := value, 0
	if strings.HasPrefix(value, `"`) {
		end := closingQuote(value)
		if end < 0 {
			return a, syntaxErr("Formal-name", 0, "no closing quote")
		}
		a.Name = Unescape(value[1:end])
		at = end + 1
		rest = value[at:]
		if trimmed := strings.TrimLeft(rest, " "); !strings.HasPrefix(trimmed, "<") {
			return a, syntaxErr("URI", at, "no URI in angle brackets")
		}
	}
	open := strings.LastIndexByte(rest, '<')
	if open < 0 {
		if err := checkURI(value, 0); err != nil {
			return a, err
		}
		return Address{URI: value}, nil
	}
	if !strings.HasSuffix(rest, ">") {
		return a, syntaxErr("URI", at+len(rest), "no closing angle bracket")
	}
	name := strings.Trim(rest[:open], " ")
	if at == 0 {
		a.Name = Unescape(name)
	} else if name != "" {
		return a, syntaxErr("Formal-name", at, "text behind the closing quote")
	}
	a.URI = rest[open+1 : len(rest)-1]
	return a, checkURI(a.URI, at+open+1)
}

// checkURI holds a URI to the characters of RFC 3986 and asks for its scheme.
func checkURI(s string, offset int) error {
	scheme, rest, ok := strings.Cut(s, ":")
	if !ok || rest == "" || !isScheme(scheme) {
		return syntaxErr("URI", offset, "not an absolute URI")
	}
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c >= 0x7f || strings.IndexByte("<>\"\\^`{|}", c) >= 0 {
			return syntaxErr("URI", offset+i, "a character that URIs do not have")
		}
	}
	return nil
}

func isScheme(s string) bool {
	for i := range len(s) {
		c := s[i] | 0x20
		if (c < 'a' || c > 'z') && (i == 0 || strings.IndexByte("0123456789+-.", s[i]) < 0) {
			return false
		}
	}
	return s != ""
}

func areTokens(s string) bool {
	for _, t := range strings.Split(s, " ") {
		if !isToken(t) {
			return false
		}
	}
	return true
}
