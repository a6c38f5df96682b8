package sipserver

import (
	"strconv"

	"github.com/gomscp/gomscp/sipua/regevent"
)

// reginfo returns the full registration document of a user with those contacts. Without
// contacts, the registration is terminated, or in its initial state if it has never been
// active. See RFC 3680, section 5.
func reginfo(entity string, contacts []string, version uint32, told bool) []byte {
	r := regevent.Registration{AOR: entity, ID: "a", State: "init"}
	switch {
	case len(contacts) > 0:
		r.State = "active"
	case told:
		r.State = "terminated"
	}
	for i, uri := range contacts {
		r.Contacts = append(r.Contacts, regevent.Contact{ID: "c" + strconv.Itoa(i), URI: uri, State: "active", Event: "registered"})
	}
	doc := regevent.Document{Version: version, Registrations: []regevent.Registration{r}}
	b, _ := doc.MarshalText() // it does not fail
	return b
}
