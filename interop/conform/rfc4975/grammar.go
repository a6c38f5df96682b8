package rfc4975

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// The grammar of section 9.
const (
	ident     = `[A-Za-z0-9][A-Za-z0-9.+%=-]{3,31}`
	tokenRule = "[A-Za-z0-9!#$%&'*+.^_`|~-]+"
	uriRule   = `(?i:msrps?)://(?:[^\s@/;]+@)?(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(?::[0-9]+)?/[A-Za-z0-9._~+=/-]+;[A-Za-z0-9]+(?:;[^\s;]+)*`
)

var (
	startResponse = regexp.MustCompile(`^MSRP ` + ident + ` [0-9]{3}(?: [^\x00-\x08\x0a-\x1f\x7f]*)?$`)
	startRequest  = regexp.MustCompile(`^MSRP ` + ident + ` [A-Z]+$`)
	fieldName     = regexp.MustCompile(`^[A-Za-z]` + "[A-Za-z0-9!#$%&'*+.^_`|~-]*$")
	fieldValue    = regexp.MustCompile(`^[^\x00-\x08\x0a-\x1f\x7f]*$`)
	pathValue     = regexp.MustCompile(`^ ` + uriRule + `(?: ` + uriRule + `)*$`)
	identValue    = regexp.MustCompile(`^ ` + ident + `$`)
	rangeValue    = regexp.MustCompile(`^ ([1-9][0-9]*)-([0-9]+|\*)/([0-9]+|\*)$`)
	statusValue   = regexp.MustCompile(`^ 000 [0-9]{3}(?: .*)?$`)
	yesNo         = regexp.MustCompile(`^ (?:yes|no)$`)
	yesNoPartial  = regexp.MustCompile(`^ (?:yes|no|partial)$`)
	typeValue     = regexp.MustCompile(`^ ` + tokenRule + `/` + tokenRule + `(?:[ \t]*;.*)?$`)
)

// values are the forms of the header fields of section 9, and the sections that explain them.
var values = map[string]struct {
	form    *regexp.Regexp
	section string
}{
	"to-path": {pathValue, "9"}, "from-path": {pathValue, "9"}, "message-id": {identValue, "9"},
	"success-report": {yesNo, "7.1.1"}, "failure-report": {yesNoPartial, "7.1.1"},
	"byte-range": {rangeValue, "7.1.1"}, "status": {statusValue, "7.1.2"}, "content-type": {typeValue, "9"},
}

// codes are the status codes of section 10, and those that extensions have registered.
var codes = []int{200, 400, 401, 403, 404, 408, 413, 415, 423, 425, 428, 481, 501, 506}

// check reports what is wrong with a frame by itself.
func (j *Judge) check(f *Frame) {
	form := startRequest
	if f.Method == "" {
		form = startResponse
	}
	if !form.MatchString(f.Start) || !utf8.ValidString(f.Start) {
		j.add("9", "the start line %q has not the form of section 9", f.Start)
	}
	j.checkFields(f)
	if f.Method == "" {
		j.checkResponse(f)
		return
	}
	j.checkRequest(f)
}

func (j *Judge) checkFields(f *Frame) {
	if len(f.Fields) < 2 || f.Fields[0].Name != "To-Path" || f.Fields[1].Name != "From-Path" {
		j.add("7.1", "To-Path and From-Path are not the first headers of %q", f.Start)
	}
	seen := map[string]bool{}
	for i, h := range f.Fields {
		name := strings.ToLower(h.Name)
		if !fieldName.MatchString(h.Name) || !fieldValue.MatchString(h.Value) || !utf8.ValidString(h.Value) || !strings.HasPrefix(h.Value, " ") {
			j.add("9", "the header %q has not the form of section 9", h.Name+":"+h.Value)
			continue
		}
		v, own := values[name]
		if own && !v.form.MatchString(h.Value) {
			j.add(v.section, "the header %q has not its form", h.Name+":"+h.Value)
		}
		if own && seen[name] {
			j.add("9", "%s comes twice", h.Name)
		}
		seen[name] = true
		if name == "content-type" && i != len(f.Fields)-1 {
			j.add("9", "Content-Type is not the last header")
		}
	}
}

func (j *Judge) checkResponse(f *Frame) {
	if !slices.Contains(codes, f.Code) {
		j.add("10", "the status code %d is not defined", f.Code)
	}
	if f.HasBody || f.Get("Content-Type") != "" {
		j.add("7.2", "the response %q has a body", f.Start)
	}
	if f.Flag != '$' {
		j.add("7.2", "the end-line of the response %q ends with %q", f.Start, f.Flag)
	}
}

func (j *Judge) checkRequest(f *Frame) {
	if f.Get("Message-ID") == "" && (f.Method == "SEND" || f.Method == "REPORT") {
		j.add("7.1.1", "a %s has no Message-ID", f.Method)
	}
	if f.Method == "REPORT" {
		j.checkReport(f)
		return
	}
	if !f.HasBody {
		return
	}
	if f.Body != "" && f.Get("Content-Type") == "" {
		j.add("7.1.1", "a body has no Content-Type")
	}
	start, end, total := byteRange(f)
	n := len(f.Body)
	switch {
	case start < 1 && n > 0:
		j.add("7.1.1", "a SEND with a body has no Byte-Range")
	case end >= 0 && f.Flag != '#' && end-start+1 != n:
		j.add("7.1.1", "%d bytes have the Byte-Range %s", n, f.Get("Byte-Range"))
	case end >= 0 && n > 2048:
		j.add("7.1.1", "a chunk of %d bytes cannot be interrupted", n)
	case f.Flag == '$' && total >= 0 && start-1+n != total:
		j.add("7.1.1", "the last chunk ends at %d of %d", start-1+n, total)
	}
}

// checkReport is section 7.1.2.
func (j *Judge) checkReport(f *Frame) {
	for _, name := range []string{"Status", "Byte-Range"} {
		if f.Get(name) == "" {
			j.add("7.1.2", "a REPORT has no %s", name)
		}
	}
	for _, name := range []string{"Success-Report", "Failure-Report"} {
		if f.Get(name) != "" {
			j.add("7.1.2", "a REPORT has %s", name)
		}
	}
	if f.HasBody || f.Get("Content-Type") != "" {
		j.add("7.1.2", "a REPORT has a body")
	}
	if f.Flag != '$' {
		j.add("7.1", "the end-line of a REPORT ends with %q", f.Flag)
	}
}

// byteRange is that of a request; start is 0 without, end and total are -1 for *.
func byteRange(f *Frame) (start, end, total int) {
	m := rangeValue.FindStringSubmatch(" " + f.Get("Byte-Range"))
	if m == nil {
		return 0, -1, -1
	}
	number := func(s string) int {
		n, err := strconv.Atoi(s)
		if err != nil {
			return -1
		}
		return n
	}
	return number(m[1]), number(m[2]), number(m[3])
}
