package sipua

import (
	"bytes"
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

// RegInfo is a document of the reg event package, application/reginfo+xml. See
// RFC 3680, section 5.
type RegInfo struct {
	Version uint32 // of the document, by one more for each
	// Partial says that the document has only what has changed. Otherwise it
	// has all there is.
	Partial       bool
	Registrations []RegRecord
}

// A RegRecord is what a registrar knows of one address of record.
type RegRecord struct {
	AOR      string // as it is in the document
	ID       string
	State    string // init, active or terminated
	Contacts []RegContact
	// Solicited is as in Notification; of WatchRegistrations only.
	Solicited bool
}

// Active reports whether the address of record has a contact that can be
// called.
func (r RegRecord) Active() bool {
	if r.State != "active" {
		return false
	}
	for _, c := range r.Contacts {
		if c.State == "active" {
			return true
		}
	}
	return false
}

// A RegContact is one contact of an address of record.
type RegContact struct {
	ID, URI, DisplayName string
	State                string        // active or terminated
	Event                string        // what has brought it into its state: registered, created, refreshed, shortened, expired, deactivated, probation, unregistered or rejected
	Expires              time.Duration // how long it lasts still; 0 if that is not told
	RetryAfter           time.Duration // for probation
	Q                    string        // the preference, "" if there is none
	CallID               string        // of the REGISTER
	CSeq                 uint32
}

// RegInfoType is the content type of a RegInfo, and RegEvent the name of its
// event package.
const (
	RegInfoType = "application/reginfo+xml"
	RegEvent    = "reg"
)

const reginfoSpace = "urn:ietf:params:xml:ns:reginfo"

// errRegInfo is at the root of what is wrong with a document.
var errRegInfo = errors.New("sipua: reginfo")

// regInfoLimits are those of a document that is read.
var regInfoLimits = xmltree.Limits{Bytes: MaxBody, Depth: MaxRegInfoDepth, Elements: MaxRegInfoElements, Attrs: MaxRegInfoAttributes, Namespaces: MaxRegInfoDepth * MaxRegInfoAttributes}

// ParseRegInfo reads a document of up to MaxBody bytes, MaxRegInfoDepth levels,
// MaxRegInfoElements elements, and MaxRegInfoAttributes attributes in each. A
// blank one has no registrations. contentType is that of the message; its charset
// counts if the document does not begin with a byte order mark. Encodings and other
// freedoms of senders are those of xmltree.ParseLenient.
//
// Elements and attributes that it does not know are skipped. So is the value of
// an attribute that does not say who is registered: a contact whose expires makes
// no sense is active nevertheless. An error, which wraps *xmltree.Error with
// offset and rule, means that the document says nothing.
func ParseRegInfo(contentType string, body []byte) (*RegInfo, error) {
	ct, _ := grammar.ReadValue(contentType)
	root, err := xmltree.ParseLenient(body, ct.Params["charset"], regInfoLimits)
	if errors.Is(err, xmltree.ErrBlank) {
		return &RegInfo{}, nil
	}
	var info *RegInfo
	if err == nil {
		info, err = readRegInfo(root)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errRegInfo, err)
	}
	return info, nil
}

// badRegInfo makes the error for what the element breaks.
func badRegInfo(n *xmltree.Node, rule string) error {
	return &xmltree.Error{Offset: n.Offset, Rule: rule}
}

func readRegInfo(root *xmltree.Node) (*RegInfo, error) {
	if !root.Is(reginfoSpace, "reginfo") {
		return nil, badRegInfo(root, "the root element is not reginfo of "+reginfoSpace)
	}
	info := &RegInfo{}
	switch state(root) {
	case "full":
	case "partial":
		info.Partial = true
	default:
		return nil, badRegInfo(root, "the state of reginfo is neither full nor partial")
	}
	v, _ := root.Attr("version")
	version, ok := xmltree.UnsignedLong(v)
	if ok = ok && version <= math.MaxUint32; !ok && info.Partial {
		return nil, badRegInfo(root, "the version of a partial reginfo is no number of 32 bits")
	}
	if ok {
		info.Version = uint32(version) // a full document says all without it
	}
	for r := range root.All(reginfoSpace, "registration") {
		record, err := readRegistration(r)
		if err != nil {
			return nil, err
		}
		info.Registrations = append(info.Registrations, record)
	}
	return info, nil
}

func readRegistration(n *xmltree.Node) (RegRecord, error) {
	aor, _ := n.Attr("aor")
	id, _ := n.Attr("id")
	r := RegRecord{AOR: xmltree.Collapse(aor), ID: id, State: state(n)}
	switch {
	case r.AOR == "":
		return r, badRegInfo(n, "a registration has no aor")
	case r.State != "init" && r.State != "active" && r.State != "terminated":
		return r, badRegInfo(n, "the state of a registration is none of init, active and terminated")
	}
	for c := range n.All(reginfoSpace, "contact") {
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

func readContact(n *xmltree.Node) (RegContact, error) {
	c := RegContact{State: state(n), Expires: lifetime(n, "expires"), RetryAfter: lifetime(n, "retry-after")}
	if c.State != "active" && c.State != "terminated" {
		return c, badRegInfo(n, "the state of a contact is neither active nor terminated")
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
	for uri := range n.All(reginfoSpace, "uri") {
		c.URI = xmltree.Collapse(uri.Text)
		break
	}
	for name := range n.All(reginfoSpace, "display-name") {
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

// MarshalText writes the document.
func (r *RegInfo) MarshalText() ([]byte, error) {
	var b bytes.Buffer
	state := map[bool]string{true: "partial", false: "full"}[r.Partial]
	fmt.Fprintf(&b, "<?xml version=\"1.0\"?>\n<reginfo xmlns=%q version=\"%d\" state=%q>\n", reginfoSpace, r.Version, state)
	for _, x := range r.Registrations {
		fmt.Fprintf(&b, "<registration%s>\n", attributes("aor", x.AOR, "id", x.ID, "state", x.State))
		for _, c := range x.Contacts {
			fmt.Fprintf(&b, "<contact%s>", attributes("id", c.ID, "state", c.State, "event", c.Event,
				"expires", optional(c.Expires), "retry-after", optional(c.RetryAfter), "q", c.Q, "callid", c.CallID, "cseq", optionalInt(c.CSeq)))
			b.WriteString("<uri>" + escaped(c.URI) + "</uri>")
			if c.DisplayName != "" {
				b.WriteString("<display-name>" + escaped(c.DisplayName) + "</display-name>")
			}
			b.WriteString("</contact>\n")
		}
		b.WriteString("</registration>\n")
	}
	b.WriteString("</reginfo>\n")
	return b.Bytes(), nil
}

// attributes writes those that have a value.
func attributes(pairs ...string) string {
	var b bytes.Buffer
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			xmltree.WriteAttr(&b, pairs[i], pairs[i+1])
		}
	}
	return b.String()
}

func escaped(s string) string {
	var b bytes.Buffer
	xmltree.Escape(&b, s)
	return b.String()
}

func optional(d time.Duration) string {
	if d <= 0 {
		return ""
	}
	return strconv.FormatInt(int64(d/time.Second), 10)
}

func optionalInt(n uint32) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatUint(uint64(n), 10)
}
