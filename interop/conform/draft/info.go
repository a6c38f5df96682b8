package draft

import "strconv"

// Info checks a document that was received in a SIP INFO, which has no start line and
// headers of its own. Its kind and ID are those of its container. A response has the
// status 200, or the status in an attribute status of another namespace. See section 7.1.
func Info(body []byte) *PDU {
	d := Document(body)
	p := &PDU{Body: body, Raw: body, Documents: []*Doc{d}, Findings: d.Findings, ID: d.ID}
	switch d.Container {
	case "request":
		p.Kind = Request
	case "response":
		p.Kind, p.Status = Response, 200
		for _, a := range d.Root.Elements[0].Attributes {
			if n, err := strconv.Atoi(a.Value); err == nil && a.Name.Space != "" && a.Name.Local == "status" {
				p.Status = n
			}
		}
	case "notification":
		p.Kind = Notification
	}
	return p
}
