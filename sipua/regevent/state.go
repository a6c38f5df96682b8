package regevent

import "github.com/gomscp/gomscp/sipua/internal/sipuri"

// A State combines documents into the state of one address of record.
type State struct {
	aor     string
	begun   bool
	missed  bool // a document before a partial one; a full one makes up for it
	version uint32
	record  Registration
}

// NewState makes the State of an address of record. "" means the first one in a document.
func NewState(aor string) (*State, error) {
	if aor == "" {
		return &State{}, nil
	}
	aor, err := sipuri.Canonical(aor)
	return &State{aor: aor}, err
}

// Apply applies the next document. It reports false if a document before a partial one is
// missing, so that a full one is needed; the document is applied nevertheless. A partial
// document that is older than the last is ignored. A full document never is, because a
// registrar may restart its count. See RFC 3680, section 5.2.
func (s *State) Apply(info *Document) bool {
	if s.begun && info.Partial && info.Version <= s.version {
		return !s.missed
	}
	s.missed = info.Partial && (s.missed || !s.begun || info.Version-s.version > 1)
	s.begun, s.version = true, info.Version
	s.forgetEnded()
	if !info.Partial {
		s.record = Registration{}
	}
	for _, r := range info.Registrations {
		if s.isAbout(r) {
			s.merge(r)
		}
	}
	return !s.missed
}

// Registration returns the current state. It includes the contacts that the last document
// has ended.
func (s *State) Registration() Registration {
	r := s.record
	r.Contacts = append([]Contact(nil), r.Contacts...)
	if r.State == "" {
		r.AOR, r.State = s.aor, "terminated"
	}
	return r
}

func (s *State) isAbout(r Registration) bool {
	if s.aor == "" {
		return s.record.AOR == "" || s.record.AOR == r.AOR
	}
	aor, err := sipuri.Canonical(r.AOR)
	return err == nil && aor == s.aor
}

// forgetEnded drops the contacts that were shown as ended.
func (s *State) forgetEnded() {
	kept := s.record.Contacts[:0:0]
	for _, c := range s.record.Contacts {
		if c.State == "active" {
			kept = append(kept, c)
		}
	}
	s.record.Contacts = kept
}

// merge takes what a document says of the address of record.
func (s *State) merge(r Registration) {
	old := s.record.Contacts
	s.record.AOR, s.record.ID, s.record.State = r.AOR, r.ID, r.State
	for _, c := range r.Contacts {
		found := false
		for i := range old {
			if found = old[i].ID == c.ID; found {
				old[i] = c
				break
			}
		}
		if !found {
			old = append(old, c)
		}
	}
	if r.State == "terminated" {
		for i := range old {
			old[i].State = "terminated" // with the registration, all of it ends
		}
	}
	s.record.Contacts = old
}
