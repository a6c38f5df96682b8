package grammar

import "strings"

// SplitList splits the value of a list header at the commas that are neither in a quoted
// string nor in angle brackets. Empty elements are omitted. A parenthesis has no meaning,
// because it may be part of a user part, and no list of RFC 3261 has comments. See RFC
// 3261, sections 7.3.1 and 25.1.
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
