package conform

import (
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/gomscp/gomscp/interop/conform/rfc4975"
	"github.com/gomscp/gomscp/msrp"
	"github.com/gomscp/gomscp/msrp/msrptest"
)

// MSRPTarget is a recipient of messages. The runner calls it over SIP at SIP, or uses an
// existing session with URI and OurURI.
type MSRPTarget struct {
	SIP  string // host:port where it takes SIP, with ;transport=tcp for TCP
	From string // our SIP URI; "" names the address we are at
	To   string // whom we call; "" names the target

	Password string // of From's user, if SIP asks for one

	URI    string // an MSRP URI of a session that waits to be bound, again and again; "" calls instead
	OurURI string // our MSRP URI, as that session knows it

	// Offline means that SIP is a media server of an offline-message cluster. The runner
	// sends it RestoreMsg with the sender and recipient of a session, over MSCP. The
	// messages stay in its store, for the recipient sip:conform-recipient@example.com.
	Offline bool

	unjudged bool // the frames that come are judged by the cases alone, for tests of these
}

// A session is an MSRP session, of which we are the sender's end.
type session struct {
	*msrptest.Peer
	t        *T
	m        MSRPTarget
	to, from string      // MSRP URIs of the two ends
	answer   *msrp.Media // nil if the session was agreed on otherwise
	sdp      string      // the answer as it came
	n        int         // transactions
	reports  []*msrptest.Frame
}

// describe is our offer of a session, as who connects.
func describe(host, uri string) string {
	family := "IP4"
	if strings.Contains(host, ":") {
		family = "IP6"
	}
	return fmt.Sprintf("v=0\r\no=conform 1 1 IN %s %s\r\ns=-\r\nc=IN %[1]s %[2]s\r\nt=0 0\r\nm=message %d TCP/MSRP *\r\n"+
		"a=accept-types:*\r\na=setup:active\r\na=path:%s\r\n", family, host, ourPort, uri)
}

// ourPort is in our URIs; nobody connects to it, since we do.
const ourPort = 2855

// agree sets a session up without connecting.
func (m MSRPTarget) agree(t *T) *session {
	t.Helper()
	if m.URI != "" {
		return &session{t: t, m: m, to: m.URI, from: m.OurURI}
	}
	return m.agreeOn(t, func(offer string) string { return offer })
}

// newURI is one of ours for a session; it need not be secret.
func (t *T) newURI(host string) string {
	t.sessions++
	return fmt.Sprintf("msrp://%s/conform%s%d;tcp", net.JoinHostPort(host, strconv.Itoa(ourPort)), strings.Map(alphanumeric, t.name), t.sessions)
}

func alphanumeric(c rune) rune {
	if c == '/' || c == '.' {
		return -1
	}
	return c
}

// agreeOn calls with an offer that change has made another.
func (m MSRPTarget) agreeOn(t *T, change func(string) string) *session {
	t.Helper()
	host, _, _ := strings.Cut(m.SIP, ";")
	own := ownHost(host)
	s := &session{t: t, m: m, from: t.newURI(own)}
	var control *channel
	if m.Offline {
		control = MSCPTarget{SIP: m.SIP}.setUpWith(t, tcpOffer)
	}
	call, err := caller{m.SIP, m.From, m.To, m.Password}.call(t, []byte(change(describe(own, s.from))))
	if err != nil {
		t.Fatalf("the INVITE for a session has failed: %v", err)
	}
	t.ack(call)
	if control != nil {
		a := control.ask(fmt.Sprintf(`<RestoreMsg xmlns="urn:x-mscp:offline-message:1" from-uri="sip:conform-sender@example.com" `+
			`to-uri="sip:conform-recipient@example.com" %s/>`, attribute("connection-id", call.ID().String())))
		if e := a.element(); e.Name != "MsgRestored" {
			t.Fatalf("RestoreMsg is answered with %q", a.Body)
		}
	}
	s.sdp = string(call.RemoteBody())
	if s.answer, err = msrp.ParseSDP(call.RemoteBody()); err != nil {
		t.Fatalf("the answer: %v\n%s", err, s.sdp)
	}
	if s.answer.Rejected() || len(s.answer.Path) == 0 {
		t.Fatalf("the answer refuses the session:\n%s", s.sdp)
	}
	s.to = s.answer.Path.String()
	return s
}

// connect connects to where the session is.
func (s *session) connect() *session {
	s.t.Helper()
	first, _, _ := strings.Cut(s.to, " ")
	u, err := msrp.ParseURI(first)
	if err != nil {
		s.t.Fatal(err)
	}
	conn := s.t.dial(net.JoinHostPort(u.Host, strconv.Itoa(u.Port)))
	if !s.m.unjudged {
		conn = s.t.judged(conn)
	}
	s.Peer = msrptest.New(s.t, conn)
	return s
}

// judged has all frames that come over a connection judged whole, besides what the case
// looks at. What is wrong with them fails the case at its end.
func (t *T) judged(c net.Conn) net.Conn {
	j := &rfc4975.Judge{}
	t.Cleanup(func() {
		for _, f := range j.Findings() {
			t.Errorf("%v", f)
		}
	})
	return judgedConn{c, j}
}

// A judgedConn shows a judge what goes over a connection.
type judgedConn struct {
	net.Conn
	j *rfc4975.Judge
}

func (c judgedConn) Write(b []byte) (int, error) {
	c.j.Sent(b)
	return c.Conn.Write(b)
}

func (c judgedConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.j.Came(b[:n])
	return n, err
}

// on makes what runs a case on a session of its own, bound by an empty SEND.
func (m MSRPTarget) on(run func(t *T, s *session)) func(*T) {
	return func(t *T) {
		s := m.agree(t).connect()
		s.alive()
		run(t, s)
	}
}

// tid is a new transaction id.
func (s *session) tid() string {
	s.n++
	return fmt.Sprintf("conform%04d", s.n)
}

// A request is one as it is written, legal or not.
type request struct {
	method   string // "" is SEND
	to, from string // "" are those of the session
	id       string // Message-ID; "" leaves it out
	headers  []string
	rng      string // Byte-Range; "" is all of the body
	body     string
	noBody   bool // no blank line, Byte-Range and Content-Type
	flag     string
}

// encode writes a request with the transaction id.
func (s *session) encode(tid string, r request) string {
	or := func(a, b string) string {
		if a != "" {
			return a
		}
		return b
	}
	lines := []string{"MSRP " + tid + " " + or(r.method, "SEND"), "To-Path: " + or(r.to, s.to), "From-Path: " + or(r.from, s.from)}
	if r.id != "" {
		lines = append(lines, "Message-ID: "+r.id)
	}
	lines = append(lines, r.headers...)
	if !r.noBody {
		lines = append(lines, "Byte-Range: "+or(r.rng, fmt.Sprintf("1-%d/%[1]d", len(r.body))), "Content-Type: text/plain", "", r.body)
	}
	return strings.Join(append(lines, "-------"+tid+or(r.flag, "$")), "\r\n") + "\r\n"
}

// send writes a request, and returns its transaction id.
func (s *session) send(r request) string {
	s.t.Helper()
	tid := s.tid()
	s.Write(s.encode(tid, r))
	return tid
}

// response waits for the response to tid; reports may come before it.
func (s *session) response(tid string) *msrptest.Frame {
	s.t.Helper()
	for {
		f := s.Next()
		if f.Method == "REPORT" {
			s.reports = append(s.reports, f)
			continue
		}
		if f.Method != "" || f.TID != tid {
			s.t.Fatalf("%s%d with the transaction id %s came where the response to %s was awaited", f.Method, f.Code, f.TID, tid)
		}
		return f
	}
}

// want sends a request and checks the code of its response.
func (s *session) want(code int, r request) *msrptest.Frame {
	s.t.Helper()
	f := s.response(s.send(r))
	if f.Code != code {
		s.t.Fatalf("the response is %d %s, not %d", f.Code, f.Comment, code)
	}
	return f
}

// alive sends an empty SEND, whose response must be the next.
func (s *session) alive() {
	s.t.Helper()
	s.want(200, request{id: s.messageID(), noBody: true})
}

func (s *session) messageID() string {
	return fmt.Sprintf("conform.%s.%d", strings.Map(alphanumeric, s.t.name), s.n+1)
}

// report waits for the success report of a message.
func (s *session) report(id string) *msrptest.Frame {
	s.t.Helper()
	if len(s.reports) == 0 {
		s.reports = append(s.reports, s.Next())
	}
	f := s.reports[0]
	s.reports = s.reports[1:]
	if f.Method != "REPORT" || f.Get("Message-ID") != id {
		s.t.Fatalf("%s%d of the message %q came where the report of %q was awaited", f.Method, f.Code, f.Get("Message-ID"), id)
	}
	return f
}

// awaitReports waits for one report of each message, in whatever order they come:
// report then has them in the order of ids.
func (s *session) awaitReports(ids ...string) {
	s.t.Helper()
	for len(s.reports) < len(ids) {
		s.reports = append(s.reports, s.Next())
	}
	slices.SortStableFunc(s.reports, func(a, b *msrptest.Frame) int {
		return slices.Index(ids, a.Get("Message-ID")) - slices.Index(ids, b.Get("Message-ID"))
	})
}

// reported checks that a report is of success and covers n bytes.
func (s *session) reported(id string, n int) {
	s.t.Helper()
	f := s.report(id)
	if got, want := f.Get("Byte-Range"), fmt.Sprintf("1-%d/%[1]d", n); got != want {
		s.t.Errorf("the report is of the range %q, not %s", got, want)
	}
	if got := f.Get("Status"); !strings.HasPrefix(got, "000 200") {
		s.t.Errorf("its status is %q", got)
	}
}

var success = []string{"Success-Report: yes"}
