package regevent

import "time"

// A Document is a document of type application/reginfo+xml. See RFC 3680, section 5.
type Document struct {
	Version uint32 // increases by one with each document
	// Partial means that the document has only the changes. Otherwise it has the full
	// state.
	Partial       bool
	Registrations []Registration
}

// A Registration is the state of one address of record at its registrar.
type Registration struct {
	AOR      string // as it is in the document
	ID       string
	State    string // init, active or terminated
	Contacts []Contact
	// Solicited is that of sipua.Notification. Only UA.WatchRegistrations sets it.
	Solicited bool
}

// Active reports whether the address of record has an active contact.
func (r Registration) Active() bool {
	if r.State != "active" {
		return false
	}
	for _, c := range r.Contacts {
		if c.State == "active" {
			return true
		}
	}
	return false
}

// A Contact is one contact of an address of record.
type Contact struct {
	ID, URI, DisplayName string
	State                string        // active or terminated
	Event                string        // the reason for its state: registered, created, refreshed, shortened, expired, deactivated, probation, unregistered or rejected
	Expires              time.Duration // the time left; 0 if it is unknown
	RetryAfter           time.Duration // for probation
	Q                    string        // the preference, "" if there is none
	CallID               string        // of the REGISTER
	CSeq                 uint32
}
