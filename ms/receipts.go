package ms

import (
	"bytes"
	"context"
	"crypto/rand"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/beevik/etree"

	"github.com/gomscp/gomscp/msrp"
)

const (
	imdnNamespace    = "urn:ietf:params:imdn"        // of the headers in CPIM
	imdnXMLNamespace = "urn:ietf:params:xml:ns:imdn" // of the document

	// maxReceipts bounds the receipts on their way in one store session. What
	// is beyond it is not sent: a sender that stores faster than it reads.
	maxReceipts = 64

	// receiptTimeout bounds how long one may be on its way.
	receiptTimeout = 10 * time.Second
)

// A disposition is what the sender of a message in CPIM wants to hear of it. See
// RFC 5438, section 6.
type disposition struct {
	messageID string
	dateTime  string   // when the message was sent; "" if it does not say
	from, to  string   // formal addresses
	first     string   // the address that it was sent to at first
	route     []string // back to the sender, the next station first
	wants     []string // in lower case, without parameters
}

func (d *disposition) wantsStored() bool {
	return d != nil && slices.Contains(d.wants, "processing")
}

func (d *disposition) wantsDelivered() bool {
	return d != nil && slices.Contains(d.wants, "positive-delivery")
}

func (d *disposition) wantsFailed() bool {
	return d != nil && slices.Contains(d.wants, "negative-delivery")
}

// readDisposition looks at the begin of a message in CPIM. It returns nil if
// nothing is asked for, or nothing may be: of a notification there is none.
func readDisposition(head []byte) *disposition {
	c, err := msrp.ReadCPIM(bytes.NewReader(head))
	if err != nil {
		return nil
	}
	return dispositionOf(c)
}

// dispositionOf is readDisposition for headers that are read already.
func dispositionOf(c *msrp.CPIM) *disposition {
	if c.IsNotification() {
		return nil
	}
	prefix := imdnPrefix(c.Header)
	d := &disposition{
		messageID: c.Header.Get(prefix + "Message-ID"), dateTime: c.Header.Get("DateTime"),
		from: c.Header.Get("From"), to: c.Header.Get("To"), first: c.Header.Get(prefix + "Original-To"),
	}
	for _, f := range c.Header {
		switch {
		case strings.EqualFold(f.Name, prefix+"Disposition-Notification"):
			for want := range strings.SplitSeq(f.Value, ",") {
				want, _, _ = strings.Cut(want, ";")
				d.wants = append(d.wants, strings.ToLower(strings.TrimSpace(want)))
			}
		case strings.EqualFold(f.Name, prefix+"IMDN-Record-Route"):
			d.route = append(d.route, f.Value)
		}
	}
	if d.messageID == "" || d.from == "" || d.to == "" || len(d.wants) == 0 {
		return nil
	}
	return d
}

// imdnPrefix is how the names of the headers of RFC 5438 begin in a message: its
// NS header says so. Without one they are taken for what they look like.
func imdnPrefix(h msrp.Header) string {
	for _, f := range h {
		if !strings.EqualFold(f.Name, "NS") {
			continue
		}
		if prefix, uri, ok := strings.Cut(f.Value, "<"); ok && strings.TrimSuffix(strings.TrimSpace(uri), ">") == imdnNamespace {
			if prefix = strings.TrimSpace(prefix); prefix != "" {
				return prefix + "."
			}
			return ""
		}
	}
	return "imdn."
}

// A status is what a notification says of a message. See RFC 5438, section 11.
type status struct{ kind, word string }

var (
	statusStored = status{"processing-notification", "stored"}
	statusFailed = status{"delivery-notification", "failed"}
)

// notification is a notification of a message, in its recipient's name. See RFC 5438,
// section 8.1.
func (d *disposition) notification(now time.Time, says status) (msrp.Message, error) {
	document, err := d.document(now, says)
	if err != nil {
		return msrp.Message{}, err
	}
	to := d.from
	header := msrp.Header{{Name: "From", Value: d.to}}
	if len(d.route) > 0 {
		to = d.route[0] // the whole way back goes along
	}
	header = append(header, msrp.Field{Name: "To", Value: to},
		msrp.Field{Name: "DateTime", Value: now.UTC().Format(time.RFC3339)},
		msrp.Field{Name: "NS", Value: "imdn <" + imdnNamespace + ">"},
		msrp.Field{Name: "imdn.Message-ID", Value: rand.Text()})
	for _, station := range d.route {
		header = append(header, msrp.Field{Name: "imdn.IMDN-Route", Value: station})
	}
	c := &msrp.CPIM{Header: header, Content: msrp.Header{
		{Name: "Content-Type", Value: msrp.TypeIMDN}, {Name: "Content-Disposition", Value: "notification"},
		{Name: "Content-Length", Value: strconv.Itoa(len(document))},
	}, Body: bytes.NewReader(document)}
	body, err := c.Reader()
	if err != nil {
		return msrp.Message{}, err
	}
	return msrp.Message{ContentType: msrp.TypeCPIM, Body: body, Size: -1}, nil
}

// document is the notification itself. See RFC 5438, section 11.
func (d *disposition) document(now time.Time, says status) ([]byte, error) {
	recipient := address(d.to)
	first := recipient
	if d.first != "" {
		first = address(d.first)
	}
	sent := d.dateTime
	if sent == "" {
		sent = now.UTC().Format(time.RFC3339)
	}
	doc := etree.NewDocument()
	doc.CreateProcInst("xml", `version="1.0" encoding="UTF-8"`)
	root := doc.CreateElement("imdn")
	root.CreateAttr("xmlns", imdnXMLNamespace)
	root.CreateElement("message-id").SetText(d.messageID)
	root.CreateElement("datetime").SetText(sent)
	root.CreateElement("recipient-uri").SetText(recipient)
	root.CreateElement("original-recipient-uri").SetText(first)
	root.CreateElement(says.kind).CreateElement("status").CreateElement(says.word)
	return doc.WriteToBytes()
}

// address is the URI in a formal address.
func address(formal string) string {
	if i := strings.LastIndexByte(formal, '<'); i >= 0 {
		return strings.TrimSuffix(strings.TrimSpace(formal[i+1:]), ">")
	}
	return formal
}

// tellStored sends the sender of a message word that it is on disk, if it asked
// for that and takes such messages. Nobody waits for it, and a sender that has
// left does without: it had its 200.
func (ss *storeSession) tellStored(session *msrp.Session, d *disposition) {
	if !d.wantsStored() || !ss.conn.takesReceipts() {
		return
	}
	m, err := d.notification(time.Now(), statusStored)
	if err != nil {
		ss.log.Debug("no receipt for a stored message: its headers make none", "err", err)
		return
	}
	select {
	case ss.receipts <- struct{}{}:
	default:
		ss.s.metrics.receipts.WithLabelValues("dropped").Inc()
		return
	}
	ss.s.tasks.Go(func() {
		defer func() { <-ss.receipts }()
		ctx, cancel := context.WithTimeout(ss.s.ctx, receiptTimeout)
		defer cancel()
		if _, err := session.Send(ctx, m); err != nil {
			ss.s.metrics.receipts.WithLabelValues("failed").Inc()
			ss.log.Debug("receipt for a stored message not sent", "err", err)
			return
		}
		ss.s.metrics.receipts.WithLabelValues("sent").Inc()
	})
}
