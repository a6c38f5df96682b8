package sipserver

import (
	"bytes"
	"encoding/xml"
	"fmt"
)

// pidf returns the presence document of a user with that many contacts: an open tuple for
// each, or one closed tuple without any. See RFC 3863.
func pidf(entity string, contacts int) []byte {
	var b bytes.Buffer
	b.WriteString(`<?xml version="1.0" encoding="UTF-8"?>` + "\n" + `<presence xmlns="urn:ietf:params:xml:ns:pidf" entity="`)
	_ = xml.EscapeText(&b, []byte(entity)) // a Buffer does not fail
	b.WriteString(`">`)
	basic := "open"
	if contacts == 0 {
		basic, contacts = "closed", 1
	}
	for i := range contacts {
		fmt.Fprintf(&b, `<tuple id="c%d"><status><basic>%s</basic></status></tuple>`, i, basic)
	}
	b.WriteString("</presence>\n")
	return b.Bytes()
}
