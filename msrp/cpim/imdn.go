package cpim

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Disposition is an event for which the sender of a message may request a notification.
// See RFC 5438, section 7.1.1.3.
type Disposition string

// The values of Disposition.
const (
	PositiveDelivery Disposition = "positive-delivery"
	NegativeDelivery Disposition = "negative-delivery"
	Processing       Disposition = "processing"
	Display          Disposition = "display"
)

// A Request is the request of a message's sender for notifications, with the data that a
// notification needs. See RFC 5438, section 7.
type Request struct {
	// MessageID is the Message-ID header of RFC 5438, not that of MSRP.
	MessageID string
	// DateTime is when the message was sent, as its sender has written it; "" if
	// the message does not say.
	DateTime string
	// From and To are those of the message; To is the first one.
	From, To Address
	// OriginalTo is the address to which the message was first sent; its URI is "" if To
	// was not changed.
	OriginalTo Address
	// RecordRoute are the intermediaries through which notifications must pass, the next
	// one first.
	RecordRoute []Address
	// Wants are the requested dispositions. Unknown values are omitted.
	Wants []Disposition

	told []Kind
}

// Request returns the request of the sender of m for notifications. It is nil if there is
// none, or if m has no Message-ID or no address, or is itself a notification. See RFC
// 5438, sections 6.2 and 7.2.1.
func (m *Message) Request() *Request {
	if m.IsNotification() || m.IsComposing() {
		return nil // [RFC5438-7.2.1-3]
	}
	from, err1 := m.Address(From)
	to, err2 := m.Address(To)
	r := &Request{MessageID: m.Value(MessageID), DateTime: m.Value(DateTime), From: from, To: to, Wants: m.wants()}
	if len(r.Wants) == 0 || r.MessageID == "" || err1 != nil || err2 != nil {
		return nil
	}
	r.OriginalTo, _ = m.Address(OriginalTo)
	for _, f := range m.Fields(RecordRoute) {
		a, err := ParseAddress(f.Value)
		if err != nil {
			return nil // no way back
		}
		r.RecordRoute = append(r.RecordRoute, a)
	}
	return r
}

// wants lists what Disposition-Notification headers ask for. See RFC 5438,
// section 10.
func (m *Message) wants() []Disposition {
	var all []Disposition
	for _, f := range m.Fields(DispositionNotification) {
		for _, want := range splitList(f.Value, ',') {
			d := Disposition(splitList(want, ';')[0]) // parameters may follow
			switch d {                                // by each letter [RFC5438-10-1]
			case PositiveDelivery, NegativeDelivery, Processing, Display:
				if !slices.Contains(all, d) {
					all = append(all, d)
				}
			default: // ignored [RFC5438-7.2.1-2]
			}
		}
	}
	return all
}

// Asks reports whether the sender requested that disposition. It is false for a nil
// Request.
func (r *Request) Asks(d Disposition) bool { return r != nil && slices.Contains(r.Wants, d) }

// asksFor reports whether a notification of that kind and status was asked for.
func (r *Request) asksFor(k Kind, s Status) bool {
	switch {
	case k == KindDisplay:
		return r.Asks(Display)
	case k == KindProcessing:
		return r.Asks(Processing) // [RFC5438-8.1-1]
	case s == Delivered:
		return r.Asks(PositiveDelivery)
	case s == Failed:
		return r.Asks(NegativeDelivery)
	}
	return r.Asks(PositiveDelivery) || r.Asks(NegativeDelivery)
}

// Errors of Request.Reply.
var (
	// ErrNotAsked means that the sender did not request such a notification.
	ErrNotAsked = errors.New("cpim: the notification was not asked for")
	// ErrAnonymous means that the sender has no usable address. See RFC 5438, section
	// 12.1.1.
	ErrAnonymous = errors.New("cpim: an anonymous sender is told nothing")
	// ErrTold means that a notification of that kind was made before.
	ErrTold = errors.New("cpim: a notification of that kind was made before")
)

// Reply makes the notification message for the sender, from the address to which the
// message was sent. A Request makes each kind once (ErrTold), and only requested kinds
// (ErrNotAsked). The error is ErrAnonymous if the sender is anonymous. now is used if the
// message has no DateTime.
//
// Send the message to the first address of its Route headers or, without them, to its To.
// See RFC 5438, section 7.2.1.
func (r *Request) Reply(k Kind, s Status, now time.Time) (*Message, error) {
	switch {
	case !r.asksFor(k, s):
		return nil, fmt.Errorf("%w: %s %s", ErrNotAsked, k, s)
	case r.From.Anonymous():
		return nil, ErrAnonymous
	case slices.Contains(r.told, k):
		return nil, fmt.Errorf("%w: %s", ErrTold, k) // [RFC5438-7.2.1-1]
	}
	n := Notification{
		MessageID: r.MessageID, DateTime: r.DateTime, Kind: k, Status: s,
		Recipient: r.To.URI, OriginalRecipient: r.To.URI,
	}
	if r.OriginalTo.URI != "" {
		n.OriginalRecipient = r.OriginalTo.URI // [RFC5438-11.1.4-1]
	}
	if n.DateTime == "" {
		n.DateTime = FormatDateTime(now)
	}
	document, err := n.Document()
	if err != nil {
		return nil, err
	}
	m := &Message{Body: bytes.NewReader(document), Content: MIMEHeader{
		{hdrContentType, typeIMDN},              // [RFC5438-11.1.8-1]
		{"Content-Disposition", "notification"}, // [RFC5438-7.2.1-7]
		{"Content-Length", strconv.Itoa(len(document))},
	}}
	m.Add("From", r.To.String())
	m.Add("To", r.From.String()) // [RFC5438-7.2.1-6]
	m.Add("DateTime", FormatDateTime(now))
	m.Add("NS", imdnPrefix+" <"+IMDNNamespace+">")
	m.Add(imdnPrefix+"."+MessageID.Local, newID()) // [RFC5438-7.2.1-4]
	for _, station := range r.RecordRoute {
		m.Add(imdnPrefix+"."+Route.Local, station.String()) // [RFC5438-7.2.1-5]
	}
	r.told = append(r.told, k)
	return m, nil
}

// Next returns the address to which a notification is sent: the first address of its
// Route headers or, without them, To. See RFC 5438, section 7.2.1.
func (m *Message) Next() (Address, error) {
	if a, err := m.Address(Route); !errors.Is(err, ErrNoHeader) {
		return a, err
	}
	return m.Address(To)
}

// newID makes a Message-ID: 128 random bits, so that it cannot be guessed.
func newID() string { return rand.Text() } // [RFC5438-6.3-2]

// Ask adds a request for notifications to m, and returns the Message-ID that the
// notifications will have. See RFC 5438, section 7.1.1.
func (m *Message) Ask(now time.Time, wants ...Disposition) (id string, err error) {
	if m.IsNotification() {
		return "", errors.New("cpim: a notification asks for none") // [RFC5438-7.2.1-8]
	}
	list := make([]string, len(wants))
	for i, w := range wants {
		if list[i] = string(w); !isToken(list[i]) {
			return "", syntaxErr("notify-req", 0, "not a token")
		}
	}
	id = newID()
	if len(m.Fields(DateTime)) == 0 {
		m.Add("DateTime", FormatDateTime(now)) // [RFC5438-7.1.1.2-1]
	}
	m.Add("NS", imdnPrefix+" <"+IMDNNamespace+">")
	m.Add(imdnPrefix+"."+MessageID.Local, id)                                     // [RFC5438-6.3-1]
	m.Add(imdnPrefix+"."+DispositionNotification.Local, strings.Join(list, ", ")) // [RFC5438-6.2-1]
	return id, nil
}
