package sipua

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"os"
	"strings"
	"testing"

	"github.com/emiago/sipgo/sip"

	"github.com/gomscp/gomscp/internal/testutil"
	"github.com/gomscp/gomscp/sipua/internal/screen"
)

const sdpBody = "v=0\r\no=- 1 1 IN IP4 192.0.2.7\r\ns=-\r\nc=IN IP4 192.0.2.7\r\nt=0 0\r\nm=message 9 TCP/MSRP *\r\n"

// part writes a part of a multipart with the boundary X; headers end with CRLF.
func part(headers, content string) string { return "--X\r\n" + headers + "\r\n" + content + "\r\n" }

const (
	sdpPart  = "Content-Type: application/sdp\r\n"
	pidfPart = "Content-Type: application/pidf+xml\r\nContent-ID: <loc@x>\r\n"
	mixed    = "Content-Type: multipart/mixed;boundary=X\r\n"
)

// nested writes multiparts in each other.
func nested(boundary string, depth int) string {
	if depth == 0 {
		return sdpBody
	}
	kind := sdpPart
	if depth > 1 {
		kind = "Content-Type: multipart/mixed;boundary=" + boundary + "X\r\n"
	}
	return "--" + boundary + "\r\n" + kind + "\r\n" + nested(boundary+"X", depth-1) + "\r\n--" + boundary + "--\r\n"
}

// bodies are the bodies of messages: their headers, what they hold, and the code of
// the 4xx for a request with them, or the session description that is found in it.
var bodies = map[string]struct {
	headers, body string
	code          int
	want          string
}{
	"plain":                     {sdpPart, sdpBody, 0, sdpBody},
	"letter case and blanks":    {"content-type :\tAPPLICATION / SDP ; charset = utf-8\r\n", sdpBody, 0, sdpBody},
	"compact":                   {"c: application/sdp\r\ne: identity\r\n", sdpBody, 0, sdpBody},
	"named a session":           {sdpPart + "Content-Disposition: Session ; handling=required\r\n", sdpBody, 0, sdpBody},
	"none":                      {"", "", 0, ""},
	"a type without a body":     {"Content-Type: text/html\r\n", "", 0, ""},
	"blank lines":               {"Content-Type: text/html\r\n", "\r\n", 0, ""},
	"another type":              {"Content-Type: text/plain\r\n", sdpBody, 415, ""},
	"no type":                   {"", sdpBody, 415, ""},
	"html":                      {"Content-Type: text/html\r\n", "<p>", 415, ""},
	"html, optional":            {"Content-Type: text/html\r\nContent-Disposition: render;handling=optional\r\n", "<p>", 0, ""},
	"html, Optional":            {"Content-Type: text/html\r\nContent-Disposition: icon; Handling = \"Optional\"\r\n", "<p>", 0, ""},
	"early session":             {sdpPart + "Content-Disposition: early-session\r\n", sdpBody, 415, ""},
	"early session, optional":   {sdpPart + "Content-Disposition: early-session;handling=optional\r\n", sdpBody, 0, ""},
	"gzip":                      {sdpPart + "Content-Encoding: gzip\r\n", "\x1f\x8b\x08", 415, ""},
	"gzip in the second row":    {sdpPart + "Content-Encoding: identity\r\ne: gzip\r\n", sdpBody, 415, ""},
	"gzip, optional":            {sdpPart + "Content-Encoding: gzip\r\nContent-Disposition: session;handling=optional\r\n", "\x1f\x8b\x08", 0, ""},
	"two types":                 {sdpPart + "c: text/html\r\n", sdpBody, 400, ""},
	"with a location":           {mixed, part(sdpPart, sdpBody) + part(pidfPart, "<presence/>") + "--X--\r\n", 0, sdpBody},
	"location first":            {mixed, part(pidfPart, "<presence/>") + part(sdpPart, sdpBody) + "--X--", 0, sdpBody},
	"preamble and epilogue":     {mixed, "This is for old readers.\r\n--XY\r\n" + part(sdpPart, sdpBody) + "--X-- \r\nepilogue\r\n--X\r\n", 0, sdpBody},
	"quoted boundary":           {"Content-Type: multipart/mixed; boundary=\"a b;\\\"c\"\r\n", "--a b;\"c\r\n" + sdpPart + "\r\n" + sdpBody + "\r\n--a b;\"c--", 0, sdpBody},
	"boundary that is no token": {"Content-Type: multipart/mixed;boundary=----=_Part:1/2; x=y\r\n", "------=_Part:1/2\r\n" + sdpPart + "\r\n" + sdpBody + "\r\n------=_Part:1/2--", 0, sdpBody},
	"LF alone":                  {mixed, strings.ReplaceAll(part(sdpPart, sdpBody)+"--X--\r\n", "\r\n", "\n"), 0, strings.ReplaceAll(sdpBody, "\r\n", "\n")},
	"no blank line at the end":  {mixed, part(sdpPart, strings.TrimSuffix(sdpBody, "\r\n")) + "--X--", 0, sdpBody},
	"no last delimiter":         {mixed, "--X\r\n" + sdpPart + "\r\n" + sdpBody, 0, sdpBody},
	"blanks behind delimiters":  {mixed, "--X \t\r\n" + sdpPart + "\r\n" + sdpBody + "\r\n--X--\t", 0, sdpBody},
	"folded headers":            {mixed, part("Content-Type:\r\n application/sdp;\r\n\tcharset=utf-8\r\n", sdpBody) + "--X--", 0, sdpBody},
	"base64":                    {mixed, part(sdpPart+"Content-Transfer-Encoding: BASE64\r\n", base64.StdEncoding.EncodeToString([]byte(sdpBody))) + "--X--", 0, sdpBody},
	"quoted-printable":          {mixed, part(sdpPart+"Content-Transfer-Encoding: quoted-printable\r\n", strings.ReplaceAll(sdpBody, "=", "=3D")) + "--X--", 0, sdpBody},
	"binary":                    {mixed, part(sdpPart+"Content-Transfer-Encoding: binary\r\n", sdpBody) + "--X--", 0, sdpBody},
	"unknown transfer encoding": {mixed, part(sdpPart+"Content-Transfer-Encoding: x-uue\r\n", sdpBody) + "--X--", 415, ""},
	"no base64":                 {mixed, part(sdpPart+"Content-Transfer-Encoding: base64\r\n", "v=0") + "--X--", 415, ""},
	"gzip in a part":            {mixed, part(sdpPart+"Content-Encoding: gzip\r\n", sdpBody) + "--X--", 415, ""},
	"required beside it":        {mixed, part(sdpPart, sdpBody) + part("Content-Type: application/isup\r\nContent-Disposition: signal;handling=required\r\n", "\x01") + "--X--", 415, ""},
	"optional beside it":        {mixed, part(sdpPart, sdpBody) + part("Content-Type: application/isup\r\nContent-Disposition: signal;handling=optional\r\n", "\x01") + "--X--", 0, sdpBody},
	"early session beside it":   {mixed, part(sdpPart+"Content-Disposition: early-session\r\n", "v=1\r\n") + part(sdpPart, sdpBody) + "--X--", 0, sdpBody},
	"all optional":              {mixed, part("Content-Type: text/html\r\nContent-Disposition: render;handling=optional\r\n", "<p>") + "--X--", 0, ""},
	"nothing of use":            {mixed, part(pidfPart, "<presence/>") + "--X--", 415, ""},
	"part without headers":      {mixed, part("", "text") + part(sdpPart, sdpBody) + "--X--", 0, sdpBody},
	"unknown subtype":           {"Content-Type: multipart/unknown;boundary=X\r\n", part(sdpPart, sdpBody) + "--X--", 0, sdpBody},
	"alternative":               {"Content-Type: multipart/alternative;boundary=X\r\n", part("Content-Type: text/plain\r\nContent-Disposition: session;handling=required\r\n", "x") + part(sdpPart, sdpBody) + part("Content-Type: application/sdpng+xml\r\nContent-Disposition: session;handling=required\r\n", "<x/>") + "--X--", 0, sdpBody},
	"related with a start":      {"Content-Type: multipart/related;start=\"<r@x>\";type=\"application/sdp\";boundary=X\r\n", part(sdpPart+"Content-ID: <o@x>\r\n", "v=1\r\n") + part(sdpPart+"Content-ID: <r@x>\r\n", sdpBody) + "--X--", 0, sdpBody},
	"related":                   {"Content-Type: multipart/related;boundary=X\r\n", part(sdpPart, sdpBody) + part(pidfPart, "<presence/>") + "--X--", 0, sdpBody},
	"nested": {mixed, part(pidfPart, "<presence/>") + "--X\r\nContent-Type: multipart/alternative;boundary=XY\r\n\r\n--XY\r\n" + sdpPart + "\r\n" + sdpBody + "\r\n--XY\r\nContent-Type: text/html\r\n\r\n<p>\r\n--XY--\r\n--X--",
		0, sdpBody},
	"deep":                   {mixed, nested("X", MaxBodyDepth), 0, sdpBody},
	"no boundary":            {"Content-Type: multipart/mixed\r\n", part(sdpPart, sdpBody) + "--X--", 400, ""},
	"another boundary":       {"Content-Type: multipart/mixed;boundary=Y\r\n", part(sdpPart, sdpBody) + "--X--", 400, ""},
	"boundary without end":   {"Content-Type: multipart/mixed;boundary=\"X\r\n", part(sdpPart, sdpBody) + "--X--", 400, ""},
	"header that is none":    {mixed, "--X\r\nno header\r\n\r\n" + sdpBody + "\r\n--X--", 400, ""},
	"too many parts":         {mixed, strings.Repeat(part("", "x"), MaxBodyParts+1) + "--X--", 400, ""},
	"too deep":               {mixed, nested("X", MaxBodyDepth+1), 400, ""},
	"malformed but optional": {"Content-Type: multipart/mixed\r\nContent-Disposition: render;handling=optional\r\n", "x", 0, ""},
}

// TestInviteBodies sends INVITEs with each of the bodies over UDP.
func TestInviteBodies(t *testing.T) {
	p := newRawPeer(t)
	got := make(chan *IncomingCall, len(bodies))
	ua := newUA(t, Handlers{Invite: func(in *IncomingCall) {
		got <- in
		_ = in.Reject(486, "")
	}})
	n := 0
	for name, tc := range bodies {
		t.Run(name, func(t *testing.T) {
			p.t = t
			n++
			m := p.request("INVITE", fmt.Sprint("body", n), "p", "<sip:test@example.com>", fmt.Sprintf("%sContent-Length: %d\r\n", tc.headers, len(tc.body))) + tc.body
			p.Send(ua.Addr(), m)
			res := p.next("SIP/2.0 4")
			ack := strings.Replace(strings.Replace(m, "INVITE sip", "ACK sip", 1), "1 INVITE", "1 ACK", 1)
			p.Send(ua.Addr(), ack)
			if tc.code != 0 {
				wantRefusedBody(t, res, tc.code, tc.headers+tc.body)
				return
			}
			if !strings.HasPrefix(res, "SIP/2.0 486") {
				t.Fatalf("refused with\n%s", res)
			}
			if in := <-got; string(in.Body) != tc.want || (in.Body != nil) != strings.HasPrefix(strings.ToLower(in.ContentType), "application") {
				t.Errorf("the body is %q, of type %q", in.Body, in.ContentType)
			}
		})
	}
	p.t = t
}

// wantRefusedBody holds that a 415 lists what is understood. See RFC 3261, section
// 21.4.13.
func wantRefusedBody(t *testing.T, res string, code int, request string) {
	t.Helper()
	if !strings.HasPrefix(res, fmt.Sprintf("SIP/2.0 %d", code)) {
		t.Fatalf("got %s, want a %d", res, code)
	}
	accept, encoding := testutil.Field(res, "Accept"), testutil.Field(res, "Accept-Encoding")
	if code == 415 && accept != "application/sdp" {
		t.Errorf("Accept: %q", accept)
	}
	if encoded := strings.Contains(request, "gzip"); (encoding == "identity") != encoded {
		t.Errorf("Accept-Encoding: %q", encoding)
	}
}

// TestBodyOfResponses finds the same descriptions in responses, which cannot be
// refused: a body without a type is taken for one.
func TestBodyOfResponses(t *testing.T) {
	for name, tc := range bodies {
		raw := fmt.Sprintf("SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP x\r\n%sContent-Length: %d\r\n\r\n%s", tc.headers, len(tc.body), tc.body)
		clean, _, f := screen.Check([]byte(raw), true)
		if f != nil {
			t.Fatal(f)
		}
		m, err := newParser().ParseSIP(clean)
		if err != nil {
			t.Fatal(err)
		}
		if name == "no type" {
			tc.want, tc.code = sdpBody, 0
		}
		said, err := sessionIn(m)
		var bad *BodyError
		if string(said.body) != tc.want || errors.As(err, &bad) != (tc.code != 0) || (err == nil) != (tc.code == 0) {
			t.Errorf("%s: %q, %v", name, said.body, err)
		}
	}
}

// TestBodyOfRFC4475 reads the multipart of RFC 4475, section 3.1.1.11, which has a
// binary part.
func TestBodyOfRFC4475(t *testing.T) {
	raw, err := os.ReadFile("testdata/rfc4475/mpart01.dat")
	if err != nil {
		t.Fatal(err)
	}
	clean, _, f := screen.Check(raw, true)
	if f != nil {
		t.Fatal(f)
	}
	m, err := newParser().ParseSIP(clean)
	if err != nil {
		t.Fatal(err)
	}
	all, err := FindBodies(m, Understood{Types: []string{"text/plain", "application/octet-stream"}})
	if err != nil || len(all) != 2 || string(all[0].Content) != "Hello" || all[1].ContentType != "application/octet-stream" || len(all[1].Content) == 0 {
		t.Errorf("%q, %v", all, err)
	}
}

// TestAckAndModificationBodies has the answer in a multipart ACK, changes of the
// session in multiparts and in bodies that are not understood, and an INFO.
func TestAckAndModificationBodies(t *testing.T) {
	p := newRawPeer(t)
	answers := make(chan string, 1)
	ua := newUA(t, Handlers{Invite: func(in *IncomingCall) {
		in.OnOffer(func(_ context.Context, o Offer) ([]byte, error) { return append([]byte("a=of "), o.Body...), nil })
		call, answer, err := in.Answer(context.Background(), []byte("offer"), sdpType)
		if err != nil {
			t.Error(err)
			return
		}
		answers <- string(answer)
		<-call.Done()
	}})
	multi := part(pidfPart, "<presence/>") + part(sdpPart, sdpBody) + "--X--"
	seq, call, to := 0, "", ""
	send := func(method, headers, body string) {
		if method != "ACK" {
			seq++
		}
		m := p.request(method, call, "p", to, fmt.Sprintf("%sContent-Length: %d\r\n", headers, len(body))) + body
		p.Send(ua.Addr(), strings.Replace(m, "CSeq: 1 ", fmt.Sprintf("CSeq: %d ", seq), 1))
	}
	for name, tc := range map[string]struct{ headers, body, want string }{
		"multipart":      {mixed, multi, sdpBody},
		"not understood": {"Content-Type: text/html\r\n", "<p>", ""},
		"gzip":           {sdpPart + "Content-Encoding: gzip\r\n", "\x1f\x8b", ""},
	} {
		seq, call, to = 0, "ack "+name, "<sip:test@example.com>"
		call = strings.ReplaceAll(call, " ", "-")
		send("INVITE", "", "")
		to = testutil.Field(p.next("SIP/2.0 200"), "To")
		send("ACK", tc.headers, tc.body)
		if got := <-answers; got != tc.want {
			t.Errorf("%s: the ACK's answer is %q", name, got)
		}
		for _, method := range []string{"INVITE", "UPDATE"} {
			send(method, mixed, multi)
			if res := p.next("SIP/2.0 200"); messageBody(res) != "a=of "+sdpBody {
				t.Errorf("%s: %s", method, res)
			}
			if method == "INVITE" {
				send("ACK", "", "")
			}
			send(method, "Content-Type: text/html\r\n", "<p>")
			wantRefusedBody(t, p.next("SIP/2.0 4"), 415, "")
			if method == "INVITE" {
				send("ACK", "", "")
			}
		}
		send("INFO", "Content-Type: text/html\r\n", "<p>")
		if res := p.next("SIP/2.0 4"); !strings.HasPrefix(res, "SIP/2.0 415") || !strings.Contains(res, "\r\nAccept: \r\n") {
			t.Errorf("INFO: %s", res)
		}
		send("INFO", "Content-Type: text/html\r\nContent-Disposition: render;handling=optional\r\n", "<p>")
		p.next("SIP/2.0 200")
		send("BYE", "", "")
		for res := p.next("SIP/2.0 200"); !strings.HasSuffix(testutil.Field(res, "CSeq"), "BYE"); {
			res = p.next("SIP/2.0 200")
		}
	}
}

// FuzzFindBody holds that whatever is found is in the message, and that what Go's own
// reader takes for a multipart with a session description is one for us.
func FuzzFindBody(f *testing.F) {
	for _, tc := range bodies {
		kind, rest, _ := strings.Cut(tc.headers, "\r\n")
		_, kind, _ = strings.Cut(kind, ": ")
		f.Add(kind, rest, []byte(tc.body))
	}
	f.Fuzz(func(t *testing.T, kind, disposition string, body []byte) {
		req := sip.NewRequest(sip.INVITE, sip.Uri{Host: "x"})
		req.AppendHeader(sip.NewHeader("Content-Type", kind))
		req.AppendHeader(sip.NewHeader("Content-Disposition", disposition))
		req.SetBody(bytes.Clone(body))
		all, err := FindBodies(req, sessionBody)
		if err != nil && len(all) > 0 {
			t.Fatal("a body and an error")
		}
		total := 0
		for _, b := range all {
			total += len(b.Content)
		}
		if total > len(body)+2*MaxBodyParts {
			t.Fatalf("%d bytes of %d", total, len(body))
		}
		if !bytes.Equal(req.Body(), body) {
			t.Fatal("the message was changed")
		}
		var bad *BodyError
		if want := stdlibSDP(kind, body); want != "" && disposition == "" && !(errors.As(err, &bad) && bad.Status.Code == 400) {
			if len(all) == 0 || string(bytes.TrimSpace(all[0].Content)) != strings.TrimSpace(want) {
				t.Fatalf("%q, %v; Go's reader has %q", all, err, want)
			}
		}
	})
}

// stdlibSDP is the first session description of a multipart/mixed as Go's reader finds
// it, "" for anything that is not plain or that it takes for malformed.
func stdlibSDP(kind string, body []byte) string {
	t, params, err := mime.ParseMediaType(kind)
	if err != nil || t != "multipart/mixed" || strings.ContainsAny(kind, "*\\") || bytes.Contains(bytes.ReplaceAll(body, []byte("\r\n"), nil), []byte("\n")) {
		return ""
	}
	first := ""
	for r := multipart.NewReader(bytes.NewReader(body), params["boundary"]); ; {
		p, err := r.NextRawPart()
		if err == io.EOF {
			return first
		}
		if err != nil || len(p.Header) != 1 {
			return ""
		}
		content, err := io.ReadAll(p)
		if err != nil {
			return ""
		}
		if p.Header.Get("Content-Type") == sdpType && first == "" {
			first = string(content)
		}
	}
}
