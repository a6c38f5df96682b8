package sipua

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
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

// ParseRegInfo reads a document of up to MaxBody bytes, MaxRegInfoDepth levels,
// MaxRegInfoElements elements, and MaxRegInfoAttributes attributes in each. Elements and attributes that it does not know
// are skipped; a document type is refused. An error tells the offset in bytes.
func ParseRegInfo(body []byte) (*RegInfo, error) {
	if len(body) > MaxBody {
		return nil, fmt.Errorf("%w: more than %d bytes", errRegInfo, MaxBody)
	}
	p := &reginfoParser{d: xml.NewDecoder(bytes.NewReader(body))}
	p.d.CharsetReader = func(charset string, in io.Reader) (io.Reader, error) {
		if strings.EqualFold(charset, "us-ascii") {
			return in, nil
		}
		return nil, fmt.Errorf("charset %q", charset)
	}
	if err := p.parse(); err != nil {
		return nil, fmt.Errorf("%w: offset %d: %w", errRegInfo, p.d.InputOffset(), err)
	}
	return &p.info, nil
}

// A reginfoParser is in the middle of a document.
type reginfoParser struct {
	d        *xml.Decoder
	info     RegInfo
	depth    int
	elements int
	path     []string // the known elements that are open; "" for one that is not known
	root     bool     // there was a root
	text     strings.Builder
}

func (p *reginfoParser) parse() error {
	for {
		t, err := p.d.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		switch t := t.(type) {
		case xml.StartElement:
			err = p.start(t)
		case xml.EndElement:
			err = p.end()
		case xml.CharData:
			err = p.chars(t)
		case xml.Directive:
			err = errors.New("document type") // entities are none of this package
		}
		if err != nil {
			return err
		}
	}
	if !p.root {
		return errors.New("no reginfo element")
	}
	return nil
}

func (p *reginfoParser) start(e xml.StartElement) error {
	p.depth++
	p.elements++
	if p.depth > MaxRegInfoDepth || p.elements > MaxRegInfoElements || len(e.Attr) > MaxRegInfoAttributes {
		return errors.New("too deep, or too many elements or attributes")
	}
	for i, a := range e.Attr {
		for _, b := range e.Attr[:i] {
			if a.Name == b.Name {
				return fmt.Errorf("attribute %s twice", a.Name.Local) // the decoder takes it
			}
		}
	}
	parent := ""
	if p.depth > 1 {
		parent = p.path[p.depth-2]
	}
	known := ""
	if e.Name.Space == reginfoSpace {
		known = parent + "/" + e.Name.Local
	}
	p.text.Reset()
	var err error
	switch known {
	case "/reginfo":
		if p.root {
			return errors.New("a second root")
		}
		p.root = true
		err = p.readRoot(e)
	case "/reginfo/registration":
		p.info.Registrations = append(p.info.Registrations, RegRecord{AOR: attr(e, "aor"), ID: attr(e, "id"), State: attr(e, "state")})
		r := p.record()
		if r.AOR == "" || r.ID == "" || !oneOf(r.State, "init", "active", "terminated") {
			err = errors.New("registration without aor, id or state")
		}
	case "/reginfo/registration/contact":
		err = p.readContact(e)
	case "/reginfo/registration/contact/uri", "/reginfo/registration/contact/display-name":
	default:
		if p.depth == 1 {
			return fmt.Errorf("root is %s", e.Name.Local)
		}
		known = ""
	}
	p.path = append(p.path, known)
	return err
}

func (p *reginfoParser) readRoot(e xml.StartElement) error {
	version, err := strconv.ParseUint(attr(e, "version"), 10, 32)
	if err != nil {
		return errors.New("version")
	}
	p.info.Version = uint32(version)
	switch attr(e, "state") {
	case "full":
	case "partial":
		p.info.Partial = true
	default:
		return errors.New("state is neither full nor partial")
	}
	return nil
}

func (p *reginfoParser) readContact(e xml.StartElement) error {
	c := RegContact{ID: attr(e, "id"), State: attr(e, "state"), Event: attr(e, "event"), Q: attr(e, "q"), CallID: attr(e, "callid")}
	if c.ID == "" || c.Event == "" || !oneOf(c.State, "active", "terminated") {
		return errors.New("contact without id, state or event")
	}
	for name, field := range map[string]*time.Duration{"expires": &c.Expires, "retry-after": &c.RetryAfter} {
		if v := attr(e, name); v != "" {
			d, ok := parseSeconds(v)
			if !ok {
				return errors.New(name)
			}
			*field = d
		}
	}
	if v := attr(e, "cseq"); v != "" {
		n, err := strconv.ParseUint(v, 10, 32)
		if err != nil {
			return errors.New("cseq")
		}
		c.CSeq = uint32(n)
	}
	r := p.record()
	r.Contacts = append(r.Contacts, c)
	return nil
}

// record is the registration that is open.
func (p *reginfoParser) record() *RegRecord {
	return &p.info.Registrations[len(p.info.Registrations)-1]
}

func (p *reginfoParser) chars(t xml.CharData) error {
	if p.depth == 0 {
		if len(bytes.TrimSpace(t)) > 0 {
			return errors.New("text outside of the root")
		}
		return nil
	}
	p.text.Write(t)
	return nil
}

func (p *reginfoParser) end() error {
	open := p.path[p.depth-1]
	p.path = p.path[:p.depth-1]
	p.depth--
	text := strings.TrimSpace(p.text.String())
	p.text.Reset()
	switch open {
	case "/reginfo/registration/contact/uri":
		contact(p.record()).URI = text
	case "/reginfo/registration/contact/display-name":
		contact(p.record()).DisplayName = text
	case "/reginfo/registration/contact":
		if contact(p.record()).URI == "" {
			return errors.New("contact without uri")
		}
	}
	return nil
}

// contact is the contact that is open.
func contact(r *RegRecord) *RegContact { return &r.Contacts[len(r.Contacts)-1] }

func attr(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Space == "" && a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

func oneOf(s string, list ...string) bool {
	for _, x := range list {
		if s == x {
			return true
		}
	}
	return false
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
	var b strings.Builder
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			b.WriteString(" " + pairs[i] + `="` + escaped(pairs[i+1]) + `"`)
		}
	}
	return b.String()
}

func escaped(s string) string {
	var b bytes.Buffer
	_ = xml.EscapeText(&b, []byte(s)) // a Buffer does not fail
	return b.String()
}

func optional(d time.Duration) string {
	if d <= 0 {
		return ""
	}
	return seconds(d)
}

func optionalInt(n uint32) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatUint(uint64(n), 10)
}
