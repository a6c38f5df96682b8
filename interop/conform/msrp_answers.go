package conform

import (
	"fmt"
	"strings"

	"github.com/gomscp/gomscp/msrp"
	"github.com/gomscp/gomscp/msrp/msrptest"
)

// answerCases are those of sections 7.2 to 7.3.1 and 9.
func (m MSRPTarget) answerCases() []Case {
	return []Case{
		must("msrp/7.2/1", "a response has the transaction id of its request, on the same connection", m.on(func(t *T, s *session) {
			for range 3 {
				s.alive()
			}
		})),
		must("msrp/7.2/2", "a response goes from the request's To-Path to its From-Path", m.on(func(t *T, s *session) {
			f := s.want(200, request{id: s.messageID(), body: "Hello"})
			if f.Get("To-Path") != s.from || f.Get("From-Path") != s.to {
				t.Errorf("it goes from %q to %q", f.Get("From-Path"), f.Get("To-Path"))
			}
		})),
		must("msrp/7.2/3", "a response has no body, and ends with $", m.on(func(t *T, s *session) {
			for _, f := range []*msrptest.Frame{s.want(200, request{id: s.messageID(), body: "Hello"}), s.want(481, request{to: otherSession(s.to), id: "none", noBody: true})} {
				if f.Body != nil || f.Flag != '$' {
					t.Errorf("the body is %q, the flag %q", f.Body, f.Flag)
				}
			}
		})),
		must("msrp/7.3/1", "a request on this connection for another session gets 481", m.on(func(t *T, s *session) {
			s.want(481, request{to: otherSession(s.to), id: "none", body: "Hello"})
			s.alive()
		})),
		must("msrp/7.3/2", "a request whose To-Path goes on behind us gets 481", m.on(func(t *T, s *session) {
			s.want(481, request{to: s.to + " msrp://192.0.2.1:2855/behind;tcp", id: "none", body: "Hello"})
			s.alive()
		})),
		must("msrp/7.3.1/1", "a content type that is not accepted gets 415", m.on(func(t *T, s *session) {
			const strange = "conform/unheard-of"
			if s.answer == nil || s.answer.Accepts(strange) {
				t.Skipf("the peer accepts every type, or has not said which")
			}
			tid := s.tid()
			s.Write(strings.Replace(s.encode(tid, request{id: "strange", body: "Hello"}), "text/plain", strange, 1))
			if f := s.response(tid); f.Code != 415 {
				t.Errorf("the response is %d", f.Code)
			}
		})),
		must("msrp/7.3.1/2", "chunks are put together by their Byte-Range, whatever their order", m.on(func(t *T, s *session) {
			id := s.messageID()
			waiting := map[string]bool{}
			for _, c := range []request{{rng: "1-4/12", body: "abcd", flag: "+"}, {rng: "9-12/12", body: "ijkl"}, {rng: "5-8/12", body: "efgh", flag: "+"}} {
				c.id, c.headers = id, success
				waiting[s.send(c)] = true
			}
			for len(waiting) > 0 { // the last chunk may be answered when all is there
				f := s.Next()
				if f.Method == "REPORT" {
					s.reports = append(s.reports, f)
					continue
				}
				if !waiting[f.TID] || f.Code != 200 {
					t.Fatalf("%d came for the transaction %s", f.Code, f.TID)
				}
				delete(waiting, f.TID)
			}
			s.reported(id, 12)
		})),
		must("msrp/9/1", "To-Path is the first header and From-Path the second, in responses and reports", m.on(func(t *T, s *session) {
			id := s.messageID()
			f := s.want(200, request{id: id, headers: success, body: "Hello"})
			for _, f := range []*msrptest.Frame{f, s.report(id)} {
				if len(f.Header) < 2 || !strings.HasPrefix(f.Header[0], "To-Path:") || !strings.HasPrefix(f.Header[1], "From-Path:") {
					t.Errorf("the headers are %q", f.Header)
				}
			}
		})),
		should("msrp/9/2", "names of headers are read without regard to case", m.on(func(t *T, s *session) {
			tid := s.tid()
			s.Write(strings.Replace(s.encode(tid, request{id: s.messageID(), body: "Hello"}), "Message-ID", "message-id", 1))
			if f := s.response(tid); f.Code != 200 {
				t.Errorf("the response is %d", f.Code)
			}
		})),
		should("msrp/9/3", "what is no MSRP ends the connection, and that alone", m.on(func(t *T, s *session) {
			other := m.agree(t).connect()
			other.alive()
			s.Write("GET / HTTP/1.1\r\nHost: example.com\r\n\r\n")
			s.Closed()
			other.alive()
		})),
		must("msrp/10.5/1", "a message that is longer than max-size gets 413", m.on(func(t *T, s *session) {
			if s.answer == nil || s.answer.MaxSize == 0 {
				t.Skipf("the peer has not said what its max-size is")
			}
			s.want(413, request{id: "long", rng: fmt.Sprintf("1-*/%d", s.answer.MaxSize+1), body: "Hello", flag: "+"})
		})),
	}
}

// descriptionCases are those of section 8.
func (m MSRPTarget) descriptionCases() []Case {
	described := func(run func(t *T, s *session)) func(*T) {
		return func(t *T) {
			if m.URI != "" {
				t.Skipf("the session was not agreed on by SDP")
			}
			run(t, m.agree(t))
		}
	}
	return []Case{
		must("msrp/8.1/1", "the answer's m-line is of message and TCP/MSRP, with the format *", described(func(t *T, s *session) {
			if !strings.Contains(s.sdp, fmt.Sprintf("m=message %d TCP/MSRP *\r\n", s.answer.Port)) {
				t.Errorf("the answer is\n%s", s.sdp)
			}
		})),
		must("msrp/8.1/2", "the c-line has the host of the path's last URI", described(func(t *T, s *session) {
			if last := s.answer.Path[len(s.answer.Path)-1]; !strings.EqualFold(last.Host, s.answer.Host) {
				t.Errorf("the c-line has %q, the path %q", s.answer.Host, last.Host)
			}
		})),
		must("msrp/8.1/3", "the m-line has the port of the path's last URI", described(func(t *T, s *session) {
			if last := s.answer.Path[len(s.answer.Path)-1]; last.Port != s.answer.Port {
				t.Errorf("the m-line has %d, the path %d", s.answer.Port, last.Port)
			}
		})),
		must("msrp/8.1/4", "an m-line that is not accepted has its place in the answer, with port 0", described(func(t *T, s *session) {
			both := m.agreeOn(t, func(offer string) string { return offer + "m=audio 40000 RTP/AVP 0\r\n" })
			_, rest, _ := strings.Cut(both.sdp, "m=message ")
			if !strings.Contains(rest, "\r\nm=audio 0 ") {
				t.Errorf("the answer is\n%s", both.sdp)
			}
		})),
		must("msrp/8.2/1", "the answer has one path, of MSRP URIs with ports, session-ids and a transport of tcp", described(func(t *T, s *session) {
			if n := strings.Count(s.sdp, "a=path:"); n != 1 {
				t.Errorf("there are %d", n)
			}
			for _, u := range s.answer.Path {
				if parsed, err := msrp.ParseURI(u.String()); err != nil || u.Port == 0 || u.SessionID == "" || parsed.Secure {
					t.Errorf("%v: %v", u, err)
				}
			}
		})),
		must("msrp/8.2/2", "no URI is used for two sessions", described(func(t *T, s *session) {
			if other := m.agree(t); other.to == s.to {
				t.Errorf("both are %s", s.to)
			}
		})),
		must("msrp/8.6/1", "the answer has accept-types", described(func(t *T, s *session) {
			if !strings.Contains(s.sdp, "\r\na=accept-types:") {
				t.Errorf("the answer is\n%s", s.sdp)
			}
		})),
		should("msrp/14.1/1", "the session-id has room for 80 random bits", described(func(t *T, s *session) {
			if id := s.answer.Path[len(s.answer.Path)-1].SessionID; len(id) < 14 { // of 6 bits each
				t.Errorf("%q has %d characters", id, len(id))
			}
		})),
	}
}

// extensionCases are those of section 12.
func (m MSRPTarget) extensionCases() []Case {
	return []Case{
		must("msrp/12/1", "a method that is not known gets 501", m.on(func(t *T, s *session) {
			s.want(501, request{method: "CONFORM", id: "none", noBody: true})
			s.alive()
		})),
		must("msrp/12/2", "headers that are not known are ignored", m.on(func(t *T, s *session) {
			s.want(200, request{id: s.messageID(), headers: []string{"X-Conform: a: b", "Conform:"}, body: "Hello"})
		})),
		should("msrp/12/3", "a response that nobody has asked for is ignored", m.on(func(t *T, s *session) {
			s.Send("MSRP nobody99 200 OK", "To-Path: "+s.to, "From-Path: "+s.from, "-------nobody99$")
			s.alive()
		})),
	}
}
