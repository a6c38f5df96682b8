package sipua

import "strings"

// A valued is a header's value with parameters, as of Content-Type and
// Content-Disposition.
type valued struct {
	value  string            // in lower case, without blanks
	params map[string]string // names in lower case, values without quotes
}

// readValued reads a value and its parameters, with the blanks that RFC 3261,
// section 25.1, allows around separators; a value that is no token, as mailers write
// for a boundary, ends at the next semicolon. Of a parameter that comes twice, the
// first counts. It reports false for a value that has a quote without end.
func readValued(s string) (v valued, ok bool) {
	value, rest, _ := strings.Cut(s, ";")
	v.value = strings.ToLower(strings.Join(strings.Fields(value), ""))
	v.params = map[string]string{}
	for rest != "" {
		var name, param string
		if end := strings.IndexAny(rest, ";="); end < 0 || rest[end] == ';' {
			name, rest, _ = strings.Cut(rest, ";")
		} else {
			name, rest = rest[:end], strings.TrimLeft(rest[end+1:], " \t")
			if param, rest, ok = readParamValue(rest); !ok {
				return v, false
			}
		}
		name = strings.ToLower(strings.Trim(name, " \t"))
		if _, twice := v.params[name]; name != "" && !twice {
			v.params[name] = param
		}
	}
	return v, true
}

// readParamValue reads a value up to the next semicolon, or a quoted string; false if
// that does not end.
func readParamValue(s string) (value, rest string, ok bool) {
	if !strings.HasPrefix(s, `"`) {
		value, rest, _ = strings.Cut(s, ";")
		return strings.Trim(value, " \t"), rest, true
	}
	p := newScanner(s)
	if !p.quoted() {
		return "", "", false
	}
	_, rest, _ = strings.Cut(p.s, ";")
	return unquote(string(p.out)), rest, true
}

// unquote is what a quoted-string stands for, with its quotes. See RFC 3261,
// section 25.1.
func unquote(quoted string) string {
	s := quoted[1 : len(quoted)-1]
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
