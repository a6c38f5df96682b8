package regevent_test

import (
	"fmt"
	"log"

	"github.com/gomscp/gomscp/sipua/regevent"
)

// A partial document changes what a full one has said before.
func ExampleState() {
	const head = `<reginfo xmlns="urn:ietf:params:xml:ns:reginfo" `
	const begin, end = `<registration aor="sip:bob@example.com" id="r" state="active">`, `</registration></reginfo>`
	state, err := regevent.NewState("sip:bob@example.com")
	if err != nil {
		log.Fatal(err)
	}
	for _, document := range []string{
		head + `version="0" state="full">` + begin + `<contact id="1" state="active" event="registered"><uri>sip:bob@192.0.2.1</uri></contact>` + end,
		head + `version="1" state="partial">` + begin + `<contact id="2" state="active" event="registered"><uri>sip:bob@192.0.2.2</uri></contact>` + end,
	} {
		d, err := regevent.Parse(regevent.ContentType, []byte(document))
		if err != nil {
			log.Fatal(err)
		}
		if !state.Apply(d) {
			log.Fatal("a document is missing: refresh the subscription")
		}
	}
	r := state.Registration()
	fmt.Println(r.Active(), r.Contacts[0].URI, r.Contacts[1].URI)
	// Output:
	// true sip:bob@192.0.2.1 sip:bob@192.0.2.2
}
