package cpim

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"slices"
	"strings"

	"github.com/gomscp/gomscp/internal/xmltree"
)

// xmlNamespace is that of the elements of an IMDN document.
const xmlNamespace = "urn:ietf:params:xml:ns:imdn"

// A Kind is the disposition type of a notification. See RFC 5438, section 5.
type Kind string

// The values of Kind; "" is one that an extension defines.
const (
	KindDelivery   Kind = "delivery"
	KindProcessing Kind = "processing"
	KindDisplay    Kind = "display"
)

// A Status is the result that a notification reports. See RFC 5438, section 5.
type Status string

// The values of Status; "" is one that an extension defines.
const (
	Delivered Status = "delivered"
	Failed    Status = "failed"
	Processed Status = "processed"
	Stored    Status = "stored"
	Displayed Status = "displayed"
	Forbidden Status = "forbidden"
	Failure   Status = "error"
)

// statuses are those that each kind has. See RFC 5438, section 11.1.7.
var statuses = map[Kind][]Status{
	KindDelivery:   {Delivered, Failed, Forbidden, Failure},
	KindProcessing: {Processed, Stored, Forbidden, Failure},
	KindDisplay:    {Displayed, Forbidden, Failure},
}

// A Notification is an IMDN document. See RFC 5438, section 11.
type Notification struct {
	// MessageID is that of the message that the notification is about.
	MessageID string
	// DateTime is when that message was sent, as it said.
	DateTime string
	// Recipient and OriginalRecipient are URIs, "" if the document has none.
	Recipient, OriginalRecipient string
	// Subject is that of the message, if the document repeats it.
	Subject Text
	// Kind and Status are "" if they are those of an extension.
	Kind   Kind
	Status Status
}

// Document writes the notification. It fails if a field is missing or has characters that
// XML does not allow.
func (n *Notification) Document() ([]byte, error) {
	switch {
	case n.MessageID == "", n.DateTime == "":
		return nil, errors.New("cpim: a notification needs Message-ID and DateTime")
	case !slices.Contains(statuses[n.Kind], n.Status):
		return nil, fmt.Errorf("cpim: a notification of %s has no status %q", n.Kind, n.Status)
	case (n.Recipient == "") != (n.OriginalRecipient == ""), n.Subject.Text != "" && n.Recipient == "":
		return nil, errors.New("cpim: a notification has both recipients or none, and a subject only with them")
	}
	var b bytes.Buffer
	b.WriteString(`<?xml version="1.0" encoding="UTF-8"?>` + "\n" + `<imdn xmlns="` + xmlNamespace + `">`) // [RFC5438-11.1-1]
	for _, e := range [][2]string{{"message-id", n.MessageID}, {"datetime", n.DateTime}, {"recipient-uri", n.Recipient},
		{"original-recipient-uri", n.OriginalRecipient}, {"subject", n.Subject.Text}} {
		if e[1] == "" {
			continue
		}
		b.WriteString("<" + e[0])
		if e[0] == "subject" && n.Subject.Lang != "" {
			xmltree.WriteAttr(&b, "xml:lang", n.Subject.Lang) // [RFC5438-11.1.5-1]
		}
		b.WriteByte('>')
		xmltree.Escape(&b, e[1])
		b.WriteString("</" + e[0] + ">")
	}
	fmt.Fprintf(&b, "<%[1]s-notification><status><%[2]s/></status></%[1]s-notification></imdn>", n.Kind, n.Status)
	return b.Bytes(), nil
}

// ReadNotification reads an IMDN document. Unknown elements and elements of other
// namespaces are ignored. A datetime may be missing. The error has rule and offset, or
// wraps the error of r.
func ReadNotification(r io.Reader) (*Notification, error) {
	b, err := io.ReadAll(io.LimitReader(r, MaxNotification+1))
	if err != nil {
		return nil, fmt.Errorf("cpim: IMDN document: %w", err)
	}
	if len(b) > MaxNotification {
		return nil, syntaxErr("imdn", MaxNotification, "too long")
	}
	root, err := xmltree.Parse(b, notificationLimits) // [RFC5438-11.1-3]
	if err != nil {
		return nil, fmt.Errorf("cpim: IMDN document: %w", err)
	}
	n := &Notification{}
	if err := n.readDocument(root); err != nil {
		return nil, err
	}
	return n, nil
}

// is reports whether an element is that of RFC 5438.
func is(e *xmltree.Node, local string) bool { return e.Space == xmlNamespace && e.Local == local }

// lang is the element's xml:lang.
func lang(e *xmltree.Node) string {
	for _, a := range e.Attrs {
		if a.Space == xmltree.Namespace && a.Local == "lang" {
			return a.Value
		}
	}
	return ""
}

// readDocument reads the children of the root.
func (n *Notification) readDocument(root *xmltree.Node) error {
	if !is(root, "imdn") {
		return syntaxErr("imdn", int(root.Offset), "another root element") // [RFC5438-11.1-2]
	}
	seen := map[string]bool{}
	for _, e := range root.Kids {
		if e.Space != xmlNamespace {
			continue
		}
		kind, isKind := strings.CutSuffix(e.Local, "-notification")
		isKind = isKind && statuses[Kind(kind)] != nil
		key := e.Local
		if isKind {
			key = "notification"
		}
		if seen[key] {
			return syntaxErr(e.Local, int(e.Offset), "twice")
		}
		seen[key] = true
		if isKind {
			n.Kind = Kind(kind)
			if err := n.readStatus(e); err != nil {
				return err
			}
			continue
		}
		n.readText(e)
	}
	if n.MessageID == "" {
		return syntaxErr("message-id", int(root.Offset), "missing or empty")
	}
	return nil
}

func (n *Notification) readText(e *xmltree.Node) {
	token := strings.Join(strings.Fields(e.Text), " ")
	switch e.Local {
	case "message-id":
		n.MessageID = token
	case "datetime":
		n.DateTime = token
	case "recipient-uri":
		n.Recipient = token
	case "original-recipient-uri":
		n.OriginalRecipient = token
	case "subject":
		n.Subject = Text{lang(e), e.Text}
	}
}

func (n *Notification) readStatus(e *xmltree.Node) error {
	found := false
	for _, s := range e.Kids {
		if !is(s, "status") {
			continue
		}
		if found {
			return syntaxErr("status", int(s.Offset), "twice")
		}
		found = true
		for _, value := range s.Kids {
			known := value.Space == xmlNamespace && slices.Contains(statuses[n.Kind], Status(value.Local))
			switch {
			case known && n.Status != "":
				return syntaxErr("status", int(value.Offset), "has two values")
			case known:
				n.Status = Status(value.Local)
			}
		}
	}
	if !found {
		return syntaxErr("status", int(e.Offset), "missing")
	}
	return nil
}

// Notifications reads the disposition notification in m, or all of them if m aggregates
// several. See RFC 5438, sections 7.1.4 and 8.3.
func (m *Message) Notifications() ([]*Notification, error) {
	mt, params, err := mime.ParseMediaType(m.ContentType())
	if err != nil || mt != "multipart/mixed" {
		if mediaType(m.ContentType()) != typeIMDN {
			return nil, fmt.Errorf("cpim: no notification in %s", m.ContentType())
		}
		body, err := m.Decoded()
		if err != nil {
			return nil, err
		}
		n, err := ReadNotification(body)
		if err != nil {
			return nil, err
		}
		return []*Notification{n}, nil
	}
	return readParts(multipart.NewReader(m.Body, params["boundary"])) // [RFC5438-7.1.4-1]
}

func readParts(parts *multipart.Reader) ([]*Notification, error) {
	var all []*Notification
	for {
		p, err := parts.NextPart()
		if len(all) > 0 && (errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)) {
			return all, nil // RFC 5438 ends its own example without "--"
		}
		if err != nil {
			return nil, fmt.Errorf("cpim: notifications: %w", err)
		}
		if mediaType(p.Header.Get(hdrContentType)) != typeIMDN {
			continue
		}
		body, err := decode(p.Header.Get("Content-Transfer-Encoding"), p)
		if err != nil {
			return nil, err
		}
		n, err := ReadNotification(body)
		if err != nil {
			return nil, err
		}
		if all = append(all, n); len(all) > MaxNotifications {
			return nil, fmt.Errorf("cpim: more than %d notifications", MaxNotifications)
		}
	}
}
