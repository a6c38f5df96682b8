package msrp

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/gomscp/gomscp/msrp/msrptest"
)

func TestTransactionIDs(t *testing.T) {
	seen := map[string]bool{}
	for range 10000 {
		id := newTransactionID()
		if len(id)*5 < 64 || !validIdent(id) || len(id) > 32 || seen[id] {
			t.Fatal(id)
		}
		seen[id] = true
	}
	// An id that occurs in the chunk is not taken.
	body := []byte("xx aaaa xx bbbb")
	ids := []string{"aaaa", "bbbb", "cccc", "dddd"}
	got := transactionIDFor(body, func() string {
		id := ids[0]
		ids = ids[1:]
		return id
	})
	if got != "cccc" {
		t.Fatal(got)
	}
}

func TestNewURI(t *testing.T) {
	l := testListener(t, Config{})
	seen := map[string]bool{}
	for range 1000 {
		u := l.NewURI("")
		if len(u.SessionID)*5 < 80 || seen[u.SessionID] {
			t.Fatal(u)
		}
		seen[u.SessionID] = true
		if v, err := ParseURI(u.String()); err != nil || !v.Equal(u) {
			t.Fatal(u, v, err)
		}
	}
	u := l.NewURI("media.example.com")
	if u.Host != "media.example.com" || u.Port != l.Addr().(*net.TCPAddr).Port || u.Secure {
		t.Fatal(u)
	}
	all, err := Listen("0.0.0.0:0", Config{Logger: quiet})
	if err != nil {
		t.Skip(err)
	}
	defer all.Close()
	if u := all.NewURI(""); u.Host != "127.0.0.1" {
		t.Fatal(u)
	}
}

func TestHeaderOrder(t *testing.T) {
	h, _ := collect(1)
	r := newRaw(t, Config{}, SessionConfig{Handler: h})
	r.send("$", "m", "1-1/1", str("x"), "Success-Report: yes")
	first := func(f *msrptest.Frame) {
		t.Helper()
		if !strings.HasPrefix(f.Header[0], "To-Path: ") || !strings.HasPrefix(f.Header[1], "From-Path: ") {
			t.Fatalf("got %+v", f)
		}
	}
	first(r.Next())
	first(r.Next())
	go r.s.Send(testCtx(t), textMessage("x"))
	f := r.Next()
	first(f)
	if last := f.Header[len(f.Header)-1]; last != "Content-Type: text/plain" {
		t.Fatal(last)
	}
	r.Answer(f, 200, "")
}

func TestRawResponseTimeoutIsDefault(t *testing.T) {
	cfg, err := Config{}.withDefaults()
	if err != nil || cfg.ResponseTimeout != 30*time.Second || cfg.UnboundTimeout != 30*time.Second {
		t.Fatalf("got %+v, %v", cfg, err)
	}
	for _, bad := range []Config{{Window: -1}, {ResponseTimeout: -1}, {ChunkSize: -1}, {ChunkSize: MaxChunkSize + 1}} {
		if _, err := bad.withDefaults(); err == nil {
			t.Errorf("%+v taken", bad)
		}
	}
}

func TestSendChecks(t *testing.T) {
	p := newPair(t)
	for name, m := range map[string]Message{
		"no type":        {Body: bytes.NewReader([]byte("x")), Size: 1},
		"no body":        {ContentType: "a/b", Size: 5},
		"bad id":         {MessageID: "a b"},
		"own header":     {Header: Header{{"byte-RANGE", "x"}}},
		"bad header":     {Header: Header{{"a b", "x"}}},
		"no header name": {Header: Header{{"", "x"}}},
	} {
		if _, err := p.a.Send(testCtx(t), m); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	h, ch := collect(1)
	q := newPair(t, withHandler(h))
	m := textMessage("x")
	m.Header = Header{{"X-Evil", "a\r\nTo-Path: b"}}
	if _, err := q.a.Send(testCtx(t), m); err != nil {
		t.Fatal(err)
	}
	if g := next(t, ch); g.m.Header.Get("x-evil") != "a  To-Path: b" {
		t.Fatalf("got %q", g.m.Header)
	}
	for _, sc := range []SessionConfig{{}, {Remote: q.a.Remote()}} {
		if _, err := q.l.Accept(sc); err == nil {
			t.Errorf("%+v taken", sc)
		}
	}
	sc := SessionConfig{Local: q.l.NewURI(""), Remote: q.a.Remote()}
	if _, err := q.l.Accept(sc); err != nil {
		t.Fatal(err)
	}
	if _, err := q.l.Accept(sc); err == nil {
		t.Error("a session-id twice")
	}
	late, err := q.l.Accept(SessionConfig{Local: q.l.NewURI("")})
	if err != nil {
		t.Fatal(err)
	}
	d, err := Dial(testCtx(t), Config{Logger: quiet}, SessionConfig{Local: q.l.NewURI(""), Remote: Path{late.Local()}, Handler: discard})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if _, err := late.Send(testCtx(t), textMessage("x")); err == nil {
		t.Error("sent to nowhere")
	}
	late.SetRemote(Path{d.Local()})
	if _, err := late.Send(testCtx(t), textMessage("x")); err != nil {
		t.Error(err)
	}
	one := testListener(t, Config{MaxSessions: 1})
	sc.Local = one.NewURI("")
	if _, err := one.Accept(sc); err != nil {
		t.Fatal(err)
	}
	sc.Local = one.NewURI("")
	if _, err := one.Accept(sc); !errors.Is(err, ErrTooMany) {
		t.Errorf("got %v", err)
	}
}

func TestTrace(t *testing.T) {
	events := make(chan TraceEvent, 100)
	h, ch := collect(1)
	p := newPair(t, withHandler(h), func(a, _ *Config, _, _ *SessionConfig) {
		a.TraceBody = 4
		a.Trace = func(e TraceEvent) { events <- e }
	})
	if _, err := p.a.Send(testCtx(t), textMessage("hello")); err != nil {
		t.Fatal(err)
	}
	next(t, ch)
	var got []string
	for range 4 {
		e := next(t, events)
		if e.Remote.String() != p.l.Addr().String() || e.Time.IsZero() {
			t.Fatalf("got %+v", e)
		}
		line, _, _ := strings.Cut(string(e.Raw), "\r\n")
		got = append(got, line[len("MSRP ")+transactionSize:])
		switch len(got) {
		case 1, 2, 4:
			if len(e.Raw) != e.Size || !bytes.HasSuffix(e.Raw, []byte("$\r\n")) {
				t.Fatalf("size %d of %q", e.Size, e.Raw)
			}
		case 3:
			if !bytes.HasSuffix(e.Raw, []byte("\r\n\r\nhell")) || e.Size != len(e.Raw)+1+2+len(dashes)+transactionSize+3 {
				t.Fatalf("size %d of %q", e.Size, e.Raw)
			}
		}
	}
	if s := strings.Join(got, "|"); s != " SEND| 200 OK| SEND| 200 OK" {
		t.Fatal(s)
	}
}

func TestPipeShrinksInACrowd(t *testing.T) {
	c := &Config{PipeSize: 64 << 10}
	for handlers, want := range map[int]int{1: 64 << 10, 16: 64 << 10, 32: 32 << 10, 256: 4 << 10, 10000: 4 << 10} {
		if got := c.pipe(handlers); got != want {
			t.Errorf("%d: %d, want %d", handlers, got, want)
		}
	}
	if got := (&Config{PipeSize: 100}).pipe(1000); got != 100 {
		t.Error(got)
	}
	// Handlers that read nothing hold so much and no more, and what is
	// refused after them leaves the session alive.
	stop := make(chan bool)
	r := newRaw(t, Config{HandlerTimeout: 20 * time.Millisecond, MaxHandlers: 64}, SessionConfig{
		Handler: func(context.Context, *Incoming) error { <-stop; return nil }})
	body := strings.Repeat("x", 20000)
	refused := 0
	for i := range 64 {
		r.send("$", fmt.Sprint("m", i), "1-20000/20000", &body, "Failure-Report: partial")
	}
	ping := r.send("$", "ping", "", nil)
	for {
		f := r.Next()
		if f.TID == ping {
			break
		}
		if f.Code == 413 {
			refused++
		}
	}
	if refused == 0 {
		t.Error("all was held")
	}
	close(stop)
}
