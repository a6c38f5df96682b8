package sipserver

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"
)

const (
	defaultExpires = 3600  // seconds
	maxExpires     = 86400 // seconds
)

// A binding is one registered contact of a user.
type binding struct {
	contact  sip.Uri
	instance string // URN of the device; "" if it has named none
	callID   string // of the REGISTER that made it
	seq      uint32
	expires  time.Time
	timer    *time.Timer
}

// A refusal is the response to a request that is refused.
type refusal struct {
	code   int
	reason string
}

// A wish is the request of a REGISTER for one contact.
type wish struct {
	contact  sip.Uri
	instance string
	life     time.Duration // 0 to remove it
}

// register handles a REGISTER. See RFC 3261, section 10.3.
func (s *Server) register(req *sip.Request, tx sip.ServerTransaction) {
	aor := &req.To().Address
	user := aor.User
	if s.auth != nil {
		switch who, ok := s.ua.Authenticate(s.auth, req, tx); {
		case !ok:
			return
		case who != user:
			s.respond(req, tx, 403, "Forbidden") // [RFC3261-10.3-4]
			return
		}
	}
	if user == "" || !s.ours(aor) {
		s.respond(req, tx, 404, "Not Found") // [RFC3261-10.3-5]
		return
	}
	wishes, all, refused := parseWishes(req)
	if refused == nil {
		refused = s.bind(req, user, wishes, all)
	}
	if refused != nil {
		s.respond(req, tx, refused.code, refused.reason)
		return
	}
	if all || len(wishes) > 0 {
		s.presenceChanged(user)
	}
	s.respond(req, tx, 200, "OK", s.contacts(user, wantsGRUU(req))...)
}

// parseWishes reads the contacts of a REGISTER. all means that every contact must be
// removed.
func parseWishes(req *sip.Request) (wishes []wish, all bool, refused *refusal) {
	for _, h := range req.GetHeaders("Contact") {
		c, ok := h.(*sip.ContactHeader)
		if !ok {
			return nil, false, &refusal{400, "Bad Request (Contact)"}
		}
		if all = all || c.Address.Wildcard; all {
			continue
		}
		wishes = append(wishes, wish{*c.Address.Clone(), instanceOf(c), time.Duration(requestedExpires(req, c)) * time.Second})
	}
	if !all {
		return wishes, false, nil
	}
	expires := req.GetHeader("Expires")
	if len(req.GetHeaders("Contact")) != 1 || expires == nil || strings.TrimSpace(expires.Value()) != "0" {
		return nil, false, &refusal{400, "Bad Request (Contact *)"} // [RFC3261-10.3-6]
	}
	return nil, true, nil
}

// bind adds, refreshes and removes contacts: all wishes or none. [RFC3261-10.3-7]
func (s *Server) bind(req *sip.Request, user string, wishes []wish, all bool) *refusal {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return &refusal{503, "Service Unavailable"}
	}
	callID, seq := req.CallID().Value(), req.CSeq().SeqNo
	named := func(b *binding) bool {
		return all || slices.ContainsFunc(wishes, func(w wish) bool { return sameContact(&w.contact, b) })
	}
	kept, added := 0, 0
	for _, b := range s.bindings[user] {
		if named(b) && b.callID == callID && b.seq >= seq {
			return &refusal{500, "Server Internal Error (CSeq out of order)"} // a later one has overtaken it
		}
		if !named(b) {
			kept++
		}
	}
	for _, w := range wishes {
		if w.life > 0 {
			added++
		}
	}
	if added > 0 && (kept+added > maxContacts || s.count+added > maxBindings) {
		return &refusal{503, "Service Unavailable"}
	}
	s.unbind(user, named)
	for _, w := range wishes {
		if w.life > 0 {
			s.addBinding(user, &binding{contact: w.contact, instance: w.instance, callID: callID, seq: seq}, w.life)
		}
	}
	return nil
}

func sameContact(u *sip.Uri, b *binding) bool { return u.String() == b.contact.String() }

// addBinding registers a contact until it expires. s.mu is held.
func (s *Server) addBinding(user string, b *binding, life time.Duration) {
	b.expires = time.Now().Add(life)
	b.timer = time.AfterFunc(life, func() {
		s.mu.Lock()
		s.unbind(user, func(x *binding) bool { return x == b })
		s.mu.Unlock()
		s.presenceChanged(user)
	})
	s.bindings[user] = append(s.bindings[user], b)
	s.count++
}

// unbind removes the user's contacts that match. s.mu is held.
func (s *Server) unbind(user string, match func(*binding) bool) {
	list := slices.DeleteFunc(s.bindings[user], func(b *binding) bool {
		if !match(b) {
			return false
		}
		b.timer.Stop()
		s.count--
		return true
	})
	if len(list) == 0 {
		delete(s.bindings, user)
		return
	}
	s.bindings[user] = list
}

// requestedExpires is the contact's expires parameter, else the Expires header,
// else the default, in seconds.
func requestedExpires(req *sip.Request, c *sip.ContactHeader) int {
	v, ok := c.Params.Get("expires")
	if !ok {
		if h := req.GetHeader("Expires"); h != nil {
			v, ok = h.Value(), true
		}
	}
	n, err := strconv.Atoi(strings.TrimSpace(v))
	if !ok || err != nil || n < 0 {
		return defaultExpires
	}
	return min(n, maxExpires)
}

// contacts returns the Contact headers of a response to REGISTER, with the GRUU of each
// device that has an instance if GRUUs are requested.
func (s *Server) contacts(user string, gruus bool) []sip.Header {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []sip.Header
	for _, b := range s.bindings[user] {
		h := &sip.ContactHeader{Address: *b.contact.Clone()}
		h.Params.Add("expires", strconv.Itoa(int(time.Until(b.expires).Round(time.Second)/time.Second)))
		if gruus && b.instance != "" {
			h.Params.Add("+sip.instance", `"<`+b.instance+`>"`)
			h.Params.Add("pub-gruu", `"sip:`+user+"@"+s.cfg.Domain+";gr="+b.instance+`"`) // [RFC5627-5.3]
		}
		list = append(list, h)
	}
	return list
}

// newest returns the contact that was registered last.
func (s *Server) newest(user string) (sip.Uri, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := s.bindings[user]
	if len(list) == 0 {
		return sip.Uri{}, false
	}
	return *list[len(list)-1].contact.Clone(), true
}

// Registered returns the contacts of a user, the newest last. The user is named
// by a SIP URI or by its user part alone.
func (s *Server) Registered(aor string) []string {
	user := strings.TrimPrefix(aor, "sip:")
	user, _, _ = strings.Cut(user, "@")
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []string
	for _, b := range s.bindings[user] {
		list = append(list, b.contact.String())
	}
	return list
}
