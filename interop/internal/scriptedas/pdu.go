package scriptedas

import (
	"bufio"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// The namespaces of the draft and of the paper's extension.
const (
	draftSpace = "urn:ietf:mscp"
	paperSpace = "urn:x-mscp:offline-message:1"
)

// maxBody bounds the body of a PDU, in bytes.
const maxBody = 1 << 20

// A pdu is one message that has come on a control channel.
type pdu struct {
	start     string
	body      string
	typeFirst bool // Content-Type comes before Content-Length
}

// readPDU reads the next PDU.
func readPDU(r *bufio.Reader) (p pdu, err error) {
	length := -1
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return p, err
		}
		line = strings.TrimRight(line, "\r\n")
		switch name, value, _ := strings.Cut(line, ":"); {
		case p.start == "":
			p.start = line
			continue
		case strings.EqualFold(name, "Content-Type"):
			p.typeFirst = length < 0
		case strings.EqualFold(name, "Content-Length"):
			if length, err = strconv.Atoi(strings.TrimSpace(value)); err != nil {
				return p, err
			}
		}
		if line == "" {
			break
		}
	}
	if length < 0 || length > maxBody {
		return p, errors.New("no length of the body")
	}
	body := make([]byte, length)
	_, err = io.ReadFull(r, body)
	p.body = string(body)
	return p, err
}

// status is that of a response with its request-id; ok is false for anything else.
func (p pdu) status() (code int, id string, ok bool) {
	words := strings.Fields(p.start)
	if len(words) < 4 || words[0] != "MSCP/1.0" {
		return 0, "", false
	}
	code, err := strconv.Atoi(words[1])
	return code, words[len(words)-1], err == nil
}

// An element is one of XML.
type element struct {
	XMLName  xml.Name
	Attrs    []xml.Attr `xml:",any,attr"`
	Children []element  `xml:",any"`
}

// get is the value of an attribute of no namespace, "" without.
func (e element) get(name string) string {
	for _, a := range e.Attrs {
		if a.Name.Space == "" && a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// content reads a document and returns what its container holds, and the container's id.
func content(body, container string) (e element, id string, err error) {
	var doc element
	d := xml.NewDecoder(strings.NewReader(body))
	if err := d.Decode(&doc); err != nil {
		return e, "", err
	}
	if doc.XMLName != (xml.Name{Space: draftSpace, Local: "mscp"}) || len(doc.Children) != 1 {
		return e, "", errors.New("no MSCP document")
	}
	c := doc.Children[0]
	if c.XMLName != (xml.Name{Space: draftSpace, Local: container}) || len(c.Children) != 1 {
		return e, "", fmt.Errorf("no %s", container)
	}
	return c.Children[0], c.get("id"), nil
}

// tag is an element with its attributes, as names
// and values in turn, and what is in it.
func tag(name, inner string, attrs ...string) string {
	var b strings.Builder
	b.WriteString("<" + name)
	for i := 0; i+1 < len(attrs); i += 2 {
		b.WriteString(" " + attrs[i] + `="`)
		_ = xml.EscapeText(&b, []byte(attrs[i+1])) // a Builder takes everything
		b.WriteString(`"`)
	}
	if inner == "" {
		return b.String() + "/>"
	}
	return b.String() + ">" + inner + "</" + name + ">"
}

// tag is a tag as the fault of the server has it.
func (s *Server) tag(name, inner string, attrs ...string) string {
	text := tag(name, inner, attrs...)
	if s.is(WritesUnescaped) {
		return strings.ReplaceAll(text, "&amp;", "&")
	}
	return text
}

// document puts an element into a document.
func document(container, id, element string) string {
	if id != "" {
		id = ` id="` + id + `"`
	}
	return `<mscp version="1.0" xmlns="` + draftSpace + `"><` + container + id + `>` + element + `</` + container + `></mscp>`
}
