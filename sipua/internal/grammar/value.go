package grammar

import "strings"

// A Value is a header's value with parameters, such as Content-Type.
type Value struct {
	Main   string            // what precedes the parameters, in lower case and without blanks
	Params map[string]string // names in lower case, values without quotes
}

// ReadValue reads a value and its parameters. Blanks around separators are allowed by RFC
// 3261, section 25.1. A parameter's value that is not a token, such as a boundary, ends
// at the next semicolon. Of a repeated parameter the first counts. ReadValue reports
// false if a quoted string does not end.
func ReadValue(s string) (v Value, ok bool) {
	value, rest, _ := strings.Cut(s, ";")
	v.Main = strings.ToLower(strings.Join(strings.Fields(value), ""))
	v.Params = map[string]string{}
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
		if _, twice := v.Params[name]; name != "" && !twice {
			v.Params[name] = param
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
	quoted, rest, ok := CutQuoted(s)
	if !ok {
		return "", "", false
	}
	_, rest, _ = strings.Cut(rest, ";")
	return Unquote(quoted), rest, true
}
