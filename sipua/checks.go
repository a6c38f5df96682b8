package sipua

import (
	"fmt"
	"strings"

	"github.com/emiago/sipgo/sip"
)

// malformed returns what is wrong with a request, "" if nothing is.
func malformed(req *sip.Request) string {
	for _, name := range singles {
		if n := len(req.GetHeaders(name)); n != 1 {
			return fmt.Sprintf("%d %s headers", n, name)
		}
	}
	for _, name := range atMostOnce {
		if n := len(req.GetHeaders(name)); n > 1 {
			return fmt.Sprintf("%d %s headers", n, name)
		}
	}
	switch {
	case req.Via() == nil:
		return "no Via"
	case req.CSeq() == nil || !strings.EqualFold(string(req.CSeq().MethodName), string(req.Method)): // sipgo alters the case; see screen
		return "CSeq method" // [RFC3261-8.1.1.5]
	case tagOf(req.From().Params) == "":
		return "no From tag" // [RFC3261-8.1.1.3]
	case req.CallID().Value() == "":
		return "empty Call-ID"
	case req.MaxForwards() != nil && req.MaxForwards().Val() == 0 && req.Method != sip.OPTIONS && req.Method != sip.ACK:
		return "" // we are the destination, not a hop
	}
	return ""
}

// singles are the headers that a request must have exactly once. See RFC 3261,
// sections 8.1.1 and 7.3.1.
var singles = []string{"From", "To", "Call-ID", "CSeq"}

// atMostOnce are headers that describe the body and are no lists. See RFC 3261,
// section 7.3.1.
var atMostOnce = []string{"Content-Type", "Content-Disposition"}
