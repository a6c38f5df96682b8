package ms

import (
	"io"
	"slices"
	"strings"
	"time"

	"github.com/gomscp/gomscp/msrp"
	"github.com/gomscp/gomscp/store"
)

// envelope makes what is sent for a stored message: its body as it came or, to a
// user agent that lists message/cpim, a CPIM message around it that tells who
// sent it and when. See RFC 3862.
func (s *Server) envelope(c *connection, m store.MessageInfo, body io.Reader) (msrp.Message, error) {
	m.ContentType = typeOf(m)
	out := msrp.Message{
		MessageID: m.MessageID, ContentType: m.ContentType, Body: body, Size: m.Size, SuccessReport: m.SuccessReport,
	}
	if !s.cfg.Push.CPIM || !c.takesCPIM(m.ContentType) {
		return out, nil
	}
	wrapped := &msrp.CPIM{
		Header: msrp.Header{
			{Name: "From", Value: "<" + m.Sender + ">"}, {Name: "To", Value: "<" + m.Recipient + ">"},
			{Name: "DateTime", Value: m.Received.UTC().Format(time.RFC3339)},
		},
		Content: msrp.Header{{Name: "Content-Type", Value: m.ContentType}},
	}
	head, err := wrapped.Reader()
	if err != nil { // the type is of the sender's making; better as it came than not at all
		return out, nil
	}
	b, err := io.ReadAll(head) // MaxCPIMHeaders at the most
	if err != nil {
		return out, err
	}
	out.ContentType, out.Size = msrp.TypeCPIM, int64(len(b))+m.Size
	out.Body = io.MultiReader(strings.NewReader(string(b)), body)
	return out, nil
}

// takesCPIM tells whether the user agent wants a message of that type in a CPIM
// message: it names message/cpim, and takes the type inside.
func (c *connection) takesCPIM(contentType string) bool {
	types, wrapped := c.accept()
	if msrp.IsType(contentType, msrp.TypeCPIM) || !slices.ContainsFunc(types, func(t string) bool { return strings.EqualFold(t, msrp.TypeCPIM) }) {
		return false
	}
	return acceptsType(types, contentType) || acceptsType(wrapped, contentType)
}
