package mscp

import (
	"errors"

	"github.com/gomscp/gomscp/internal/xmltree"
)

// parseTree reads one document. Errors are *ParseError.
func parseTree(b []byte) (*xmltree.Node, error) {
	root, err := xmltree.Parse(b, xmltree.Limits{Bytes: MaxBody, Depth: MaxDepth, Elements: MaxElements, Attrs: MaxAttrs, Namespaces: MaxNamespaces})
	if err == nil {
		return root, nil
	}
	bad := new(xmltree.Error)
	if !errors.As(err, &bad) {
		return nil, err
	}
	section := " (section 3.3)" // [MSCP-3.3-1]
	if bad.Encoding {
		section = " (section 3.2)" // [MSCP-3.2-1]
	}
	return nil, &ParseError{bad.Offset, bad.Rule + section}
}
