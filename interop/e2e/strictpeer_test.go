package e2e

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gomscp/gomscp/interop/strictpeer"
)

// habits are those of clients in use, each by the name of the stack that has most of
// them; see package strictpeer.
var habits = []struct {
	name    string
	options strictpeer.Options
	letter  strictpeer.Letter // the manner of most messages
}{
	{"SIP SIMPLE", strictpeer.Options{DemandCPIM: true, KeepAlive: true}, strictpeer.Letter{}},
	{"SIP SIMPLE, passive", strictpeer.Options{DemandCPIM: true, Passive: true, KeepAlive: true}, strictpeer.Letter{Failure: "yes"}},
	{"msrp-java", strictpeer.Options{MessageIDFirst: true, Reports: strictpeer.ReportMessage}, strictpeer.Letter{Range: strictpeer.RangeOpen}},
	{"msrp-java, passive", strictpeer.Options{MessageIDFirst: true, Passive: true, Reports: strictpeer.ReportMessage}, strictpeer.Letter{Range: strictpeer.RangeUnknown}},
	{"node-lib", strictpeer.Options{Binding: strictpeer.BindWithoutBody, MessageIDFirst: true, AlwaysAnswer: true},
		strictpeer.Letter{Failure: "yes", MIME: []strictpeer.Field{{Name: "Content-Disposition", Value: "inline"}}}},
	{"tinyMSRP", strictpeer.Options{Binding: strictpeer.BindWithoutBody, MessageIDFirst: true, AlwaysAnswer: true, AnswerReports: true}, strictpeer.Letter{Failure: "yes"}},
	{"nio-msrp", strictpeer.Options{Binding: strictpeer.BindEmptyBody}, strictpeer.Letter{Range: strictpeer.RangeNone}},
	{"small pieces", strictpeer.Options{PieceSize: 7, AddressContact: true}, strictpeer.Letter{}},
	{"small pieces, passive", strictpeer.Options{PieceSize: 11, AddressContact: true, Passive: true}, strictpeer.Letter{}},
}

// letters are messages of every kind, in the manner of m.
func letters(m strictpeer.Letter) []strictpeer.Letter {
	with := func(contentType, body string, change func(*strictpeer.Letter)) strictpeer.Letter {
		l := m
		l.ContentType, l.Body = contentType, body
		if change != nil {
			change(&l)
		}
		return l
	}
	file := string(bytes.Repeat([]byte("\x89PNG\r\n\x1a\n-------0123456789abcdef$\r\n"), 9000))
	return []strictpeer.Letter{
		with("text/plain", "hello", nil),
		with("text/plain; charset=utf-8", "grüße, 你好, €", func(l *strictpeer.Letter) { l.Success, l.Failure = "yes", "yes" }),
		with("text/plain;charset=UTF-8", "cut 你好 anywhere €€", func(l *strictpeer.Letter) {
			l.ChunkSize = 5
			if l.Range == strictpeer.RangeNone {
				l.Range = strictpeer.RangeExplicit // a part needs one
			}
		}),
		with("text/plain", "no failure report", func(l *strictpeer.Letter) { l.Failure = "no" }),
		with("text/plain", "success report alone", func(l *strictpeer.Letter) { l.Success, l.Failure = "yes", "no" }),
		with("text/plain", "partial failure report", func(l *strictpeer.Letter) { l.Failure = "partial" }),
		with("text/plain", "all reports", func(l *strictpeer.Letter) { l.Success, l.Failure = "yes", "partial" }),
		with("text/plain", "-------0123456789abcdef$\r\nMSRP 0123456789abcdef SEND\r\n", nil),
		with("message/cpim", strictpeer.Wrap(alice, bob, "text/plain; charset=utf-8", "wrapped €"), nil),
		with("image/png", file, func(l *strictpeer.Letter) {
			l.MIME = []strictpeer.Field{{Name: "Content-Disposition", Value: `attachment; filename="a.png"`}}
			if l.ChunkSize = 2048; l.Range == strictpeer.RangeNone {
				l.Range = strictpeer.RangeExplicit
			}
		}),
	}
}

// strict opens a strict peer for a user of the domain.
func (e *env) strict(t *testing.T, user string, o strictpeer.Options) *strictpeer.Phone {
	t.Helper()
	o.User, o.Domain, o.Password, o.Proxy = user, domain, users[user], e.proxy
	p, err := strictpeer.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.Close()
		if t.Failed() {
			t.Logf("%s:\n%s", user, p.Notes())
		}
	})
	return p
}

// wantLetters waits until the phone has got these messages, in their order, and has
// nothing to complain of.
func wantLetters(t *testing.T, p *strictpeer.Phone, want []strictpeer.Letter) {
	t.Helper()
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	for i, l := range want {
		select {
		case got := <-p.Received():
			checkLetter(t, i, got, l)
		case <-timeout.C:
			t.Fatalf("%d of %d messages came; faults %q, answers %v", i, len(want), p.Faults(), p.Statuses())
		}
	}
}

// checkLetter compares one message, which may have been wrapped.
func checkLetter(t *testing.T, i int, got *strictpeer.Received, l strictpeer.Letter) {
	t.Helper()
	contentType, body := got.ContentType, got.Body
	if got.From != alice {
		t.Errorf("message %d is from %s", i, got.From)
	}
	if got.CPIM != nil && l.ContentType != "message/cpim" {
		contentType, body = got.CPIM.ContentType, got.CPIM.Body
	}
	if c := got.CPIM; c != nil && (c.From != alice || c.To != bob || time.Since(c.DateTime).Abs() > time.Minute) {
		t.Errorf("message %d says it is from %s to %s of %v", i, c.From, c.To, c.DateTime)
	}
	if contentType != l.ContentType || body != l.Body {
		t.Errorf("message %d is %q of %s, want %q of %s", i, digest(body), contentType, digest(l.Body), l.ContentType)
	}
}

// storeAndPush leaves messages for a peer that is not there, who comes then.
func (e *env) storeAndPush(t *testing.T, o strictpeer.Options, all []strictpeer.Letter) (sender, recipient *strictpeer.Phone) {
	t.Helper()
	sender = e.strict(t, "alice", o)
	if err := sender.Register(e.ctx); err != nil {
		t.Fatal(err)
	}
	call, err := sender.Call(e.ctx, bob)
	if err != nil {
		t.Fatal(err)
	}
	for i, l := range all {
		if err := call.Send(e.ctx, l); err != nil {
			t.Fatalf("message %d, %q: %v; faults %q", i, short(l.Body), err, sender.Faults())
		}
	}
	e.wantKept(len(all)) // some are not confirmed
	if err := call.Close(e.ctx); err != nil {
		t.Error(err)
	}
	recipient = e.strict(t, "bob", o)
	if err := recipient.Register(e.ctx); err != nil {
		t.Fatal(err)
	}
	return sender, recipient
}

// strictPeers lets peers of all habits leave messages and fetch them.
func (e *env) strictPeers(t *testing.T, tcp bool) {
	for _, h := range habits {
		t.Run(h.name, func(t *testing.T) {
			o := h.options
			o.TCP = tcp
			all := letters(h.letter)
			sender, recipient := e.storeAndPush(t, o, all)
			wantLetters(t, recipient, all)
			e.wantKept(0)
			if err := recipient.Unregister(e.ctx); err != nil {
				t.Error(err)
			}
			if err := sender.Unregister(e.ctx); err != nil {
				t.Error(err)
			}
			for name, p := range map[string]*strictpeer.Phone{"sender": sender, "recipient": recipient} {
				if f := p.Faults(); len(f) > 0 {
					t.Errorf("the %s complains: %s", name, strings.Join(f, "\n"))
				}
			}
			if s := recipient.Statuses(); slices.ContainsFunc(s, func(code int) bool { return code != 200 }) {
				t.Errorf("the recipient has answered calls with %v", s)
			}
		})
	}
}

// TestStrictPeers has peers that share no code with this project, and are as strict
// as the strictest, leave and fetch messages.
func TestStrictPeers(t *testing.T) {
	t.Parallel()
	for _, transport := range []string{"UDP", "TCP"} {
		t.Run(transport, func(t *testing.T) {
			e := newEnv(t, envOptions{})
			e.strictPeers(t, transport == "TCP")
		})
	}
}

// TestStrictPeersKamailio is TestStrictPeers behind a real Kamailio.
func TestStrictPeersKamailio(t *testing.T) {
	t.Parallel()
	for _, transport := range []string{"UDP", "TCP"} {
		t.Run(transport, func(t *testing.T) {
			e := newEnv(t, envOptions{kamailio: true})
			e.strictPeers(t, transport == "TCP")
		})
	}
}

// TestStrictPeerRefusesTypes has a peer come that takes less than what waits: it gets
// what it takes, and the rest stays for another.
func TestStrictPeerRefusesTypes(t *testing.T) {
	e := newEnv(t, envOptions{})
	all := []strictpeer.Letter{
		{ContentType: "text/plain", Body: "one"},
		{ContentType: "image/png", Body: "not for everybody"},
		{ContentType: "text/plain", Body: "two"},
	}
	sender, bobs := e.storeAndPush(t, strictpeer.Options{AcceptTypes: []string{"text/plain"}, AcceptWrapped: []string{"text/plain"}}, all)
	wantLetters(t, bobs, []strictpeer.Letter{all[0], all[2]})
	e.wantKept(1)
	if err := bobs.Unregister(e.ctx); err != nil {
		t.Fatal(err)
	}
	another := e.strict(t, "bob", strictpeer.Options{})
	if err := another.Register(e.ctx); err != nil {
		t.Fatal(err)
	}
	wantLetters(t, another, all[1:2])
	e.wantKept(0)
	if f := fmt.Sprint(sender.Faults(), bobs.Faults(), another.Faults()); f != "[] [] []" {
		t.Errorf("complaints: %s", f)
	}
}

// TestEndReachesGRUU stops the application server in the midst of a call whose
// caller's Contact is a GRUU, behind a proxy that records no route: the BYE reaches
// the caller.
func TestEndReachesGRUU(t *testing.T) {
	e := newEnv(t, envOptions{})
	caller := e.strict(t, "alice", strictpeer.Options{})
	if err := caller.Register(e.ctx); err != nil {
		t.Fatal(err)
	}
	call, err := caller.Call(e.ctx, bob)
	if err != nil {
		t.Fatal(err)
	}
	if err := call.Send(e.ctx, strictpeer.Letter{ContentType: "text/plain", Body: "hello"}); err != nil {
		t.Fatal(err)
	}
	if err := e.cluster.AS.Stop(); err != nil {
		t.Error(err)
	}
	select {
	case <-call.Done():
	case <-time.After(patience):
		t.Error("no BYE has come")
	}
	if f := caller.Faults(); len(f) > 0 {
		t.Errorf("complaints: %q", f)
	}
}
