package sipua

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
)

// saying makes a response with a body that describes a session.
func (p *rawPeer) saying(request, status, toTag, body string) string {
	res := p.response(request, status, toTag, "Content-Type: application/sdp\r\n")
	return strings.Replace(res, "Content-Length: 0", fmt.Sprintf("Content-Length: %d", len(body)), 1) + body
}

// TestAnswerInProvisional has the answer in a 1xx, and nothing, something else or the
// same in the 200 right behind it: the first description of that To tag is the answer.
// See RFC 3261, section 13.2.1.
func TestAnswerInProvisional(t *testing.T) {
	for name, tc := range map[string]struct {
		offer string
		first func(p *rawPeer, invite string) []string // before the 200 of tag one
		body  string                                   // of the 200
		want  string
	}{
		"in the 183": {"x", func(p *rawPeer, i string) []string {
			return []string{p.saying(i, "183 Session Progress", "one", "183")}
		}, "", "183"},
		"in a 180, reliably": {"x", func(p *rawPeer, i string) []string {
			return []string{strings.Replace(p.saying(i, "180 Ringing", "one", "180"), "Content-Type", "Require: 100rel\r\nRSeq: 1\r\nContent-Type", 1)}
		}, "", "180"},
		"twice": {"x", func(p *rawPeer, i string) []string {
			return []string{p.saying(i, "183 Session Progress", "one", "183"), p.saying(i, "183 Session Progress", "one", "other")}
		}, "", "183"},
		"and another in the 200": {"x", func(p *rawPeer, i string) []string {
			return []string{p.saying(i, "183 Session Progress", "one", "183")}
		}, "200", "183"},
		"of two branches": {"x", func(p *rawPeer, i string) []string {
			return []string{p.saying(i, "183 Session Progress", "two", "two"), p.saying(i, "183 Session Progress", "one", "one")}
		}, "", "one"},
		"of another branch only": {"x", func(p *rawPeer, i string) []string {
			return []string{p.saying(i, "183 Session Progress", "two", "two")}
		}, "", ""},
		"without a tag": {"x", func(p *rawPeer, i string) []string { return []string{p.saying(i, "183 Session Progress", "", "183")} }, "", ""},
		"in a multipart": {"x", func(p *rawPeer, i string) []string {
			m := p.saying(i, "183 Session Progress", "one", part(pidfPart, "<x/>")+part(sdpPart, "v=0\r\n")+"--X--")
			return []string{strings.Replace(m, "Content-Type: application/sdp", "Content-Type: multipart/mixed;boundary=X", 1)}
		}, "", "v=0\r\n"},
		"that is none": {"x", func(p *rawPeer, i string) []string {
			return []string{strings.Replace(p.saying(i, "183 Session Progress", "one", "<p>"), "application/sdp", "text/html", 1)}
		}, "200", "200"},
		"an offer in both": {"", func(p *rawPeer, i string) []string {
			return []string{p.saying(i, "183 Session Progress", "one", "183")}
		}, "200", "200"},
	} {
		for _, transport := range []string{"UDP", "TCP"} {
			t.Run(name+" over "+transport, func(t *testing.T) {
				p := newRawPeer(t)
				ln, err := net.Listen("tcp", "127.0.0.1:0")
				if err != nil {
					t.Fatal(err)
				}
				defer ln.Close()
				ua := newUA(t, Handlers{})
				addr := p.Addr()
				if transport == "TCP" {
					addr = ln.Addr().String()
				}
				calls := make(chan *Call, 1)
				go func() {
					defer close(calls)
					r := InviteRequest{URI: "sip:peer@" + addr + ";transport=" + transport, From: "sip:a@example.com", To: "sip:peer@example.com"}
					if tc.offer != "" {
						r.Body, r.ContentType = []byte(tc.offer), sdpType
					}
					call, err := ua.Invite(testContext(t), r)
					if err != nil {
						t.Error(err)
						return
					}
					if err := call.Ack(testContext(t), nil, ""); err != nil {
						t.Error(err)
					}
					calls <- call
				}()
				answer := func(invite string) []string {
					return append(tc.first(p, invite), p.saying(invite, "200 OK", "one", tc.body))
				}
				if transport == "UDP" {
					for _, m := range answer(p.next("INVITE")) {
						p.Send(ua.Addr(), m)
					}
				} else {
					c, err := ln.Accept()
					if err != nil {
						t.Fatal(err)
					}
					defer c.Close()
					invite, err := readMessage(bufio.NewReader(c))
					if err != nil {
						t.Fatal(err)
					}
					if _, err := c.Write([]byte(strings.Join(answer(invite), ""))); err != nil { // at once
						t.Fatal(err)
					}
				}
				call := <-calls
				if call == nil {
					return
				}
				if got := string(call.RemoteBody()); got != tc.want {
					t.Errorf("the answer is %q, want %q", got, tc.want)
				}
				if err := call.RemoteBodyError(); (err == nil) != (tc.want != "") || err != nil && !errors.Is(err, ErrNoDescription) {
					t.Errorf("why there is none: %v", err)
				}
			})
		}
	}
}
