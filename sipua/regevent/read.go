package regevent

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/gomscp/gomscp/internal/xmltree"
	"github.com/gomscp/gomscp/sipua/internal/grammar"
)

// errDocument is wrapped by all errors of Parse.
var errDocument = errors.New("sipua: reginfo")

// limits are those of a document that is read.
var limits = xmltree.Limits{Bytes: MaxBytes, Depth: MaxDepth, Elements: MaxElements, Attrs: MaxAttributes, Namespaces: MaxDepth * MaxAttributes}

// Parse reads a document of up to MaxBytes bytes, MaxDepth levels, MaxElements elements,
// and MaxAttributes attributes in each. A blank document has no registrations.
// contentType is that of the message; its charset counts unless the document begins with
// a byte order mark. Encodings and deviations are accepted as by xmltree.ParseLenient.
//
// Unknown elements and attributes are ignored. So are invalid values of attributes that
// do not affect who is registered: a contact with an invalid expires is active
// nevertheless. An error wraps *xmltree.Error with offset and rule.
func Parse(contentType string, body []byte) (*Document, error) {
	ct, _ := grammar.ReadValue(contentType)
	root, err := xmltree.ParseLenient(body, ct.Params["charset"], limits)
	if errors.Is(err, xmltree.ErrBlank) {
		return &Document{}, nil
	}
	var info *Document
	if err == nil {
		info, err = readDocument(root)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errDocument, err)
	}
	return info, nil
}

// invalid makes the error for what the element breaks.
func invalid(n *xmltree.Node, rule string) error {
	return &xmltree.Error{Offset: n.Offset, Rule: rule}
}

func readDocument(root *xmltree.Node) (*Document, error) {
	if !root.Is(namespace, "reginfo") {
		return nil, invalid(root, "the root element is not reginfo of "+namespace)
	}
	info := &Document{}
	switch state(root) {
	case "full":
	case "partial":
		info.Partial = true
	default:
		return nil, invalid(root, "the state of reginfo is neither full nor partial")
	}
	v, _ := root.Attr("version")
	version, ok := xmltree.UnsignedLong(v)
	if ok = ok && version <= math.MaxUint32; !ok && info.Partial {
		return nil, invalid(root, "the version of a partial reginfo is no number of 32 bits")
	}
	if ok {
		info.Version = uint32(version) // a full document says all without it
	}
	for r := range root.All(namespace, "registration") {
		record, err := readRegistration(r)
		if err != nil {
			return nil, err
		}
		info.Registrations = append(info.Registrations, record)
	}
	return info, nil
}

func readRegistration(n *xmltree.Node) (Registration, error) {
	aor, _ := n.Attr("aor")
	id, _ := n.Attr("id")
	r := Registration{AOR: xmltree.Collapse(aor), ID: id, State: state(n)}
	switch {
	case r.AOR == "":
		return r, invalid(n, "a registration has no aor")
	case r.State != "init" && r.State != "active" && r.State != "terminated":
		return r, invalid(n, "the state of a registration is none of init, active and terminated")
	}
	for c := range n.All(namespace, "contact") {
		contact, err := readContact(c)
		if err != nil {
			return r, err
		}
		if contact.ID == "" {
			contact.ID = cmp.Or(contact.URI, "contact "+strconv.Itoa(len(r.Contacts)+1))
		}
		r.Contacts = append(r.Contacts, contact)
	}
	return r, nil
}

func readContact(n *xmltree.Node) (Contact, error) {
	c := Contact{State: state(n), Expires: lifetime(n, "expires"), RetryAfter: lifetime(n, "retry-after")}
	if c.State != "active" && c.State != "terminated" {
		return c, invalid(n, "the state of a contact is neither active nor terminated")
	}
	c.ID, _ = n.Attr("id")
	c.Q, _ = n.Attr("q")
	c.CallID, _ = n.Attr("callid")
	event, _ := n.Attr("event")
	c.Event = xmltree.Token(event)
	cseq, _ := n.Attr("cseq")
	if v, ok := xmltree.UnsignedLong(cseq); ok && v <= math.MaxUint32 {
		c.CSeq = uint32(v)
	}
	for uri := range n.All(namespace, "uri") {
		c.URI = xmltree.Collapse(uri.Text)
		break
	}
	for name := range n.All(namespace, "display-name") {
		c.DisplayName = strings.TrimSpace(name.Text)
		break
	}
	return c, nil
}

// state reads the state of an element.
func state(n *xmltree.Node) string {
	v, _ := n.Attr("state")
	return xmltree.Token(v)
}

// maxLifetime is the longest time that a contact is said to last, in seconds:
// what a time.Duration holds.
const maxLifetime = uint64(math.MaxInt64 / time.Second)

// lifetime reads a number of seconds, or 0 if there is none.
func lifetime(n *xmltree.Node, name string) time.Duration {
	v, _ := n.Attr(name)
	s, ok := xmltree.UnsignedLong(v)
	if !ok {
		return 0
	}
	return time.Duration(min(s, maxLifetime)) * time.Second
}
