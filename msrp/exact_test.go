package msrp

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand"
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

// "$" says where a message ends, "+" that it does not, whatever Byte-Range
// says, and "#" that it never will.
func TestFlags(t *testing.T) {
	h, ch := collect(1)
	r := newRaw(t, Config{}, SessionConfig{Handler: h})
	r.want(r.send("+", "m1", "1-3/3", str("abc")), 200)
	select {
	case g := <-ch:
		t.Fatalf("taken for whole: %q, %v", g.body, g.err)
	default:
	}
	r.want(r.send("$", "m1", "4-3/3", nil), 200)
	if g := next(t, ch); g.err != nil || string(g.body) != "abc" {
		t.Fatalf("got %q, %v", g.body, g.err)
	}
	r.want(r.send("+", "m2", "1-*/*", str("abc")), 200)
	r.want(r.send("$", "m2", "4-*/*", str("d")), 200)
	if g := next(t, ch); g.err != nil || string(g.body) != "abcd" {
		t.Fatalf("got %q, %v", g.body, g.err)
	}
	r.want(r.send("+", "m3", "1-*/9", str("abc")), 200)
	r.want(r.send("#", "m3", "4-*/9", str("def")), 200)
	if g := next(t, ch); !errors.Is(g.err, ErrAborted) {
		t.Fatalf("got %q, %v", g.body, g.err)
	}
	r.want(r.send("#", "m4", "1-*/9", str("abc")), 200)
	if g := next(t, ch); !errors.Is(g.err, ErrAborted) {
		t.Fatalf("got %q, %v", g.body, g.err)
	}
	// A shorter body than range-end says is what it is, if it is not the last.
	r.want(r.send("+", "m5", "1-5/6", str("abc")), 200)
	r.want(r.send("$", "m5", "4-6/6", str("def")), 200)
	if g := next(t, ch); g.err != nil || string(g.body) != "abcdef" {
		t.Fatalf("got %q, %v", g.body, g.err)
	}
}

// An empty body is a message, no body is none.
func TestEmptyBody(t *testing.T) {
	h, ch := collect(1)
	r := newRaw(t, Config{}, SessionConfig{Handler: h, AcceptTypes: []string{"text/plain"}})
	r.want(r.send("$", "m1", "1-0/0", str(""), "Success-Report: yes"), 200)
	if g := next(t, ch); g.err != nil || len(g.body) != 0 || g.m.ContentType != "text/plain" || g.m.Size != 0 {
		t.Fatalf("got %+v", g)
	}
	if f := r.Next(); f.Method != "REPORT" || f.Get("Byte-Range") != "1-0/0" {
		t.Fatalf("got %+v", f)
	}
	r.want(r.send("$", "m2", "1-0/0", nil), 200)
	// nio-msrp's binding SEND: no CRLF between the blank line and the end-line.
	r.Send("MSRP abcd1234 SEND", "To-Path: "+r.s.Local().String(), "From-Path: "+r.me, "Message-ID: m3",
		"Byte-Range: 1-0/0", "Content-Type: text/plain", "", "-------abcd1234$")
	r.want("abcd1234", 200)
	r.Send("MSRP abcd1235 SEND", "To-Path: "+r.s.Local().String(), "From-Path: "+r.me, "Message-ID: m4",
		"Byte-Range: 1-0/0", "Content-Type: a/b", "", "", "-------abcd1235$")
	r.want("abcd1235", 415)
	select {
	case g := <-ch:
		t.Fatalf("got %+v", g)
	default:
	}

	s, p := sender(t, Config{})
	for _, test := range []struct {
		m    Message
		body bool
	}{
		{Message{}, false},
		{Message{ContentType: "a/b"}, true},
		{Message{ContentType: "a/b", Body: strings.NewReader("")}, true},
		{Message{ContentType: "a/b", Body: strings.NewReader(""), Size: -1}, true},
	} {
		_, ec := sendTo(s, test.m)
		f := p.Next()
		if (f.Body != nil) != test.body || len(f.Body) != 0 || f.Get("Byte-Range") != "1-0/0" || f.Flag != '$' ||
			(f.Get("Content-Type") != "") != test.body {
			t.Errorf("%+v: got %+v", test.m, f)
		}
		p.Answer(f, 200, "OK")
		if err := next(t, ec); err != nil {
			t.Fatal(err)
		}
	}
}

// Chunks of random size, in any order, some of them twice or overlapping:
// the message comes out whole.
func TestChunksInAnyOrder(t *testing.T) {
	rnd := rand.New(rand.NewSource(4975))
	h, ch := collect(1)
	r := newRaw(t, Config{}, SessionConfig{Handler: h})
	for i := range 100 {
		text := strings.Map(func(c rune) rune { return 'a' + c%26 }, string(noise(2+rnd.Intn(58))))
		type piece struct{ from, to int }
		var pieces []piece
		for at := 0; at < len(text); {
			to := min(len(text), at+1+rnd.Intn(10))
			pieces = append(pieces, piece{max(0, at-rnd.Intn(5)), to})
			at = to
		}
		last := pieces[len(pieces)-1]
		for range rnd.Intn(4) {
			if p := pieces[rnd.Intn(len(pieces))]; p.to < len(text) {
				pieces = append(pieces, p)
			}
		}
		rnd.Shuffle(len(pieces), func(i, j int) { pieces[i], pieces[j] = pieces[j], pieces[i] })
		var have int64 // what comes behind the whole would be another message
		for i, p := range pieces {
			have |= int64(1)<<p.to - int64(1)<<p.from
			if have == int64(1)<<len(text)-1 {
				pieces = pieces[:i+1]
				break
			}
		}
		id := fmt.Sprint("m", i)
		open := map[string]bool{}
		for _, p := range pieces {
			flag := "+"
			if p == last {
				flag = "$"
			}
			body := text[p.from:p.to]
			open[r.send(flag, id, fmt.Sprintf("%d-%d/%d", p.from+1, p.to, len(text)), &body)] = true
		}
		for range pieces {
			if f := r.Next(); f.Code != 200 || !open[f.TID] {
				t.Fatalf("%v: got %+v", pieces, f)
			}
		}
		if g := next(t, ch); g.err != nil || string(g.body) != text {
			t.Fatalf("%v: got %q, %v, want %q", pieces, g.body, g.err, text)
		}
	}
}

// Of bytes that come twice the last ones count, as long as the handler has
// not had the first.
func TestLastChunkCounts(t *testing.T) {
	h, ch := collect(1)
	r := newRaw(t, Config{}, SessionConfig{Handler: h})
	r.send("+", "m", "4-6/9", str("xxx"))
	r.send("+", "m", "5-7/9", str("EFG"))
	r.send("+", "m", "1-4/9", str("ABCD"))
	r.send("+", "m", "1-2/9", str("yy")) // too late
	r.send("$", "m", "8-9/9", str("HI"))
	for range 5 {
		if f := r.Next(); f.Code != 200 {
			t.Fatalf("got %+v", f)
		}
	}
	if g := next(t, ch); g.err != nil || string(g.body) != "ABCDEFGHI" {
		t.Fatalf("got %q, %v", g.body, g.err)
	}
}

func TestTinyChunks(t *testing.T) {
	const n = 10000
	h, ch := collect(1)
	r := newRaw(t, Config{}, SessionConfig{Handler: h})
	body := strings.Repeat("0123456789", n/10)
	go func() {
		var b bytes.Buffer
		for i := range n {
			flag := '+'
			if i == n-1 {
				flag = '$'
			}
			fmt.Fprintf(&b, "MSRP t%05d SEND\r\nTo-Path: %s\r\nFrom-Path: %s\r\nMessage-ID: m\r\nByte-Range: %d-%d/%d\r\nContent-Type: a/b\r\n\r\n%c\r\n-------t%05d%c\r\n",
				i, r.s.Local(), r.me, i+1, i+1, n, body[i], i, flag)
		}
		r.Conn.Write(b.Bytes())
	}()
	for range n {
		if f := r.Next(); f.Code != 200 {
			t.Fatalf("got %+v", f)
		}
	}
	if g := next(t, ch); g.err != nil || string(g.body) != body {
		t.Fatalf("got %d bytes, %v", len(g.body), g.err)
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

func TestNickname(t *testing.T) {
	asked := make(chan string, 1)
	r := newRaw(t, Config{}, SessionConfig{Nickname: func(name string) error {
		asked <- name
		switch name {
		case "taken":
			return &StatusError{Code: StatusNicknameInUse}
		case "no":
			return errors.New("no")
		}
		return nil
	}})
	for value, want := range map[string]struct {
		code int
		name string
	}{
		`"Alice the great"`: {200, "Alice the great"},
		`"a\"b\\c"`:         {200, `a"b\c`},
		`""`:                {200, ""},
		`"taken"`:           {425, "taken"},
		`"no"`:              {403, "no"},
		`Alice`:             {424, ""},
		`"Alice`:            {424, ""},
		`"a"b"`:             {424, ""},
		`"a\b"`:             {424, ""},
		`"a\"`:              {424, ""},
		``:                  {424, ""},
	} {
		r.Send("MSRP abcd1234 NICKNAME", "To-Path: "+r.s.Local().String(), "From-Path: "+r.me, "Use-Nickname: "+value, "-------abcd1234$")
		if f := r.Next(); f.Code != want.code {
			t.Errorf("%s: got %+v", value, f)
		}
		if want.code != 424 {
			if got := next(t, asked); got != want.name {
				t.Errorf("%s: asked for %q", value, got)
			}
		}
	}
	s, p := sender(t, Config{})
	ec := make(chan error, 1)
	go func() { ec <- s.Nickname(testCtx(t), `a"b`) }()
	f := p.Next()
	if f.Method != "NICKNAME" || f.Get("Use-Nickname") != `"a\"b"` {
		t.Fatalf("got %+v", f)
	}
	p.Answer(f, 425, "In Use")
	var se *StatusError
	if err := next(t, ec); !errors.As(err, &se) || se.Code != 425 {
		t.Fatalf("got %v", err)
	}
	if err := s.Nickname(testCtx(t), "a\r\nb"); err == nil {
		t.Fatal("a line end was taken")
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

// What the peer's SDP does not take is not sent.
func TestPeerAcceptTypes(t *testing.T) {
	s, p := senderWith(t, Config{}, SessionConfig{PeerAcceptTypes: []string{"text/*", "message/cpim"}, PeerMaxSize: 5})
	for _, m := range []Message{
		{ContentType: "image/png", Body: strings.NewReader("x"), Size: 1},
		textMessage("longer"),
	} {
		var se *StatusError
		if _, err := s.Send(testCtx(t), m); !errors.As(err, &se) || se.Code != 415 && se.Code != 413 {
			t.Errorf("got %v", err)
		}
	}
	p.Quiet(10 * time.Millisecond)
	_, ec := sendTo(s, Message{ContentType: "TEXT/html;charset=utf-8", Body: strings.NewReader("x"), Size: 1})
	p.Answer(p.Next(), 200, "OK")
	if err := next(t, ec); err != nil {
		t.Fatal(err)
	}
	m := &Media{AcceptTypes: []string{"message/cpim", "text/plain;format=flowed"}, AcceptWrappedTypes: []string{"image/*"}}
	for ct, want := range map[string][2]bool{
		"message/cpim":              {true, true},
		"text/plain; charset=utf-8": {true, true},
		"image/png":                 {false, true},
		"video/mp4":                 {false, false},
		"":                          {false, false},
	} {
		if m.Accepts(ct) != want[0] || m.AcceptsWrapped(ct) != want[1] {
			t.Errorf("%q: %v %v", ct, m.Accepts(ct), m.AcceptsWrapped(ct))
		}
	}
	if (&Media{AcceptTypes: []string{"text/plain"}}).AcceptsWrapped("image/png") {
		t.Error("nothing said about wrapped types takes all")
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

// What is not a person's message is known by its type, wrapped or not.
func TestTypes(t *testing.T) {
	h := func(_ context.Context, m *Incoming) error {
		if !IsType(m.ContentType, TypeCPIM) {
			return fmt.Errorf("not %s", TypeCPIM)
		}
		c, err := ReadCPIM(m)
		if err != nil {
			return err
		}
		if !c.IsNotification() {
			return errors.New("not a notification")
		}
		return nil
	}
	p := newPair(t, withHandler(h))
	for ct, want := range map[string]bool{
		TypeComposing: true, "Message/IMDN+xml; charset=UTF-8": true, "text/plain": false,
	} {
		c := &CPIM{Header: Header{{"From", "<sip:a@b>"}, {"To", "<sip:c@d>"}}, Content: Header{{"Content-Type", ct}},
			Body: strings.NewReader("<x/>")}
		body, err := c.Reader()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.a.Send(testCtx(t), Message{ContentType: TypeCPIM, Body: body, Size: -1}); (err == nil) != want {
			t.Errorf("%s: %v", ct, err)
		}
	}
}
