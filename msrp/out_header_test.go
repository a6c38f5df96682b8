package msrp

import (
	"errors"
	"strings"
	"testing"

	"github.com/gomscp/gomscp/msrp/msrptest"
)

// There are receivers that report success only where Failure-Report is written
// out.
func TestReportHeadersOfASend(t *testing.T) {
	s, p := sender(t, Config{ChunkSize: 10})
	for _, test := range []struct {
		m    Message
		want string // Success-Report and Failure-Report
	}{
		{Message{}, " "},
		{Message{SuccessReport: true}, "yes yes"},
		{Message{FailureReport: FailurePartial}, " partial"},
		{Message{SuccessReport: true, FailureReport: FailureNo}, "yes no"},
		{Message{Header: Header{{"failure-report", "yes"}}}, " yes"},
		{Message{Header: Header{{"Failure-Report", "no"}, {"success-report", "no"}}}, "no no"},
		{Message{Header: Header{{"Success-Report", "yes"}}}, "yes yes"},
		{Message{Header: Header{{"Failure-Report", "partial"}}, FailureReport: FailurePartial}, " partial"},
	} {
		m := test.m
		m.ContentType, m.Body, m.Size = "text/plain", strings.NewReader("of two chunks"), 13
		rc, ec := sendTo(s, m)
		var silent bool
		for range 2 {
			f := p.Next()
			if got := f.Get("Success-Report") + " " + f.Get("Failure-Report"); got != test.want ||
				strings.Count(strings.ToLower(strings.Join(f.Header, "\n")), "-report:") != len(strings.Fields(test.want)) {
				t.Errorf("%+v: got %q", test.m, f.Header)
			}
			if silent = strings.HasSuffix(test.want, "no"); !silent && !strings.HasSuffix(test.want, "partial") {
				p.Answer(f, 200, "OK")
			}
		}
		r := next(t, rc)
		if err := next(t, ec); err != nil && !silent {
			t.Fatalf("%+v: %v", test.m, err)
		}
		if wanted := strings.HasPrefix(test.want, "yes"); r.wanted != wanted {
			t.Errorf("%+v: a receipt %v", test.m, r.wanted)
		}
	}
	for name, m := range map[string]Message{
		"contradicts the field":      {SuccessReport: true, Header: Header{{"Success-Report", "no"}}},
		"contradicts the other":      {FailureReport: FailureNo, Header: Header{{"Failure-Report", "yes"}}},
		"twice":                      {Header: Header{{"Failure-Report", "yes"}, {"failure-report", "yes"}}},
		"not a value":                {Header: Header{{"Failure-Report", "always"}}},
		"empty":                      {Header: Header{{"Success-Report", ""}}},
		"one of the package's":       {Header: Header{{"byte-range", "1-1/1"}}},
		"a line too long for a peer": {Header: Header{{"X-Long", strings.Repeat("x", MaxHeaderLine)}}},
		"more than a peer takes":     {Header: manyFields(MaxHeaders)},
	} {
		if _, err := s.Send(testCtx(t), m); err == nil {
			t.Errorf("%s: sent", name)
		}
	}
}

func manyFields(n int) Header {
	h := make(Header, n)
	for i := range h {
		h[i] = Field{"X-Many", "x"}
	}
	return h
}

// The largest header that may be sent is one that our own reader takes.
func TestLongestHeaderIsTaken(t *testing.T) {
	h, ch := collect(1)
	p := newPair(t, withHandler(h))
	m := textMessage("x")
	m.Header = manyFields(MaxHeaders - len(knownNames))
	for i := range m.Header {
		m.Header[i].Value = strings.Repeat("y", maxMessageHeader/len(m.Header)-len("X-Many")-5)
	}
	if _, err := p.a.Send(testCtx(t), m); err != nil {
		t.Fatal(err)
	}
	if g := next(t, ch); len(g.m.Header) != len(m.Header) {
		t.Errorf("%d fields of %d", len(g.m.Header), len(m.Header))
	}
}

func TestTypeAccepted(t *testing.T) {
	for _, test := range []struct {
		ranges string
		t      string
		want   bool
	}{
		{"*", "", true}, {"*", "image/png", true}, {"*/*", "image/png", true}, {"text/plain", "text/plain", true},
		{"text/plain", "TEXT/Plain;charset=UTF-8", true}, {"Text/Plain;format=flowed", "text/plain", true},
		{"text/*", "text/html", true}, {"TEXT/*", "text/html ; x=y", true}, {"text/*", "texts/html", false},
		{"text/plain", "text/html", false}, {"text", "text/plain", false}, {"text/plain image/*", "image/png", true},
		{"text/plain", "", false},
	} {
		if got := TypeAccepted(strings.Fields(test.ranges), test.t); got != test.want {
			t.Errorf("%q by %q: %v", test.t, test.ranges, got)
		}
	}
	if !TypeAccepted(nil, "a/b") || TypeAccepted([]string{}, "a/b") {
		t.Error("no list takes all, an empty one nothing")
	}
}

// Our own URI is one that others can read.
func TestOwnURINeedsAPort(t *testing.T) {
	l := testListener(t, Config{})
	for uri, ok := range map[uriParts]bool{
		{"127.0.0.1", 0, "x"}: false, {"::1", 0, "x"}: false, {"host", 0, "x"}: true, {"127.0.0.1", 5, "y"}: true,
		{"127.0.0.1", 5, "y;tcp\r\nX: z"}: false, {"127.0.0.1", 70000, "z"}: false, {"a b", 5, "z"}: false,
	} {
		u := URI{Host: uri.host, Port: uri.port, SessionID: uri.id}
		if _, err := l.Accept(SessionConfig{Local: u}); (err == nil) != ok {
			t.Errorf("%+v: %v", uri, err)
		}
	}
	if _, err := l.Accept(SessionConfig{Local: l.NewURI(""), Remote: Path{{Host: "a", SessionID: "b\r\nc"}}}); err == nil {
		t.Error("a remote path with a line end was taken")
	}
	s, err := l.Accept(SessionConfig{Local: l.NewURI("")})
	if err != nil {
		t.Fatal(err)
	}
	s.SetRemote(Path{{Host: "a", SessionID: "b\r\nc"}})
	if _, _, err := s.target(); !errors.Is(err, errNoRemote) {
		t.Errorf("got %v", err)
	}
}

// uriParts are those of a URI, as a map can have for a key.
type uriParts struct {
	host string
	port int
	id   string
}

// A hop that is not reached over TCP is not spoken to at all.
func TestDialOtherTransports(t *testing.T) {
	l := msrptest.Listen(t)
	for _, transport := range []string{"ws", "wss", "sctp", "TCPX"} {
		u := testURI(t, strings.Replace(l.URI("x"), ";tcp", ";"+transport, 1))
		_, err := Dial(testCtx(t), Config{Logger: quiet}, SessionConfig{Local: testURI(t, "msrp://127.0.0.1:9/y;tcp"), Remote: Path{u}})
		if !errors.Is(err, ErrTransport) || !strings.Contains(err.Error(), transport) {
			t.Errorf("%s: %v", transport, err)
		}
		_, err = OpenRelay(testCtx(t), Config{Logger: quiet}, RelayConfig{Relay: u, Local: testURI(t, "msrp://127.0.0.1:9/y;tcp")})
		if !errors.Is(err, ErrTransport) {
			t.Errorf("relay over %s: %v", transport, err)
		}
	}
	u := testURI(t, strings.Replace(l.URI("x"), ";tcp", ";TCP", 1))
	go func() { p := l.Accept(); p.Answer(p.Next(), 200, "") }()
	s, err := Dial(testCtx(t), Config{Logger: quiet}, SessionConfig{Local: testURI(t, "msrp://127.0.0.1:9/y;tcp"), Remote: Path{u}})
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
}

// However a session over a relay learns its peer's path, all it sends goes
// through the relay.
func TestRelayPathInAnyOrder(t *testing.T) {
	const usePath = "msrp://127.0.0.1:1/use;tcp msrp://127.0.0.1:2/use;tcp"
	l := msrptest.Listen(t)
	ch := openRelay(t, l, RelayConfig{})
	p := l.Accept()
	answerAuth(p, p.Next(), "200 OK", "Use-Path: "+usePath, "Expires: 600")
	res := next(t, ch)
	if res.err != nil {
		t.Fatal(res.err)
	}
	defer res.r.Close()
	first := Path{testURI(t, "msrp://pr:3/z;tcp"), testURI(t, "msrp://peer:4/them;tcp")}
	second := Path{testURI(t, "msrp://peer:5/moved;tcp")}
	for i, paths := range [][]Path{{first}, {nil, first}, {first, second}, {nil, first, second}, {first, nil, second}} {
		local := testURI(t, "msrp://127.0.0.1:9/"+newID(20)+";tcp")
		s, err := res.r.Accept(SessionConfig{Local: local, Remote: paths[0]})
		if err != nil {
			t.Fatal(err)
		}
		for _, next := range paths[1:] {
			if len(s.Remote()) == 0 {
				if _, err := s.Send(testCtx(t), textMessage("x")); !errors.Is(err, errNoRemote) {
					t.Errorf("%d: sent to nobody: %v", i, err)
				}
			}
			s.SetRemote(next)
		}
		want := paths[len(paths)-1]
		if s.Remote().String() != want.String() {
			t.Errorf("%d: Remote gives %s", i, s.Remote())
		}
		_, ec := sendTo(s, textMessage("x"))
		f := p.Next()
		if f.Get("To-Path") != usePath+" "+want.String() || f.Get("From-Path") != local.String() {
			t.Errorf("%d: got %q", i, f.Header)
		}
		p.Send("MSRP "+f.TID+" 200 OK", "To-Path: "+local.String(), "From-Path: msrp://127.0.0.1:1/use;tcp", "-------"+f.TID+"$")
		if err := next(t, ec); err != nil {
			t.Fatal(err)
		}
		s.Close()
	}
	d, err := dialRelay(t, res.r, p, first, usePath)
	if err != nil {
		t.Fatal(err)
	}
	d.Close()
}

// dialRelay begins a session over a relay, and checks where its SEND goes.
func dialRelay(t *testing.T, r *Relay, p *msrptest.Peer, peer Path, usePath string) (*Session, error) {
	t.Helper()
	type result struct {
		s   *Session
		err error
	}
	ch := make(chan result, 1)
	go func() {
		s, err := r.Dial(testCtx(t), SessionConfig{Local: testURI(t, "msrp://127.0.0.1:9/dialled;tcp"), Remote: peer})
		ch <- result{s, err}
	}()
	f := p.Next()
	if f.Get("To-Path") != usePath+" "+peer.String() {
		t.Errorf("got %q", f.Header)
	}
	p.Answer(f, 200, "OK")
	res := next(t, ch)
	return res.s, res.err
}
