package ladder

import (
	"fmt"
	"regexp"
	"strings"
)

// maxNote bounds the explanation of a row, in characters.
const maxNote = 90

// explain says in a few words what a message is for, to who sees such a ladder
// for the first time; "" says nothing.
func explain(m *message) string {
	var s string
	switch m.protocol {
	case "SIP":
		s = explainSIP(m.label, m.tip)
	case "MSCP":
		s = explainMSCP(m.label, m.tip)
	default:
		s = explainMSRP(m)
	}
	return short(s, maxNote)
}

// addressed is the URI of a From or To header, without what surrounds it.
var addressed = regexp.MustCompile(`(?i)sips?:([^;>\s]+)`)

func party(head, name string) string {
	if m := addressed.FindStringSubmatch(header(head, name)); m != nil {
		return m[1]
	}
	return "somebody"
}

func explainSIP(label, tip string) string {
	head := strings.ReplaceAll(tip, "\n", "\r\n")
	_, head, _ = strings.Cut(head, "\r\n")
	switch label {
	case "INVITE [MSCP SDP]":
		return "asks for a control channel: MSCP over a TCP connection"
	case "200 OK [MSCP SDP]":
		return "says to which port it is to be made"
	case "INVITE [SDP]":
		return fmt.Sprintf("%s calls %s, and offers MSRP", party(head, "From"), party(head, "To"))
	case "INVITE":
		return "a call without an offer asks for one (third-party call control)"
	case "200 OK [SDP]":
		return "takes the call, and says where MSRP is to go"
	case "ACK [SDP]":
		return "brings the answer to the offer"
	case "REGISTER":
		return party(head, "To") + " says where they are"
	case "401 to REGISTER", "407 to REGISTER":
		return "asks for a password"
	case "SUBSCRIBE":
		return "wants to be told when " + party(head, "To") + " comes"
	case "NOTIFY open":
		return "they are there"
	case "NOTIFY closed":
		return "they are away"
	case "BYE":
		return "ends the call"
	}
	return ""
}

// attributes of the element that an MSCP document is about.
var attributes = regexp.MustCompile(`(from-uri|to-uri|reason|messages)\s*=\s*["']([^"']*)["']`)

func explainMSCP(label, tip string) string {
	a := map[string]string{}
	for _, m := range attributes.FindAllStringSubmatch(tip, -1) {
		a[m[1]] = strings.TrimSpace(strings.TrimPrefix(m[2], "sip:"))
	}
	_, name, _ := strings.Cut(label, " ")
	switch name {
	case "RestoreMsg":
		return fmt.Sprintf("what comes in this call is from %s, to be kept for %s", a["from-uri"], a["to-uri"])
	case "MsgRestored":
		return "it will be kept"
	case "SendMsg":
		return fmt.Sprintf("deliver in this call what is kept from %s for %s", a["from-uri"], a["to-uri"])
	case "MsgSended":
		return "all of it was delivered"
	case "MsgNotRestored", "MsgNotSended":
		return "no: " + a["reason"]
	case "MsgKept":
		return fmt.Sprintf("%s messages from %s are kept for %s", a["messages"], a["from-uri"], a["to-uri"])
	}
	return ""
}

func explainMSRP(m *message) string {
	switch {
	case strings.HasPrefix(m.label, "SEND 1-0/0"), m.label == "SEND":
		return "nothing yet: says whose connection this is"
	case strings.HasPrefix(m.label, "SEND ") && m.chunk.first && m.chunk.last:
		return "a message"
	case strings.HasPrefix(m.label, "SEND ") && m.chunk.first:
		return "the beginning of a message"
	case strings.HasPrefix(m.label, "SEND ") && m.chunk.last:
		return "its end"
	case strings.HasPrefix(m.label, "REPORT 000 200"):
		return "the whole message was received"
	}
	return ""
}
