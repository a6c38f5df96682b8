package regevent

import (
	"bytes"
	"fmt"
	"strconv"
	"time"

	"github.com/gomscp/gomscp/internal/xmltree"
)

// MarshalText writes the document.
func (r *Document) MarshalText() ([]byte, error) {
	var b bytes.Buffer
	state := map[bool]string{true: "partial", false: "full"}[r.Partial]
	fmt.Fprintf(&b, "<?xml version=\"1.0\"?>\n<reginfo xmlns=%q version=\"%d\" state=%q>\n", namespace, r.Version, state)
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
