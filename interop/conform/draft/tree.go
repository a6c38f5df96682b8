package draft

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"unicode/utf8"
)

// An Element is one element of a document, with its names resolved.
type Element struct {
	Space, Name string
	Attributes  []xml.Attr // without declarations of namespaces; Name.Space is the namespace
	Elements    []*Element
	Text        string // all character data directly in it
}

// Attribute returns the value of an attribute without a namespace; ok reports whether it
// exists.
func (e *Element) Attribute(name string) (value string, ok bool) {
	for _, a := range e.Attributes {
		if a.Name.Space == "" && a.Name.Local == name {
			return a.Value, true
		}
	}
	return "", false
}

// Get returns the value of an attribute without a namespace, or "".
func (e *Element) Get(name string) string {
	v, _ := e.Attribute(name)
	return v
}

// A parser makes a tree of a document.
type parser struct {
	body  []byte
	d     *xml.Decoder
	open  []*Element
	names []string            // of the open elements as they are written
	space []map[string]string // by open element, namespaces by prefix
	root  *Element
}

// xmlSpace is what the prefix xml stands for. See Namespaces in XML 1.0, section 3.
const xmlSpace = "http://www.w3.org/XML/1998/namespace"

// parse reads a document of XML 1.0 with namespaces. An error says why it is not
// well-formed.
func parse(body []byte) (*Element, error) {
	if !utf8.Valid(body) {
		return nil, errors.New("it is not UTF-8")
	}
	p := &parser{body: bytes.TrimPrefix(body, []byte("\ufeff"))}
	p.d = xml.NewDecoder(bytes.NewReader(p.body))
	for {
		began := p.d.InputOffset()
		token, err := p.d.RawToken()
		if err == io.EOF {
			break
		}
		if err == nil {
			err = p.token(token, began)
		}
		if err != nil {
			return nil, fmt.Errorf("at byte %d: %w", began, err)
		}
	}
	if p.root == nil || len(p.open) > 0 {
		return nil, errors.New("its end is missing")
	}
	return p.root, nil
}

func (p *parser) token(token xml.Token, began int64) error {
	switch t := token.(type) {
	case xml.StartElement:
		return p.start(t, p.body[began:p.d.InputOffset()])
	case xml.EndElement:
		return p.end(written(t.Name))
	case xml.CharData:
		if len(p.open) > 0 {
			p.open[len(p.open)-1].Text += string(t)
		} else if strings.Trim(string(t), " \t\r\n") != "" {
			return errors.New("text outside the root element")
		}
	case xml.ProcInst:
		if strings.EqualFold(t.Target, "xml") && began > 0 {
			return errors.New("an XML declaration that is not at the beginning")
		}
	case xml.Directive:
		return errors.New("a document type declaration, which the draft's documents have not")
	}
	return nil
}

func written(n xml.Name) string {
	if n.Space == "" {
		return n.Local
	}
	return n.Space + ":" + n.Local
}

// crowded is an attribute with no blank before it.
var crowded = regexp.MustCompile(`=\s*(?:"[^"]*"|'[^']*')[^\s/>]`)

func (p *parser) start(t xml.StartElement, raw []byte) error {
	if len(p.open) == 0 && p.root != nil {
		return errors.New("a second root element")
	}
	if len(p.open) >= MaxDepth {
		return fmt.Errorf("more than %d elements within each other", MaxDepth)
	}
	if crowded.Match(raw) {
		return errors.New("two attributes without a blank between them")
	}
	names, err := declarations(t.Attr)
	if err != nil {
		return err
	}
	p.space = append(p.space, names)
	e := &Element{Name: t.Name.Local}
	if e.Space, err = p.resolve(t.Name); err != nil {
		return err
	}
	if err := p.attributes(e, t.Attr); err != nil {
		return err
	}
	if len(p.open) == 0 {
		p.root = e
	} else {
		above := p.open[len(p.open)-1]
		above.Elements = append(above.Elements, e)
	}
	p.open, p.names = append(p.open, e), append(p.names, written(t.Name))
	return nil
}

// declarations are the namespaces that an element declares, by prefix.
func declarations(attributes []xml.Attr) (map[string]string, error) {
	names := map[string]string{}
	for _, a := range attributes {
		switch {
		case a.Name.Space == "" && a.Name.Local == "xmlns":
			names[""] = a.Value
		case a.Name.Space == "xmlns" && (a.Value == "" || a.Name.Local == "xmlns"):
			return nil, fmt.Errorf("the prefix %s cannot be declared as %q", a.Name.Local, a.Value)
		case a.Name.Space == "xmlns":
			names[a.Name.Local] = a.Value
		}
	}
	return names, nil
}

// attributes adds those that are no declarations.
func (p *parser) attributes(e *Element, attributes []xml.Attr) error {
	seen := map[xml.Name]bool{}
	for _, a := range attributes {
		name := a.Name
		if name.Space != "xmlns" && name.Space != "" {
			space, err := p.resolve(name)
			if err != nil {
				return err
			}
			name.Space = space
		}
		if seen[name] {
			return fmt.Errorf("two attributes %s", written(a.Name))
		}
		seen[name] = true
		if a.Name.Space != "xmlns" && written(a.Name) != "xmlns" {
			e.Attributes = append(e.Attributes, xml.Attr{Name: name, Value: a.Value})
		}
	}
	return nil
}

// resolve is the namespace of an element's or a prefixed attribute's name.
func (p *parser) resolve(n xml.Name) (string, error) {
	if strings.Contains(n.Local, ":") {
		return "", fmt.Errorf("the name %s has two colons", written(n))
	}
	for i := len(p.space) - 1; i >= 0; i-- {
		if space, ok := p.space[i][n.Space]; ok {
			return space, nil
		}
	}
	switch n.Space {
	case "":
		return "", nil
	case "xml":
		return xmlSpace, nil
	}
	return "", fmt.Errorf("the prefix %s is not declared", n.Space)
}

func (p *parser) end(name string) error {
	if len(p.open) == 0 || p.names[len(p.names)-1] != name {
		return fmt.Errorf("</%s> closes what is not open", name)
	}
	p.open, p.names, p.space = p.open[:len(p.open)-1], p.names[:len(p.names)-1], p.space[:len(p.space)-1]
	return nil
}
