package grammar

import "strings"

// SplitList takes the value of a header apart that is a list: at the commas that
// stand neither in a quoted string nor in angle brackets. Empty elements are left
// out. A parenthesis is a character like others, since it may be one of a user
// part; no list of RFC 3261 has comments. See RFC 3261, sections 7.3.1 and 25.1.
func SplitList(value string) []string {
	var list []string
	begin, quoted, bracketed := 0, false, false
	add := func(end int) {
		if v := strings.Trim(value[begin:end], " \t\r\n"); v != "" {
			list = append(list, v)
		}
		begin = end + 1
	}
	for i := 0; i < len(value); i++ {
		switch c := value[i]; {
		case quoted && c == '\\':
			i++
		case c == '"' && !bracketed:
			quoted = !quoted
		case quoted:
		case c == '<':
			bracketed = true
		case c == '>':
			bracketed = false
		case c == ',' && !bracketed:
			add(i)
		}
	}
	add(len(value))
	return list
}
