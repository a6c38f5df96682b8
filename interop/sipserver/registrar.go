package sipserver

import (
	"slices"
	"strconv"
	"time"

	"github.com/emiago/sipgo/sip"
)

const (
	defaultExpires = 3600  // seconds
	maxExpires     = 86400 // seconds
)

// A binding is one registered contact of a user.
type binding struct {
	contact sip.Uri
	source  string // host:port that the REGISTER came from
	expires time.Time
	timer   *time.Timer
}

// register takes a REGISTER. See RFC 3261, section 10.3.
func (s *Server) register(req *sip.Request, tx sip.ServerTransaction) {
	user := req.To().Address.User
	if challenges := s.auth.check(req, user); challenges != nil {
		s.respond(req, tx, 401, "Unauthorized", challenges...)
		return
	}
	changed, ok := s.bind(req, user)
	if !ok {
		s.respond(req, tx, 503, "Service Unavailable")
		return
	}
	if changed {
		s.presenceChanged(user)
	}
	s.respond(req, tx, 200, "OK", s.contacts(user)...)
}

// bind adds, refreshes and removes the contacts of a REGISTER.
func (s *Server) bind(req *sip.Request, user string) (changed, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, h := range req.GetHeaders("Contact") {
		c, isContact := h.(*sip.ContactHeader)
		if !isContact {
			continue
		}
		changed = true
		if c.Address.Wildcard {
			s.unbind(user, func(*binding) bool { return true })
			continue
		}
		s.unbind(user, func(b *binding) bool { return b.contact.String() == c.Address.String() })
		seconds := requestedExpires(req, c)
		if seconds == 0 {
			continue
		}
		if s.count >= maxBindings {
			return changed, false
		}
		s.addBinding(user, c, req.Source(), time.Duration(seconds)*time.Second)
	}
	return changed, true
}

// addBinding registers a contact until it expires. s.mu is held.
func (s *Server) addBinding(user string, c *sip.ContactHeader, source string, life time.Duration) {
	b := &binding{contact: *c.Address.Clone(), source: source, expires: time.Now().Add(life)}
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
	n, err := strconv.Atoi(v)
	if !ok || err != nil || n < 0 {
		return defaultExpires
	}
	return min(n, maxExpires)
}

// contacts are the Contact headers of a response to REGISTER.
func (s *Server) contacts(user string) []sip.Header {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []sip.Header
	for _, b := range s.bindings[user] {
		h := &sip.ContactHeader{Address: *b.contact.Clone()}
		h.Params.Add("expires", strconv.Itoa(int(time.Until(b.expires).Round(time.Second)/time.Second)))
		list = append(list, h)
	}
	return list
}

// newest returns the contact that the user registered last.
func (s *Server) newest(user string) (sip.Uri, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := s.bindings[user]
	if len(list) == 0 {
		return sip.Uri{}, false
	}
	return *list[len(list)-1].contact.Clone(), true
}

// Registered returns the contacts of a user, by name.
func (s *Server) Registered(user string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []string
	for _, b := range s.bindings[user] {
		list = append(list, b.contact.String())
	}
	return list
}
