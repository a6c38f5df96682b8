package sipserver

import (
	"strings"

	"github.com/emiago/sipgo/sip"
)

// instanceOf returns the URN of the device in a Contact. See RFC 5626, section 4.1.
func instanceOf(c *sip.ContactHeader) string {
	v, _ := c.Params.Get("+sip.instance")
	return strings.Trim(v, `"<>`)
}

// wantsGRUU reports whether a REGISTER asks for GRUUs. See RFC 5627, section 4.2.
func wantsGRUU(req *sip.Request) bool {
	for _, h := range req.GetHeaders("Supported") {
		for v := range strings.SplitSeq(h.Value(), ",") {
			if strings.EqualFold(strings.TrimSpace(v), "gruu") {
				return true
			}
		}
	}
	return false
}

// contactOf is where a URI of ours leads: for a GRUU to the device that it names, else
// to the contact that the user has registered last. See RFC 5627, section 5.4.
func (s *Server) contactOf(uri *sip.Uri) (sip.Uri, bool) {
	instance, ok := uri.UriParams.Get("gr")
	if !ok {
		return s.newest(uri.User)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	list := s.bindings[uri.User]
	for i := len(list) - 1; i >= 0; i-- {
		if instance != "" && strings.EqualFold(list[i].instance, instance) {
			return *list[i].contact.Clone(), true
		}
	}
	return sip.Uri{}, false
}
