package regevent

import "github.com/gomscp/gomscp/sipua/internal/sipuri"

// A State puts together what documents tell of one address of record.
type State struct {
	aor     string
	begun   bool
	missed  bool // a document before a partial one; a full one makes up for it
	version uint32
	record  Registration
}

// NewState follows the registrations of an address of record; "" means the
// first that a document has.
func NewState(aor string) (*State, error) {
	if aor == "" {
		return &State{}, nil
	}
	aor, err := sipuri.Canonical(aor)
	return &State{aor: aor}, err
}

// Apply takes the next document. It returns false if something is missing: a document
// came before a partial one that was not seen, and a full one is needed. What there is
// is taken nevertheless. A partial document that is older than the last is ignored; a
// full one never is, since a registrar may begin to count anew. See RFC 3680, section
// 5.2.
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

// Registration is what is known now. Contacts that the last document has ended are
// among it.
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
