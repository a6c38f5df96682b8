package regevent

import "time"

// Document is a document of the reg event package, application/reginfo+xml. See
// RFC 3680, section 5.
type Document struct {
	Version uint32 // of the document, by one more for each
	// Partial says that the document has only what has changed. Otherwise it
	// has all there is.
	Partial       bool
	Registrations []Registration
}

// A Registration is what a registrar knows of one address of record.
type Registration struct {
	AOR      string // as it is in the document
	ID       string
	State    string // init, active or terminated
	Contacts []Contact
	// Solicited is as in Notification; of WatchRegistrations only.
	Solicited bool
}

// Active reports whether the address of record has a contact that can be
// called.
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
	Event                string        // what has brought it into its state: registered, created, refreshed, shortened, expired, deactivated, probation, unregistered or rejected
	Expires              time.Duration // how long it lasts still; 0 if that is not told
	RetryAfter           time.Duration // for probation
	Q                    string        // the preference, "" if there is none
	CallID               string        // of the REGISTER
	CSeq                 uint32
}
