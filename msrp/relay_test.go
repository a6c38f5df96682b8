package msrp

import (
	"crypto/md5"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/gomscp/gomscp/msrp/msrptest"
)

// The example of RFC 2617, section 3.5, adapted: the same formula with AUTH.
func TestDigest(t *testing.T) {
	c, err := parseChallenge(`Digest realm="intra.example.com", qop="auth,auth-int", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc069c403ebaf9f0171e9517f40e41", x="a\"b"`)
	if err != nil {
		t.Fatal(err)
	}
	uri := "msrps://intra.example.com:9000/;tcp"
	got := c.authorization("Alice", "pw", uri, "0a4f113b", false)
	sum := func(s string) string { return fmt.Sprintf("%x", md5.Sum([]byte(s))) }
	want := sum(sum("Alice:intra.example.com:pw") + ":dcd98b7102dd2f0e8b11d0f600bfb0c093:00000001:0a4f113b:auth:" + sum("AUTH:"+uri))
	if !strings.Contains(got, `response="`+want+`"`) || strings.Contains(got, "uri=") || !strings.Contains(got, "nc=00000001,") ||
		!strings.Contains(got, `opaque="5ccc069c403ebaf9f0171e9517f40e41"`) {
		t.Fatalf("got %s", got)
	}
	if got := c.authorization(`A"l`, "pw", uri, "x", true); !strings.Contains(got, `username="A\"l"`) ||
		!strings.Contains(got, "nc=00000002") || !strings.Contains(got, `uri="`+uri+`"`) {
		t.Fatalf("got %s", got)
	}
	for _, s := range []string{"", "Basic realm=x", "Digest realm=x", `Digest nonce="x`, `Digest nonce="x\`, "Digest =x",
		`Digest nonce=x, qop="auth-int"`, "Digest nonce=x, algorithm=MD4"} {
		if _, err := parseChallenge(s); err == nil {
			t.Errorf("%q taken", s)
		}
	}
}

type relayResult struct {
	r   *Relay
	err error
}

func openRelay(t *testing.T, l *msrptest.Listener, rc RelayConfig) chan relayResult {
	rc.Relay = testURI(t, fmt.Sprintf("msrp://127.0.0.1:%d;tcp", l.Port()))
	if rc.Local.Host == "" {
		rc.Local = testURI(t, "msrp://127.0.0.1:9/us;tcp")
	}
	ch := make(chan relayResult, 1)
	go func() {
		r, err := OpenRelay(testCtx(t), Config{Logger: quiet}, rc)
		ch <- relayResult{r, err}
	}()
	return ch
}

func answerAuth(p *msrptest.Peer, f *msrptest.Frame, line string, headers ...string) {
	lines := append([]string{"MSRP " + f.TID + " " + line, "To-Path: " + f.Get("From-Path"), "From-Path: " + f.Get("To-Path")}, headers...)
	p.Send(append(lines, "-------"+f.TID+"$")...)
}

const testChallenge = `WWW-Authenticate: Digest realm="r", nonce="n%d", qop="auth"`

func TestRelay(t *testing.T) {
	l := msrptest.Listen(t)
	ch := openRelay(t, l, RelayConfig{Username: "u", Password: "p"})
	p := l.Accept()
	f := p.Next()
	if f.Method != "AUTH" || f.Get("Authorization") != "" || f.Get("From-Path") != "msrp://127.0.0.1:9/us;tcp" {
		t.Fatalf("got %+v", f)
	}
	answerAuth(p, f, "401 Unauthorized", fmt.Sprintf(testChallenge, 1))
	f = p.Next()
	if a := f.Get("Authorization"); !strings.Contains(a, `nonce="n1"`) || strings.Contains(a, "uri=") {
		t.Fatalf("got %+v", f)
	}
	answerAuth(p, f, "401 Unauthorized", fmt.Sprintf(testChallenge, 2)) // one that wants the uri
	f = p.Next()
	if a := f.Get("Authorization"); !strings.Contains(a, `nonce="n2"`) || !strings.Contains(a, "uri=") {
		t.Fatalf("got %+v", f)
	}
	answerAuth(p, f, "200 OK", "Use-Path: msrp://r2:1/x;tcp msrp://r1:2/y;tcp", "Expires: 2")
	res := next(t, ch)
	if res.err != nil {
		t.Fatal(res.err)
	}
	defer res.r.Close()
	if got := res.r.Path().String(); got != "msrp://r1:2/y;tcp msrp://r2:1/x;tcp msrp://127.0.0.1:9/us;tcp" {
		t.Fatal(got)
	}

	// A session that the peer begins.
	h, msgs := collect(1)
	peer := Path{testURI(t, "msrp://pr:3/z;tcp"), testURI(t, "msrp://peer:4/them;tcp")}
	s, err := res.r.Accept(SessionConfig{Remote: peer, Handler: h})
	if err != nil {
		t.Fatal(err)
	}
	p.Send("MSRP abcd SEND", "To-Path: msrp://127.0.0.1:9/us;tcp", "From-Path: msrp://r1:2/y;tcp "+peer.String(),
		"Message-ID: m1", "Success-Report: yes", "Byte-Range: 1-5/5", "Content-Type: a/b", "", "hello", "-------abcd$")
	if f = p.Next(); f.Code != 200 || f.Get("To-Path") != "msrp://r1:2/y;tcp" {
		t.Fatalf("got %+v", f)
	}
	if f = p.Next(); f.Method != "REPORT" || f.Get("To-Path") != "msrp://r1:2/y;tcp "+peer.String() {
		t.Fatalf("got %+v", f)
	}
	next(t, msgs)

	// One that we begin, and the refreshing AUTH in between.
	sc := SessionConfig{Local: testURI(t, "msrp://127.0.0.1:9/second;tcp"), Remote: peer}
	dialled := make(chan error, 1)
	go func() {
		_, err := res.r.Dial(testCtx(t), sc)
		dialled <- err
	}()
	for seen := map[string]bool{}; !seen["AUTH"] || !seen["SEND"]; {
		f = p.Next()
		seen[f.Method] = true
		switch f.Method {
		case "SEND":
			if f.Get("To-Path") != "msrp://r2:1/x;tcp msrp://r1:2/y;tcp "+peer.String() ||
				f.Get("From-Path") != "msrp://127.0.0.1:9/second;tcp" {
				t.Fatalf("got %+v", f)
			}
			p.Answer(f, 200, "OK")
		case "AUTH":
			if !strings.Contains(f.Get("Authorization"), "nc=00000002") {
				t.Fatalf("got %+v", f)
			}
			answerAuth(p, f, "200 OK", "Use-Path: msrp://r2:1/x;tcp msrp://r1:2/y;tcp", "Expires: 3600")
		}
	}
	if err := next(t, dialled); err != nil {
		t.Fatal(err)
	}
	s.Close()
	res.r.Close()
	p.Closed()
}

func TestRelayRefuses(t *testing.T) {
	for _, test := range []struct {
		name   string
		user   string
		answer func(p *msrptest.Peer, i int, f *msrptest.Frame)
		code   int
	}{
		{"wrong password", "u", func(p *msrptest.Peer, i int, f *msrptest.Frame) {
			answerAuth(p, f, "401 Unauthorized", fmt.Sprintf(testChallenge, i))
		}, 401},
		{"no password", "", func(p *msrptest.Peer, i int, f *msrptest.Frame) {
			answerAuth(p, f, "401 Unauthorized", fmt.Sprintf(testChallenge, i))
		}, 401},
		{"forbidden", "u", func(p *msrptest.Peer, _ int, f *msrptest.Frame) { answerAuth(p, f, "403 Forbidden") }, 403},
		{"bad Use-Path", "u", func(p *msrptest.Peer, _ int, f *msrptest.Frame) { answerAuth(p, f, "200 OK", "Use-Path: x") }, 0},
		{"out of bounds", "u", func(p *msrptest.Peer, i int, f *msrptest.Frame) {
			if i > 0 && f.Get("Expires") != "60" {
				t.Errorf("Expires %q", f.Get("Expires"))
			}
			answerAuth(p, f, "423 Out Of Bounds", "Min-Expires: 60")
		}, 423},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := msrptest.Listen(t)
			ch := openRelay(t, l, RelayConfig{Username: test.user, Password: "p"})
			p := l.Accept()
			for i := 0; ; i++ {
				f := p.Next()
				test.answer(p, i, f)
				if i == relayTries-1 || test.code == 403 || test.code == 0 || test.user == "" || test.code == 401 && i == 2 {
					break
				}
			}
			res := next(t, ch)
			var se *StatusError
			if res.err == nil || test.code != 0 && (!errors.As(res.err, &se) || se.Code != test.code) {
				t.Fatalf("got %v", res.err)
			}
			p.Closed()
		})
	}
}

// A relay that does not refresh the authorization loses its sessions.
func TestRelayStopsGoingOn(t *testing.T) {
	l := msrptest.Listen(t)
	ch := openRelay(t, l, RelayConfig{})
	p := l.Accept()
	answerAuth(p, p.Next(), "200 OK", "Use-Path: msrp://r:1/x;tcp", "Expires: 1")
	res := next(t, ch)
	if res.err != nil {
		t.Fatal(res.err)
	}
	defer res.r.Close()
	s, err := res.r.Accept(SessionConfig{Remote: Path{testURI(t, "msrp://peer:4/them;tcp")}})
	if err != nil {
		t.Fatal(err)
	}
	answerAuth(p, p.Next(), "403 Forbidden")
	<-s.Done()
	<-res.r.Done()
	if !errors.Is(s.Err(), ErrConnectionLost) {
		t.Fatalf("got %v", s.Err())
	}
	if _, err := res.r.Dial(testCtx(t), SessionConfig{Remote: s.Remote()}); err == nil {
		t.Fatal("a session over a dead relay")
	}
}
