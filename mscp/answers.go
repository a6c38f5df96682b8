package mscp

import (
	"fmt"
	"slices"
	"strings"
)

// CheckAnswer tells what is wrong with resp as the response to req: that it is
// none of the elements that the draft names for it, or that it does not repeat
// the request's ids. The error is a *ValidationError whose findings have no
// place. A request that neither the draft nor the paper names may be answered
// with anything.
func CheckAnswer(req, resp Element) error {
	q, ok := req.(typedElement)
	if !ok {
		return nil
	}
	a := q.shape()
	if a.responses == nil {
		return nil
	}
	if !slices.Contains(a.responses, Name(resp)) {
		return &ValidationError{[]Finding{{Rule: fmt.Sprintf("%s is no response to %s, but %s (%s)",
			Name(resp), Name(req), strings.Join(a.responses, ", "), a.ref()), Fatal: true}}}
	}
	var found []Finding
	for _, r := range a.repeats {
		asked, answered := attributeOf(req, r.inRequest), attributeOf(resp, r.inResponse)
		if asked != answered && (asked != "" || r.always) {
			found = append(found, Finding{Rule: fmt.Sprintf("%s of %s is %q, but %s of %s was %q (%s)",
				r.inResponse, Name(resp), shorten(answered), r.inRequest, Name(req), shorten(asked), a.ref())})
		}
	}
	if found == nil {
		return nil
	}
	return &ValidationError{found}
}

// attributeOf is an attribute of an element by its name, or "".
func attributeOf(e Element, name string) string {
	switch e := e.(type) {
	case *Other:
		return e.Attrs[name]
	case typedElement:
		attrs := e.shape().attrs
		for i := range attrs {
			if attrs[i].name == name {
				return *e.attr(i)
			}
		}
	}
	return ""
}
