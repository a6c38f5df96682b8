package msrp

import (
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/gomscp/gomscp/msrp/msrptest"
)

// Only the whole URI of the session will do, on the connection it is bound to.
func TestWrongPaths(t *testing.T) {
	h, ch := collect(3)
	r := newRaw(t, Config{}, SessionConfig{Handler: h})
	own := r.s.Local()
	other, err := r.l.Accept(SessionConfig{Local: r.l.NewURI(""), Remote: Path{own}})
	if err != nil {
		t.Fatal(err)
	}
	send := func(method, to string) *msrptest.Frame {
		r.Send("MSRP abcd1234 "+method, "To-Path: "+to, "From-Path: "+r.me, "Message-ID: m", "Byte-Range: 1-1/1",
			"Content-Type: a/b", "", "x", "-------abcd1234$")
		return r.Next()
	}
	change := func(f func(u *URI)) string { u := own; f(&u); return u.String() }
	for name, to := range map[string]string{
		"session-id": change(func(u *URI) { u.SessionID += "x" }),
		"case":       change(func(u *URI) { u.SessionID = strings.ToUpper(u.SessionID) }),
		"none":       change(func(u *URI) { u.SessionID = "" }),
		"host":       change(func(u *URI) { u.Host = "127.0.0.2" }),
		"port":       change(func(u *URI) { u.Port++ }),
		"no port":    change(func(u *URI) { u.Port = 0 }),
		"scheme":     change(func(u *URI) { u.Secure = true }),
		"transport":  change(func(u *URI) { u.Transport = "sctp" }),
		"two URIs":   own.String() + " " + r.me,
		"relayed":    r.me + " " + own.String(),
	} {
		if f := send("SEND", to); f.Code != 481 {
			t.Errorf("%s: got %d before it was bound", name, f.Code)
		}
		// The session comes first, the method after it.
		if f := send("NICKNAME", to); f.Code != 481 {
			t.Errorf("%s: got %d to another method", name, f.Code)
		}
	}
	select {
	case <-r.s.Bound():
		t.Fatal("a wrong path has bound the session")
	default:
	}
	if f := send("SEND", own.String()); f.Code != 200 {
		t.Fatalf("got %+v", f)
	}
	next(t, ch)
	if f := send("SEND", change(func(u *URI) { u.Port++ })); f.Code != 481 {
		t.Fatalf("got %+v", f)
	}
	// What compares equal is the same session.
	u := own
	u.User, u.Params, u.Transport = "bob", []string{"x=y"}, "TCP"
	if f := send("SEND", u.String()); f.Code != 200 {
		t.Fatalf("got %+v", f)
	}
	next(t, ch)
	// A session of this listener that is bound elsewhere.
	p := msrptest.Dial(t, r.l.Addr().String())
	p.Send("MSRP abcd1235 SEND", "To-Path: "+other.Local().String(), "From-Path: "+r.me, "Message-ID: b", "-------abcd1235$")
	if f := p.Next(); f.Code != 200 {
		t.Fatalf("got %+v", f)
	}
	if f := send("SEND", other.Local().String()); f.Code != 506 {
		t.Fatalf("got %+v", f)
	}
}

// The response to a SEND goes one hop back, to any other request all the way.
func TestResponsePaths(t *testing.T) {
	r := newRaw(t, Config{}, SessionConfig{})
	from := "msrp://r:1/x;tcp " + r.me
	for method, to := range map[string]string{"SEND": "msrp://r:1/x;tcp", "ABC": from} {
		r.Send("MSRP abcd1234 "+method, "To-Path: "+r.s.Local().String(), "From-Path: "+from, "Message-ID: m", "-------abcd1234$")
		if f := r.Next(); f.TID != "abcd1234" || f.Get("To-Path") != to || f.Get("From-Path") != r.s.Local().String() || f.Flag != '$' {
			t.Errorf("%s: got %+v", method, f)
		}
	}
}

// Every status a receiver or sender gives, and what for.
func TestStatuses(t *testing.T) {
	h, ch := collect(9)
	r := newRaw(t, Config{}, SessionConfig{MaxSize: 5, AcceptTypes: []string{"text/plain"}, Handler: h})
	r.want(r.send("$", "m", "1-1/1", str("x")), 200)
	next(t, ch)
	r.want(r.send("$", "m", "5-1/3", str("x")), 400)
	r.want(r.send("$", "m", "1-6/6", str("abcdef")), 413)
	r.Send("MSRP tid1 SEND", "To-Path: "+r.s.Local().String(), "From-Path: "+r.me, "Message-ID: m", "Content-Type: a/b", "", "x", "-------tid1$")
	r.want("tid1", 415)
	r.Send("MSRP tid2 BREW", "To-Path: "+r.s.Local().String(), "From-Path: "+r.me, "-------tid2$")
	r.want("tid2", 501)
	// 481 and 506: TestWrongPaths. 403 is the handler's, TestRefusals.
	for code, want := range map[int]error{408: ErrNoResponse, 481: nil, 403: nil} {
		s, p := sender(t, Config{})
		_, ec := sendTo(s, textMessage("x"))
		p.Answer(p.Next(), code, "")
		err := next(t, ec)
		var se *StatusError
		if !errors.As(err, &se) || se.Code != code || errors.Is(err, ErrNoResponse) != (want != nil) {
			t.Errorf("%d: got %v", code, err)
		}
	}
}

// The passive side says nothing before it knows who is there.
func TestPassiveWaits(t *testing.T) {
	r := newRaw(t, Config{}, SessionConfig{})
	_, ec := sendTo(r.s, textMessage("hello"))
	r.Quiet(20 * time.Millisecond)
	r.want(r.send("$", "bind", "1-0/0", nil), 200)
	f := r.Next()
	if f.Method != "SEND" || string(f.Body) != "hello" {
		t.Fatalf("got %+v", f)
	}
	r.Answer(f, 200, "OK")
	if err := next(t, ec); err != nil {
		t.Fatal(err)
	}
}

func TestDialByName(t *testing.T) {
	l := testListener(t, Config{})
	b, err := l.Accept(SessionConfig{Local: l.NewURI("localhost")})
	if err != nil {
		t.Fatal(err)
	}
	a, err := Dial(testCtx(t), Config{Logger: quiet}, SessionConfig{Local: l.NewURI(""), Remote: Path{b.Local()}})
	if err != nil {
		t.Fatal(err)
	}
	if port := a.RemoteAddr().(*net.TCPAddr).Port; port != b.Local().Port {
		t.Fatal(port)
	}
	a.Close()
}

func TestMessageIDs(t *testing.T) {
	seen := map[string]bool{}
	var ids []string
	s, p := sender(t, Config{})
	for range 20 {
		rc, ec := sendTo(s, textMessage("x"))
		f := p.Next()
		p.Answer(f, 200, "OK")
		if err := next(t, ec); err != nil {
			t.Fatal(err)
		}
		if id := (<-rc).MessageID(); id != f.Get("Message-ID") {
			t.Fatal(id)
		}
		ids = append(ids, f.Get("Message-ID"))
	}
	for _, id := range ids {
		if len(id)*5 < 64 || !validIdent(id) || seen[id] {
			t.Fatal(ids)
		}
		seen[id] = true
	}
}

// Empty SENDs at any time keep the connection alive and touch nothing else.
func TestKeepAlive(t *testing.T) {
	h, ch := collect(1)
	r := newRaw(t, Config{}, SessionConfig{Handler: h})
	r.want(r.send("+", "m", "1-3/6", str("abc")), 200)
	r.want(r.send("$", "ka1", "", nil, "Keep-Alive: yes"), 200)
	r.want(r.send("$", "ka2", "1-0/0", nil), 200)
	r.want(r.send("$", "m", "4-6/6", str("def")), 200)
	if g := next(t, ch); g.err != nil || string(g.body) != "abcdef" {
		t.Fatalf("got %q, %v", g.body, g.err)
	}
	s, p := sender(t, Config{})
	_, ec := sendTo(s, Message{})
	f := p.Next()
	if f.Body != nil || f.Get("Content-Type") != "" {
		t.Fatalf("got %+v", f)
	}
	p.Answer(f, 200, "OK")
	if err := next(t, ec); err != nil {
		t.Fatal(err)
	}
}

// A Content-Type is known by its type alone.
func TestIsType(t *testing.T) {
	for ct, want := range map[string]bool{
		TypeIMDN: true, "Message/IMDN+xml; charset=UTF-8": true, " message/imdn+xml ;x": true, "text/plain": false, "message/imdn": false, "": false,
	} {
		if IsType(ct, TypeIMDN) != want {
			t.Errorf("%q: not %v", ct, want)
		}
	}
}
