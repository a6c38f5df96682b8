package msrp

import (
	"context"
	"crypto/tls"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gomscp/gomscp/internal/simnet"
	"github.com/gomscp/gomscp/internal/testutil"
	"github.com/gomscp/gomscp/msrp/msrptest"
)

// early is a listener over TLS with a session whose peer's SDP has not come, in a network
// in memory.
type early struct {
	t       *testing.T
	l       *Listener
	s       *Session
	peer    *simnet.Host
	asked   atomic.Int32 // calls of the handler, and names that were asked for
	right   tls.Certificate
	wrong   tls.Certificate
	handler Handler
}

func newEarly(t *testing.T, handler Handler) *early {
	e := &early{t: t, right: testutil.SelfSigned(t), wrong: testutil.SelfSigned(t), handler: handler}
	network := simnet.New()
	here := network.Host("10.0.0.1")
	e.peer = network.Host("10.0.0.2")
	var err error
	e.l, err = Listen("10.0.0.1:0", Config{
		Logger: quiet, Listen: here.Listen, TLS: &tls.Config{Certificates: []tls.Certificate{testutil.SelfSigned(t)}},
		UnboundTimeout: time.Minute,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.l.Close() })
	e.s, err = e.l.Accept(SessionConfig{
		Local: e.l.NewURI(""), AwaitFingerprints: true,
		Handler: func(ctx context.Context, m *Incoming) error {
			e.asked.Add(1)
			return e.handler(ctx, m)
		},
		Nickname: func(string) error { e.asked.Add(1); return nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// dial connects with a certificate.
func (e *early) dial(cert tls.Certificate) *msrptest.Peer {
	e.t.Helper()
	nc, err := e.peer.DialContext(e.t.Context(), "tcp", e.l.Addr().String())
	if err != nil {
		e.t.Fatal(err)
	}
	return msrptest.New(e.t, tls.Client(nc, &tls.Config{InsecureSkipVerify: true, Certificates: []tls.Certificate{cert}}))
}

// outrun sends all that a peer may send before its answer is there.
func (e *early) outrun(p *msrptest.Peer) {
	e.t.Helper()
	paths := []string{"To-Path: " + e.s.Local().String(), "From-Path: msrps://10.0.0.2:9/peer;tcp"}
	for _, lines := range [][]string{
		{"MSRP bind SEND", "Message-ID: 1", "Byte-Range: 1-0/0", "-------bind$"},
		{"MSRP nick NICKNAME", `Use-Nickname: "Joe"`, "-------nick$"},
		{"MSRP text SEND", "Message-ID: 2", "Byte-Range: 1-5/5", "Content-Type: text/plain", "", "hello", "-------text$"},
	} {
		p.Write(strings.Join(append(append([]string{lines[0]}, paths...), lines[1:]...), "\r\n") + "\r\n")
	}
}

func (e *early) nothingYet() {
	e.t.Helper()
	synctest.Wait()
	select {
	case <-e.s.Bound():
		e.t.Fatal("the session is bound")
	default:
	}
	if n := e.asked.Load(); n != 0 {
		e.t.Fatalf("%d requests have reached the application", n)
	}
}

func (e *early) answer(cert tls.Certificate) {
	e.t.Helper()
	prints, err := Fingerprints(cert)
	if err != nil {
		e.t.Fatal(err)
	}
	if err := e.s.SetFingerprints(prints); err != nil {
		e.t.Fatal(err)
	}
}

// closes waits until the other side has closed, whatever it says before.
func (e *early) closes(p *msrptest.Peer) {
	e.t.Helper()
	p.Conn.SetReadDeadline(time.Now().Add(msrptest.Timeout))
	if _, err := io.Copy(io.Discard, p.Conn); err != nil {
		e.t.Errorf("the connection is not closed: %v", err)
	}
}

func wantCodes(t *testing.T, p *msrptest.Peer, codes map[string]int) {
	t.Helper()
	for range codes {
		if f := p.Next(); f.Code != codes[f.TID] {
			t.Fatalf("%s: %d %s", f.TID, f.Code, f.Comment)
		}
	}
}

// TestNothingBeforeFingerprints: a connection may outrun the answer that says whose it is.
// What comes on it waits, and then has its effect or none.
func TestNothingBeforeFingerprints(t *testing.T) {
	read := func(_ context.Context, m *Incoming) error {
		_, err := io.Copy(io.Discard, m)
		return err
	}
	all := map[string]int{"bind": 200, "nick": 200, "text": 200}
	for name, test := range map[string]func(*early){
		"right": func(e *early) {
			p := e.dial(e.right)
			e.outrun(p)
			e.nothingYet()
			time.Sleep(10 * time.Second)
			e.nothingYet()
			e.answer(e.right)
			wantCodes(e.t, p, all)
			<-e.s.Bound()
			if n := e.asked.Load(); n != 2 {
				e.t.Errorf("the application has %d requests", n)
			}
		},
		"no fingerprint in the answer": func(e *early) {
			p := e.dial(e.right)
			e.outrun(p)
			e.nothingYet()
			if err := e.s.SetFingerprints(nil); err != nil {
				e.t.Fatal(err)
			}
			wantCodes(e.t, p, all)
		},
		"wrong, then right": func(e *early) {
			p, q := e.dial(e.wrong), e.dial(e.right)
			e.outrun(p)
			e.nothingYet()
			e.outrun(q)
			e.nothingYet()
			e.answer(e.right)
			wantCodes(e.t, p, map[string]int{"bind": 403})
			e.closes(p)
			wantCodes(e.t, q, all)
		},
		"wrong, behind a relay": func(e *early) {
			p := e.dial(e.wrong)
			e.outrun(p)
			e.nothingYet()
			e.s.SetRemote(Path{testURI(e.t, "msrps://relay.example:9/r;tcp"), testURI(e.t, "msrps://10.0.0.2:9/peer;tcp")})
			e.answer(e.right)
			wantCodes(e.t, p, all)
		},
		"too late": func(e *early) {
			p := e.dial(e.right)
			began := time.Now()
			e.outrun(p)
			time.Sleep(15 * time.Second)
			if f := p.Next(); f.Code != StatusTimeout {
				e.t.Fatalf("%d %s", f.Code, f.Comment)
			}
			if d := time.Since(began); d != DefaultHandlerTimeout {
				e.t.Errorf("answered after %v", d)
			}
			e.nothingYet()
			e.closes(p)
			again := e.dial(e.right)
			e.outrun(again)
			if f := again.Next(); f.Code != StatusTimeout || time.Since(began) > DefaultHandlerTimeout+time.Second {
				e.t.Errorf("%d after %v", f.Code, time.Since(began))
			}
			e.answer(e.right)
			last := e.dial(e.right)
			e.outrun(last)
			wantCodes(e.t, last, all)
		},
		"session closed": func(e *early) {
			p := e.dial(e.right)
			e.outrun(p)
			e.nothingYet()
			e.s.Close()
			wantCodes(e.t, p, map[string]int{"bind": 481, "nick": 481, "text": 481})
		},
		"listener closed": func(e *early) {
			p := e.dial(e.right)
			e.outrun(p)
			e.nothingYet()
			e.l.Close()
			p.Closed()
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { test(newEarly(t, read)) })
		})
	}
}

// The wait for the answer is a part of the time in which a message is answered.
func TestWaitForFingerprintsCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stuck := make(chan struct{})
		defer close(stuck)
		e := newEarly(t, func(context.Context, *Incoming) error { <-stuck; return nil })
		p := e.dial(e.right)
		began := time.Now()
		p.Write("MSRP text SEND\r\nTo-Path: " + e.s.Local().String() + "\r\nFrom-Path: msrps://10.0.0.2:9/peer;tcp\r\n" +
			"Message-ID: 2\r\nByte-Range: 1-5/5\r\nContent-Type: text/plain\r\n\r\nhello\r\n-------text$\r\n")
		time.Sleep(15 * time.Second)
		e.answer(e.right)
		time.Sleep(5 * time.Second)
		f := p.Next()
		if f.Code != StatusTimeout {
			t.Fatalf("%d %s", f.Code, f.Comment)
		}
		if d := time.Since(began); d > 25*time.Second {
			t.Errorf("answered after %v", d)
		}
	})
}
