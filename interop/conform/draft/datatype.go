package draft

import (
	"regexp"
	"slices"
	"strings"
)

// A datatype tells what is wrong with an attribute's value; "" if nothing is. See section
// 8, and XML Schema Part 2 for the types that it builds on.
type datatype func(value string) string

// str is xsd:string: any value, blanks included.
func str(string) string { return "" }

// collapse does what the whitespace facet of that name does: every run of blanks becomes
// one, and those at the ends go.
func collapse(s string) string { return strings.Join(strings.Fields(s), " ") }

// matching is a type whose values, once their blanks are collapsed, match a pattern.
func matching(what, pattern string) datatype {
	re := regexp.MustCompile(`^(?:` + pattern + `)$`)
	return func(v string) string {
		if re.MatchString(collapse(v)) {
			return ""
		}
		return "is no " + what
	}
}

// oneOf is a restriction of xsd:NMTOKEN to some values.
func oneOf(values ...string) datatype {
	return func(v string) string { return oneOfString(values...)(collapse(v)) }
}

// oneOfString is a restriction of xsd:string, whose blanks count, to some values.
func oneOfString(values ...string) datatype {
	return func(v string) string {
		if slices.Contains(values, v) {
			return ""
		}
		return "is none of " + strings.Join(values, ", ")
	}
}

var (
	boolean       = oneOf("true", "false")
	number        = matching("nonNegativeInteger", `\+?[0-9]+|-0+`)
	usereventname = matching("sequence of letters, digits and dots", `[a-zA-Z0-9.]+`)
	xmlID         = matching("xsd:ID (a name without colon)", `[\p{L}_][\p{L}\p{M}\p{Nd}\p{Nl}._·-]*`)
)

// duration is duration.datatype, a restriction of xsd:string.
func duration(v string) string {
	if strings.TrimSpace(v) != v {
		return "is no duration such as 20s"
	}
	return matching("duration such as 20s", `\+?([0-9]*\.)?[0-9]+(ms|s)`)(v)
}

// escapes are percent signs that no two hexadecimal digits follow.
var escapes = regexp.MustCompile(`%(?:[^0-9A-Fa-f]|.?$|.[^0-9A-Fa-f])`)

// anyURI is xsd:anyURI: nearly every string is one once what a URI may not have is
// escaped. A second fragment, or a percent sign that escapes nothing, cannot be mended.
func anyURI(v string) string {
	v = collapse(v)
	if strings.Count(v, "#") > 1 || escapes.MatchString(v) {
		return "is no anyURI"
	}
	return ""
}
