package mscp

// ValidateElement tells which rules of the draft e breaks as it would be sent,
// as the content of the request, response or notification that it is for. The
// error is a *ValidationError with the places in a document that holds nothing
// else. A strict [Client] or [Server] sends nothing that has one.
func ValidateElement(e Element) error {
	if e == nil {
		return &ValidationError{[]Finding{{Rule: "no element (section 3.2)", Fatal: true}}}
	}
	doc := Document{Kind: kindOf(e), Element: e}
	if found := Validate(doc.Encode(Draft)); found != nil { // [MSCP-3.3-7]
		return &ValidationError{found}
	}
	return nil
}

// kindOf is what e is for; a foreign element may be for anything.
func kindOf(e Element) Kind {
	if t, ok := e.(typedElement); ok {
		return t.shape().kind
	}
	return Request
}
