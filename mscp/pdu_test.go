package mscp

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/gomscp/gomscp/internal/testutil"
)

// pdus are PDUs and what is wrong with them. They feed the table and the
// fuzzer.
var pdus = []struct {
	name  string
	wire  string // DOC is replaced by a document, LEN by its length
	want  string // part of the findings; "" for none
	fatal bool
}{
	{"as in the examples", "REQ MSCP/1.0 21091\r\nContent-Type: application/mscp+xml\r\nContent-Length: LEN\r\n\r\nDOC", "", false},
	{"as in the grammar", "REQ MSCP/1.0  21091\r\n\r\nContent-Length:LEN\r\nContent-Type:application/mscp+xml\r\n\r\nDOC", "", false},
	{"names in any case", "REQ MSCP/1.0 1\r\ncontent-type: application/mscp+xml\r\nContent-length: LEN\r\n\r\nDOC", "", false},
	{"notification", "NOTIF MSCP/1.0\r\nContent-Type: application/mscp+xml\r\nContent-Length: LEN\r\n\r\nDOC", "", false},
	{"bad request", "MSCP/1.0 400 Bad Request 7\r\nContent-Type: application/mscp+xml\r\nContent-Length: LEN\r\n\r\nDOC", "", false},
	{"internal error", "MSCP/1.0 500 Internal Error 7\r\nContent-Type: application/mscp+xml\r\nContent-Length: LEN\r\n\r\nDOC", "", false},

	{"two blanks before the id of a response", "MSCP/1.0 200 OK  7\r\nContent-Type: application/mscp+xml\r\nContent-Length: LEN\r\n\r\nDOC", "1:1: blanks in the start line", false},
	{"three blanks", "REQ MSCP/1.0   1\r\nContent-Type: application/mscp+xml\r\nContent-Length: LEN\r\n\r\nDOC", "1:1: blanks in the start line", false},
	{"a tab", "NOTIF\tMSCP/1.0\r\nContent-Type: application/mscp+xml\r\nContent-Length: LEN\r\n\r\nDOC", "1:1: blanks in the start line", false},
	{"a blank at the end", "NOTIF MSCP/1.0 \r\nContent-Type: application/mscp+xml\r\nContent-Length: LEN\r\n\r\nDOC", "1:1: blanks in the start line", false},
	{"LF alone", "NOTIF MSCP/1.0\r\nContent-Type: application/mscp+xml\nContent-Length: LEN\r\n\r\nDOC", "2:1: a line ends with LF", false},
	{"an empty line before", "\r\nNOTIF MSCP/1.0\r\nContent-Type: application/mscp+xml\r\nContent-Length: LEN\r\n\r\nDOC", "1:1: an empty line", false},
	{"unknown status", "MSCP/1.0 404 Not Found 7\r\nContent-Type: application/mscp+xml\r\nContent-Length: LEN\r\n\r\nDOC", "1:1: status code 404", false},
	{"another phrase", "MSCP/1.0 200 Fine 7\r\nContent-Type: application/mscp+xml\r\nContent-Length: LEN\r\n\r\nDOC", `1:1: reason phrase "Fine"`, false},
	{"another header", "NOTIF MSCP/1.0\r\nX: y\r\nContent-Type: application/mscp+xml\r\nContent-Length: LEN\r\n\r\nDOC", "2:1: header X", false},
	{"blank before the colon", "NOTIF MSCP/1.0\r\nContent-Type : application/mscp+xml\r\nContent-Length: LEN\r\n\r\nDOC", "2:1: blanks around", false},
	{"not ASCII", "NOTIF MSCP/1.0\r\nContent-Type: application/mscp+xml\r\nX: \xc3\xa9\r\nContent-Length: LEN\r\n\r\nDOC", "3:4: a character", false},
	{"a control character", "NOTIF MSCP/1.0\r\nContent-Type: application/mscp+xml\r\nX: \x01\r\nContent-Length: LEN\r\n\r\nDOC", "3:4: a character", false},
	{"no type", "NOTIF MSCP/1.0\r\nContent-Length: LEN\r\n\r\nDOC", "1:1: no Content-Type", false},
	{"two types", "NOTIF MSCP/1.0\r\nContent-Type: text/plain\r\nContent-Type: application/mscp+xml\r\nContent-Length: LEN\r\n\r\nDOC", "3:1: Content-Type twice", false},
	{"two lengths", "NOTIF MSCP/1.0\r\nContent-Length: LEN\r\nContent-Type: application/mscp+xml\r\nContent-Length: LEN\r\n\r\nDOC", "4:1: Content-Length twice", false},
	{"another XML type", "NOTIF MSCP/1.0\r\nContent-Type: text/xml\r\nContent-Length: LEN\r\n\r\nDOC", "text/xml is not application/mscp+xml", false},
	{"in the document", "NOTIF MSCP/1.0\r\nContent-Type: application/mscp+xml\r\nContent-Length: 89\r\n\r\n" + open + "<notification id='a'><x/></notification>" + closing, "5:43: notification has an id", false},

	{"another type", "NOTIF MSCP/1.0\r\nContent-Type: text/plain\r\nContent-Length: LEN\r\n\r\nDOC", "text/plain is not", true},
	{"no document", "NOTIF MSCP/1.0\r\nContent-Type: application/mscp+xml\r\nContent-Length: 2\r\n\r\nhi", "5:1: text outside", true},
	{"no length", "NOTIF MSCP/1.0\r\nContent-Type: application/mscp+xml\r\n\r\nDOC", "no Content-Length", true},
	{"lengths that differ", "NOTIF MSCP/1.0\r\nContent-Length: LEN\r\nContent-Length: 1\r\n\r\nDOC", "two Content-Lengths", true},
	{"negative length", "NOTIF MSCP/1.0\r\nContent-Length: -1\r\n\r\nDOC", "is no number", true},
	{"a length over the limit", "NOTIF MSCP/1.0\r\nContent-Length: 1048577\r\n\r\nDOC", "over the limit", true},
	{"other version", "REQ MSCP/2.0 1\r\nContent-Length: LEN\r\n\r\nDOC", "not MSCP/1.0", true},
	{"other protocol", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "no start line", true},
	{"id of letters", "REQ MSCP/1.0 a1\r\nContent-Length: LEN\r\n\r\nDOC", "not of digits", true},
	{"id with a slash", "REQ MSCP/1.0 1/2\r\nContent-Length: LEN\r\n\r\nDOC", "not of digits", true},
	{"id of 65 bits", "REQ MSCP/1.0 18446744073709551616\r\nContent-Type: application/mscp+xml\r\nContent-Length: LEN\r\n\r\nDOC", "", false},
	{"status of two digits", "MSCP/1.0 20 OK 1\r\nContent-Length: LEN\r\n\r\nDOC", "not of three digits", true},
	{"no colon", "NOTIF MSCP/1.0\r\nContent-Length\r\n\r\nDOC", "has no colon", true},
	{"cut in the start line", "REQ MSCP", "ends too early", true},
	{"cut in the headers", "NOTIF MSCP/1.0\r\nContent-Len", "unexpected EOF", true},
	{"cut in the body", "NOTIF MSCP/1.0\r\nContent-Length: 5\r\n\r\nabc", "ends after 3 of 5", true},
	{"a long line", strings.Repeat("x", MaxLine+1), "line longer", true},
	{"endless headers", "NOTIF MSCP/1.0\r\n" + strings.Repeat("A: b\r\n", MaxHeaders+2), "more than 32 headers", true},
	{"endless empty lines", strings.Repeat("\r\n", MaxHeaders), "empty lines", true},
}

// document is one without a finding, for the kind of PDU that the wire is.
func pduBytes(wire string) []byte {
	doc := open + `<request><join id1="a" id2="b"/></request>` + closing
	switch {
	case strings.HasPrefix(wire, "MSCP"):
		doc = open + `<response><conferencejoined id1="a" id2="b"/></response>` + closing
	case strings.HasPrefix(strings.TrimSpace(wire), "NOTIF"):
		doc = open + `<notification><dialogterminate dialogid="a"/></notification>` + closing
	}
	return []byte(strings.NewReplacer("DOC", doc, "LEN", fmt.Sprint(len(doc))).Replace(wire))
}

func TestPDUs(t *testing.T) {
	for _, tc := range pdus {
		t.Run(tc.name, func(t *testing.T) {
			b := pduBytes(tc.wire)
			var all string
			fatal := false
			for _, f := range ValidatePDU(b) {
				all += f.String() + "\n"
				fatal = fatal || f.Fatal
			}
			if (all == "") != (tc.want == "") || !strings.Contains(all, tc.want) || fatal != tc.fatal {
				t.Errorf("findings, fatal %t:\n%s", fatal, all)
			}
			sameInPieces(t, b)
		})
	}
}

// sameInPieces checks that it makes no difference how the bytes arrive.
func sameInPieces(t *testing.T, b []byte) {
	t.Helper()
	whole, err := NewReader(bytes.NewReader(b)).Read()
	pieces, errPieces := NewReader(iotest.OneByteReader(bytes.NewReader(b))).Read()
	if fmt.Sprintf("%+v", whole) != fmt.Sprintf("%+v", pieces) || fmt.Sprint(err) != fmt.Sprint(errPieces) {
		t.Errorf("%+v, %v; in pieces %+v, %v", whole, err, pieces, errPieces)
	}
}

// TestManyPDUs reads PDUs from one stream, and its bytes as they were.
func TestManyPDUs(t *testing.T) {
	var stream bytes.Buffer
	var each [][]byte
	for i := range 200 {
		p := &PDU{Kind: Notification, Body: bytes.Repeat([]byte{'x'}, i*i)}
		var one bytes.Buffer
		if err := p.Write(&one); err != nil {
			t.Fatal(err)
		}
		each = append(each, one.Bytes())
		stream.Write(one.Bytes())
	}
	r := NewReader(iotest.HalfReader(&stream))
	for i, want := range each {
		p, err := r.Read()
		if err != nil || len(p.Body) != i*i || !bytes.Equal(r.Raw(), want) {
			t.Fatalf("PDU %d: %v", i, err)
		}
	}
	if p, err := r.Read(); err == nil || p != nil {
		t.Errorf("after the last: %v, %v", p, err)
	}
}

// TestStrictPDU checks what a strict server says to headers that break a rule.
func TestStrictPDU(t *testing.T) {
	as, ms := testutil.TCPPair(t)
	s := NewServer(ms, echo, Config{Strict: true})
	defer s.Close()
	wire := pduBytes("REQ MSCP/1.0 5\nContent-Type: application/mscp+xml\r\nX: y\r\nContent-Length: LEN\r\n\r\nDOC")
	if _, err := as.Write(wire); err != nil {
		t.Fatal(err)
	}
	p, err := NewReader(as).Read()
	if err != nil || p.Status != StatusBadRequest || p.ID != 5 {
		t.Fatalf("%+v, %v", p, err)
	}
	for _, want := range []string{"1:1: a line ends with LF", "3:1: header X"} {
		if !bytes.Contains(p.Body, []byte(want)) {
			t.Errorf("no %q in %s", want, p.Body)
		}
	}
}

func FuzzPDU(f *testing.F) {
	for _, tc := range pdus {
		f.Add(pduBytes(tc.wire))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := NewReader(bytes.NewReader(b)).Read()
		sameInPieces(t, b)
		if found := ValidatePDU(b); err != nil && len(found) == 0 {
			t.Fatalf("no finding, but %v", err)
		}
		if err != nil {
			return
		}
		if p.Kind == Response {
			p.Phrase = statusPhrase(p.Status)
		}
		if p.ContentType == "" {
			p.ContentType = ContentType
		}
		var out bytes.Buffer
		if err := p.Write(&out); err != nil {
			t.Fatal(err)
		}
		again, err := NewReader(&out).Read()
		if err != nil || again.Kind != p.Kind || again.ID != p.ID || again.Status != p.Status || again.ContentType != p.ContentType || !bytes.Equal(again.Body, p.Body) {
			t.Fatalf("%+v became %+v, %v", p, again, err)
		}
		docs, err := p.Documents(Options{Strict: true})
		var parse *ParseError
		var invalid *ValidationError
		if err != nil && !errors.As(err, &parse) && !errors.As(err, &invalid) {
			t.Fatalf("documents %v: %v", docs, err)
		}
	})
}
