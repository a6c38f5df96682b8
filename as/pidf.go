package as

import (
	"fmt"

	"github.com/beevik/etree"
)

// maxPIDF is the largest presence document that is read, in bytes.
const maxPIDF = 256 << 10

// pidfOpen reports whether the presence document says that its user can be
// reached: at least one tuple whose basic status is open. An empty document,
// which presence servers send for a user they know nothing of, is not open.
// See RFC 3863, section 4.1.4.
func pidfOpen(body []byte) (bool, error) {
	if len(body) == 0 {
		return false, nil
	}
	if len(body) > maxPIDF {
		return false, fmt.Errorf("pidf: %d bytes are over the limit of %d", len(body), maxPIDF)
	}
	doc := etree.NewDocument()
	if err := doc.ReadFromBytes(body); err != nil {
		return false, fmt.Errorf("pidf: %w", err)
	}
	root := doc.Root()
	if root == nil || root.Tag != "presence" {
		return false, fmt.Errorf("pidf: the root element is not presence")
	}
	for _, tuple := range root.SelectElements("tuple") {
		status := tuple.SelectElement("status")
		if status == nil {
			continue
		}
		if basic := status.SelectElement("basic"); basic != nil && basic.Text() == "open" {
			return true, nil
		}
	}
	return false, nil
}
