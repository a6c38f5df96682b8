package presence

import (
	"errors"
	"fmt"
	"mime"

	"github.com/gomscp/gomscp/internal/xmltree"
)

// pidfLimits are those of a presence document that is read.
var pidfLimits = xmltree.Limits{Bytes: 256 << 10, Depth: 64, Elements: 10_000, Attrs: 64, Namespaces: 256}

// pidfSpaces are the namespaces of a presence document: of RFC 3863, section
// 4.2.2, as section 4.1.1 of it is printed, and of the drafts before it.
var pidfSpaces = []string{"urn:ietf:params:xml:ns:pidf", "urn:ietf:params:xml:ns:pidf:", "urn:ietf:params:xml:ns:cpim-pidf"}

// pidfOpen reports whether the presence document says that its user can be
// reached: at least one tuple whose basic status is open. An empty or blank
// document, which presence servers send for a user they know nothing of, is not
// open. What is of other namespaces or unknown is passed over, with all that is
// in it. See RFC 3863, sections 4.1.4 and 4.2.3.
//
// The entity is not looked at: the subscription says whose document it is, and
// presence servers name users by an alias, or by a pres or tel URI.
//
// An error, which wraps *xmltree.Error with offset and rule, means that the
// document says nothing: neither open nor closed.
func pidfOpen(contentType string, body []byte) (bool, error) {
	root, err := xmltree.ParseLenient(body, charset(contentType), pidfLimits)
	if errors.Is(err, xmltree.ErrBlank) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("pidf: %w", err)
	}
	for _, space := range pidfSpaces {
		if root.Is(space, "presence") {
			return anyOpen(root), nil
		}
	}
	return false, fmt.Errorf("pidf: %w", &xmltree.Error{Offset: root.Offset, Rule: "the root element is not presence of " + pidfSpaces[0]})
}

// anyOpen reports whether a tuple is open.
func anyOpen(presence *xmltree.Node) bool {
	space := presence.Space
	for tuple := range presence.All(space, "tuple") {
		for status := range tuple.All(space, "status") {
			for basic := range status.All(space, "basic") {
				if xmltree.Token(basic.Text) == "open" {
					return true
				}
			}
		}
	}
	return false
}

// charset is the parameter of a content type, or "".
func charset(contentType string) string {
	_, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		return "" // the document says itself what it is
	}
	return params["charset"]
}
