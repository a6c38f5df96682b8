package content

import (
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/gomscp/gomscp/ms/internal/otr"
	"github.com/gomscp/gomscp/msrp"
	"github.com/gomscp/gomscp/msrp/cpim"
)

// query is a text that a client with OTR sends by itself, as it was on the wire.
const query = "?OTRv3?  I would like to start an Off-the-Record private conversation, but you do not seem to support that."

// wrapped is a text in the CPIM of the client whose text this is.
func wrapped(contentType, text string) string {
	return "From: <sip:bob@example.com>\r\nTo: <sip:alice@example.com>\r\nDateTime: 2026-11-27T04:57:38.447874+00:00\r\n\r\n" +
		"MIME-Version: 1.0\r\nContent-Type: " + contentType + "\r\n\r\n" + text
}

// cpimText is a message in CPIM with those headers beside From and To.
func cpimText(headers ...string) string {
	all := append([]string{"From: Alice <sip:alice@example.com>", "To: <sip:bob@example.com>"}, headers...)
	return strings.Join(all, "\r\n") + "\r\n\r\nContent-Type: text/plain\r\n\r\nhi"
}

// TestPreviewIsBounded reads texts byte by byte, short and long: it returns the whole
// body, and reads no more of it than it must.
func TestPreviewIsBounded(t *testing.T) {
	long := strings.Repeat("x", 1<<20)
	for name, tc := range map[string]struct {
		contentType, body string
		most              int
	}{
		"short":                {"text/plain", "hi", 2},
		"empty":                {"text/plain", "", 0},
		"long":                 {"text/plain", long, textStep},
		"image":                {"image/png", long, 0},
		"query":                {"text/plain", query, len(query)},
		"long behind a query":  {"text/plain", query + long, otr.MaxText + 1},
		"CPIM":                 {"message/cpim", wrapped("text/plain", "hi"), previewStep},
		"long CPIM":            {"message/cpim", wrapped("text/plain", long), previewStep},
		"CPIM with a query":    {"message/cpim", wrapped("text/plain", query+long), previewStep},
		"CPIM without headers": {"message/cpim", long, 2 * cpim.MaxHeaderBytes},
		"CPIM, long headers":   {"message/cpim", "Subject: " + strings.Repeat("y", 5000) + "\r\n" + wrapped("text/plain", "hi"+long), 4 * previewStep},
	} {
		r := &countingReader{r: iotest.OneByteReader(strings.NewReader(tc.body))}
		_, body, err := ReadPreview(tc.contentType, r)
		if err != nil || r.n > tc.most {
			t.Errorf("%s: read %d bytes, %v", name, r.n, err)
			continue
		}
		if b, err := io.ReadAll(body); err != nil || string(b) != tc.body {
			t.Errorf("%s: %d bytes of %d come back, %v", name, len(b), len(tc.body), err)
		}
	}
}

type countingReader struct {
	r io.Reader
	n int
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += n
	return n, err
}

func TestPreviewRequest(t *testing.T) {
	const ns = "NS: imdn <urn:ietf:params:imdn>"
	for name, tc := range map[string]struct {
		body              string
		stored, delivered bool
	}{
		"both":          {cpimText(ns, "imdn.Message-ID: 1", "imdn.Disposition-Notification: positive-delivery, processing"), true, true},
		"one":           {cpimText(ns, "imdn.Message-ID: 1", "imdn.Disposition-Notification: processing"), true, false},
		"parameters":    {cpimText(ns, "imdn.Message-ID: 1", "imdn.Disposition-Notification: display;x=y,positive-delivery;z"), false, true},
		"other prefix":  {cpimText("NS: d <urn:ietf:params:imdn>", "d.Message-ID: 1", "d.Disposition-Notification: processing"), true, false},
		"wrong prefix":  {cpimText("NS: d <urn:ietf:params:imdn>", "imdn.Message-ID: 1", "imdn.Disposition-Notification: processing"), false, false},
		"no namespace":  {cpimText("imdn.Message-ID: 1", "imdn.Disposition-Notification: processing"), true, false},
		"no Message-ID": {cpimText(ns, "imdn.Disposition-Notification: processing"), false, false},
		"nothing asked": {cpimText(ns, "imdn.Message-ID: 1"), false, false},
		"no CPIM":       {"hi", false, false},
		"is a notification": {strings.ReplaceAll(cpimText(ns, "imdn.Message-ID: 1", "imdn.Disposition-Notification: processing"),
			"text/plain", "message/imdn+xml"), false, false},
	} {
		begin, _, err := ReadPreview(msrp.TypeCPIM, strings.NewReader(tc.body))
		if err != nil {
			t.Fatal(err)
		}
		d := begin.Asked
		if d.Asks(cpim.Processing) != tc.stored || d.Asks(cpim.PositiveDelivery) != tc.delivered {
			t.Errorf("%s: %+v", name, d)
		}
	}
}
