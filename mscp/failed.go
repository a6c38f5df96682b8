package mscp

import (
	"errors"
	"strings"
)

// RequestFailed is the body of an error response to a request that has no
// error element of its own: one that could not be read, or a foreign one. It
// is ours, in ExtensionNamespace, whatever the dialect: section 7.2.4 wants the
// error in the body, and section 8 one element in each response.
type RequestFailed struct {
	Reason string // for people to read
}

func (*RequestFailed) elementName() string { return "RequestFailed" }

var requestFailedShape = shape{kind: Response, section: "section 7.2.4", own: true, attrs: []attrSpec{reason}}

func (e *RequestFailed) shape() *shape    { return &requestFailedShape }
func (e *RequestFailed) attr(int) *string { return &e.Reason }

// ErrorReason reports whether e says that something has failed, and why:
// the error elements of sections 4 and 5, errordialog among them,
// [MsgNotRestored], [MsgNotSended] and [RequestFailed]. A reason may be empty.
func ErrorReason(e Element) (reason string, failed bool) {
	switch q := e.(type) {
	case *MsgNotRestored:
		return q.Reason, true
	case *MsgNotSended:
		return q.Reason, true
	case *RequestFailed:
		return q.Reason, true
	case typedElement:
		if strings.HasPrefix(q.elementName(), "error") {
			return attributeOf(e, "reason"), true
		}
	}
	return "", false
}

// failedResponse makes the document that answers a request with 400 or 500,
// for wire: the request's own error element with the reason, or RequestFailed.
// req is as much of the request as could be read, nil for nothing.
func failedResponse(req *Document, wire *Error) *Document {
	d := &Document{Kind: Response}
	if req != nil && req.Kind == Request {
		d.ID = req.ID                                // [MSCP-3.2-6]
		d.Element = Refuse(req.Element, wire.Reason) // [MSCP-7.2.4-6]
	}
	if d.Element == nil {
		d.Element = &RequestFailed{Reason: wire.Reason} // [MSCP-7.2.4-6]
	}
	return d
}

// wireError is err as a response can tell it: with status 400 or 500, and a
// reason.
func wireError(err error) *Error {
	wire := new(Error)
	switch {
	case !errors.As(err, &wire):
		return &Error{StatusInternalError, err.Error()}
	case wire.Code >= 400 && wire.Code < 500:
		return &Error{StatusBadRequest, wire.Reason}
	}
	return &Error{StatusInternalError, wire.Reason} // [MSCP-7.2.4-3]
}
