package ms

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gomscp/gomscp/mscp"
	"github.com/gomscp/gomscp/msrp"
	"github.com/gomscp/gomscp/sipua"
)

// A fakeAS is an application server that a test plays by hand: SIP and MSCP are
// real.
type fakeAS struct {
	t        testing.TB
	seen     func(got)           // if set, called for what bob's user agent has received, before it answers
	notified chan mscp.Element   // if set, gets what the media server notifies
	dies     bool                // bob's user agent ends the session when it refuses a message
	reply    func(*msrp.Session) // if set, called by push after each message that was taken
	ms       *Server
	ua       *sipua.UA
	control  *sipua.Call
	channel  *mscp.Client
	msrp     *msrp.Listener
}

const (
	alice = "sip:alice@example.com"
	bob   = "sip:bob@example.com"
)

// newFakeAS starts a media server and sets a control channel up to it.
func newFakeAS(t testing.TB, change func(*Config)) *fakeAS {
	t.Helper()
	a := newFakeASWithout(t, change)
	a.openChannel()
	return a
}

// newFakeASWithout is newFakeAS without a control channel.
func newFakeASWithout(t testing.TB, change func(*Config)) *fakeAS {
	t.Helper()
	log := logTo(t)
	cfg := DefaultConfig()
	cfg.SIP.Listen, cfg.MSRP.Listen = "127.0.0.1:0", "127.0.0.1:0"
	cfg.Store = filepath.Join(t.TempDir(), "ms.db")
	if change != nil {
		change(&cfg)
	}
	s, err := Start(cfg, log)
	if err != nil {
		t.Fatal(err)
	}
	a := &fakeAS{t: t, ms: s}
	if a.ua, err = sipua.New(sipua.Config{Addr: "127.0.0.1:0", User: "as"}, sipua.Handlers{}); err != nil {
		t.Fatal(err)
	}
	if a.msrp, err = msrp.Listen("127.0.0.1:0", msrp.Config{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
		a.ua.Close()
		a.msrp.Close()
	})
	return a
}

func (a *fakeAS) ctx() context.Context {
	ctx, cancel := context.WithTimeout(a.t.Context(), 60*time.Second)
	a.t.Cleanup(cancel)
	return ctx
}

// invite calls the media server with a body.
func (a *fakeAS) invite(body []byte) *sipua.Call {
	a.t.Helper()
	call, err := a.ua.Invite(a.ctx(), sipua.InviteRequest{
		URI: "sip:ms@" + a.ms.Addr(), From: a.ua.Contact(), To: "sip:ms@" + a.ms.Addr(), Body: body, ContentType: sdpType,
	})
	if err != nil {
		a.t.Fatal(err)
	}
	return call
}

func (a *fakeAS) openChannel() {
	a.t.Helper()
	offer, err := mscp.NewOffer("127.0.0.1").Marshal()
	if err != nil {
		a.t.Fatal(err)
	}
	a.control = a.invite(offer)
	if err := a.control.Ack(a.ctx(), nil, ""); err != nil {
		a.t.Fatal(err)
	}
	a.connect(a.control.RemoteBody())
}

// connect opens the TCP connection that an answer names.
func (a *fakeAS) connect(answer []byte) {
	a.t.Helper()
	m, err := mscp.ParseSDP(answer)
	if err == nil {
		err = m.CheckAnswer()
	}
	if err != nil {
		a.t.Fatal(err)
	}
	conn, err := net.Dial("tcp", net.JoinHostPort(m.Host, strconv.Itoa(m.Port)))
	if err != nil {
		a.t.Fatal(err)
	}
	a.channel = mscp.NewClient(conn, mscp.Config{OnNotification: func(e mscp.Element) {
		if a.notified != nil {
			a.notified <- e
		}
	}})
	a.t.Cleanup(func() { a.channel.Close() })
}

func (a *fakeAS) do(req mscp.Element) mscp.Element {
	a.t.Helper()
	resp, err := a.channel.Do(a.ctx(), req)
	if err != nil {
		a.t.Fatalf("%s: %v", mscp.Name(req), err)
	}
	return resp
}

// storeLeg sets a store session up, and connects for MSRP.
func (a *fakeAS) storeLeg() (*sipua.Call, *msrp.Session) {
	a.t.Helper()
	return a.storeLegTaking([]string{"*"}, nil)
}

// storeLegTaking is storeLeg for a caller that takes messages of those types.
func (a *fakeAS) storeLegTaking(types []string, h msrp.Handler) (*sipua.Call, *msrp.Session) {
	a.t.Helper()
	local := a.msrp.NewURI("")
	offer, err := (&msrp.Media{
		Host: local.Host, Port: local.Port, Path: msrp.Path{local}, AcceptTypes: types, Setup: msrp.SetupActive,
	}).Offer()
	if err != nil {
		a.t.Fatal(err)
	}
	call := a.invite(offer)
	if err := call.Ack(a.ctx(), nil, ""); err != nil {
		a.t.Fatal(err)
	}
	m, err := msrp.ParseSDP(call.RemoteBody())
	if err != nil {
		a.t.Fatal(err)
	}
	session, err := msrp.Dial(a.ctx(), msrp.Config{}, msrp.SessionConfig{Local: local, Remote: m.Path, Handler: h})
	if err != nil {
		a.t.Fatal(err)
	}
	a.t.Cleanup(func() { session.Close() })
	return call, session
}

func (a *fakeAS) restore(call *sipua.Call, from, to string) mscp.Element {
	a.t.Helper()
	return a.do(&mscp.RestoreMsg{FromURI: from, ToURI: to, ConnectionID: call.ID().String()})
}

func send(ctx context.Context, s *msrp.Session, text string) error {
	_, err := s.Send(ctx, msrp.Message{ContentType: "text/plain", Body: strings.NewReader(text), Size: int64(len(text))})
	return err
}

func (a *fakeAS) wantKept(n int) {
	a.t.Helper()
	if got := len(a.ms.Store().Messages(bob, alice)); got != n {
		a.t.Errorf("%d messages are kept, want %d", got, n)
	}
}

func TestConfig(t *testing.T) {
	c := DefaultConfig()
	if err := c.Validate(); err != nil {
		t.Errorf("the defaults: %v", err)
	}
	for name, change := range map[string]func(*Config){
		"control.port_min": func(c *Config) { c.Control.PortMin = 10 },
		"msrp.max_size":    func(c *Config) { c.MSRP.MaxSize = -1 },
		"store":            func(c *Config) { c.Store = "" },
		"hold":             func(c *Config) { c.Hold = 0 },
		"sip.listen":       func(c *Config) { c.SIP.Listen = "nowhere" },
		"control.dialect":  func(c *Config) { c.Control.Dialect = "x" },
		"log.level":        func(c *Config) { c.Log.Level = "x" },
	} {
		c := DefaultConfig()
		change(&c)
		if err := c.Validate(); err == nil || !strings.HasPrefix(err.Error(), name+":") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestMessagesWaitForRestoreMsg sends before the application server has said
// whose messages they are, as a slow or foreign one may have it.
func TestMessagesWaitForRestoreMsg(t *testing.T) {
	a := newFakeAS(t, nil)
	call, session := a.storeLeg()
	sent := make(chan error, 1)
	go func() { sent <- send(a.ctx(), session, "early") }()
	select {
	case err := <-sent:
		t.Fatalf("a message was answered before RestoreMsg: %v", err)
	case <-time.After(100 * time.Millisecond): // it must not happen, so there is no event
	}
	a.wantKept(0)
	if r, ok := a.restore(call, alice, " sip:bob@EXAMPLE.com:5060;x=y").(*mscp.MsgRestored); !ok {
		t.Fatalf("got %+v", r)
	}
	if err := <-sent; err != nil {
		t.Fatal(err)
	}
	a.wantKept(1)
	if err := call.Bye(a.ctx()); err != nil {
		t.Error(err)
	}
}

// TestMessagesWithoutRestoreMsgAreRefused waits for the hold to end.
func TestMessagesWithoutRestoreMsgAreRefused(t *testing.T) {
	a := newFakeAS(t, func(c *Config) { c.Hold = 50 * time.Millisecond })
	_, session := a.storeLeg()
	var status *msrp.StatusError
	if err := send(a.ctx(), session, "nobody's"); !errors.As(err, &status) || status.Code != 403 {
		t.Errorf("got %v", err)
	}
	if n := a.ms.Store().Stats().Messages; n != 0 {
		t.Errorf("%d messages are kept", n)
	}
}

func TestRestoreMsgIsChecked(t *testing.T) {
	a := newFakeAS(t, nil)
	call, _ := a.storeLeg()
	notRestored := func(what string, resp mscp.Element) {
		t.Helper()
		if r, ok := resp.(*mscp.MsgNotRestored); !ok || r.Reason == "" {
			t.Errorf("%s: %+v", what, resp)
		}
	}
	notRestored("a URI that is none", a.restore(call, "alice", bob))
	notRestored("an unknown connection", a.do(&mscp.RestoreMsg{FromURI: alice, ToURI: bob, ConnectionID: "a;b;c"}))
	notRestored("the control dialog", a.restore(a.control, alice, bob))
	for range 2 {
		if _, ok := a.restore(call, alice, bob).(*mscp.MsgRestored); !ok {
			t.Error("a good one is refused")
		}
	}
	notRestored("another pair", a.restore(call, alice, "sip:carol@example.com"))
	if r, ok := a.do(&mscp.SendMsg{FromURI: alice, ToURI: bob, ConnectionID: call.ID().String()}).(*mscp.MsgNotSended); !ok {
		t.Errorf("SendMsg for a store session: %+v", r)
	}
}

// TestDraftRequests checks what the draft's other requests get: its own error
// elements, with the reason that fits.
func TestDraftRequests(t *testing.T) {
	a := newFakeAS(t, nil)
	call, _ := a.storeLeg()
	id := call.ID().String()
	for name, tc := range map[string]struct {
		req          mscp.Element
		want, reason string
	}{
		"prepare":               {&mscp.DialogPrepare{Src: "http://a/"}, "errordialognotprepared", "not supported"},
		"prepare for nobody":    {&mscp.DialogPrepare{Src: "http://a/", ConnectionID: "x"}, "errordialognotprepared", "does not exist"},
		"start":                 {&mscp.DialogStart{Src: "http://a/", ConnectionID: id}, "errordialognotstarted", "not supported"},
		"start for nobody":      {&mscp.DialogStart{Src: "http://a/", ConnectionID: "x"}, "errordialognotstarted", "does not exist"},
		"start what is unknown": {&mscp.DialogStart{PreparedDialogID: "d", ConnectionID: id}, "errordialognotstarted", "dialog identified by d does not exist"},
		"create":                {&mscp.CreateConference{}, "errorconferencecreate", "not supported"},
		"destroy":               {&mscp.DestroyConference{ConferenceID: "c"}, "errorconferencedestroy", "conference identified by c does not exist"},
		"join":                  {&mscp.Join{ID1: id, ID2: "c"}, "errorconferencejoin", "identified by c"},
		"unjoin":                {&mscp.Unjoin{ID1: "c", ID2: id}, "errorconferenceunjoin", "identified by c"},
	} {
		resp := a.do(tc.req)
		err := mscp.CheckAnswer(tc.req, resp)
		b := (&mscp.Document{Kind: mscp.Response, Element: resp}).Encode(mscp.Draft)
		if err != nil || mscp.Name(resp) != tc.want || !strings.Contains(string(b), tc.reason) {
			t.Errorf("%s: %s, %v", name, b, err)
		}
	}
}

// TestLimitIsRefused leaves one message more than may be kept.
func TestLimitIsRefused(t *testing.T) {
	a := newFakeAS(t, func(c *Config) { c.Limits.SenderMessages = 2 })
	call, session := a.storeLeg()
	a.restore(call, alice, bob)
	for range 2 {
		if err := send(a.ctx(), session, "fits"); err != nil {
			t.Fatal(err)
		}
	}
	var status *msrp.StatusError
	if err := send(a.ctx(), session, "too many"); !errors.As(err, &status) || status.Code != 403 {
		t.Errorf("got %v", err)
	}
	a.wantKept(2)
}

// TestPushWithoutMedia has SendMsg for push sessions that have no MSRP session:
// the answer refuses it, does not come, or names nobody.
func TestPushWithoutMedia(t *testing.T) {
	a := newFakeAS(t, func(c *Config) { c.Push.ConnectTimeout = time.Second })
	call, session := a.storeLeg()
	a.restore(call, alice, bob)
	if err := send(a.ctx(), session, "kept"); err != nil {
		t.Fatal(err)
	}
	for name, answer := range map[string]func(offer []byte) []byte{
		"refused": func(offer []byte) []byte {
			b, err := msrp.Reject(offer)
			if err != nil {
				t.Fatal(err)
			}
			return b
		},
		"none":    func([]byte) []byte { return nil },
		"garbage": func([]byte) []byte { return []byte("v=0\r\n") },
		"nobody": func(offer []byte) []byte {
			gone := a.msrp.NewURI("")
			gone.Port = 1
			b, err := (&msrp.Media{Host: "127.0.0.1", Port: 1, Path: msrp.Path{gone}, AcceptTypes: []string{"*"}, Setup: msrp.SetupPassive}).Answer(offer)
			if err != nil {
				t.Fatal(err)
			}
			return b
		},
	} {
		t.Run(name, func(t *testing.T) {
			leg := a.invite(nil)
			if err := leg.Ack(a.ctx(), answer(leg.RemoteBody()), sdpType); err != nil {
				t.Fatal(err)
			}
			resp := a.do(&mscp.SendMsg{FromURI: alice, ToURI: bob, ConnectionID: leg.ID().String()})
			if r, ok := resp.(*mscp.MsgNotSended); !ok || r.Reason == "" {
				t.Errorf("got %+v", resp)
			}
			a.wantKept(1)
			if err := leg.Bye(a.ctx()); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestReoffer asks for a second TCP connection on the control dialog.
func TestReoffer(t *testing.T) {
	a := newFakeAS(t, nil)
	a.channel.Close()
	offer, err := mscp.NewOffer("127.0.0.1").Marshal()
	if err != nil {
		t.Fatal(err)
	}
	answer, err := a.control.Reinvite(a.ctx(), offer, sdpType)
	if err != nil {
		t.Fatal(err)
	}
	a.connect(answer)
	if r, ok := a.do(&mscp.RestoreMsg{FromURI: alice, ToURI: bob, ConnectionID: "a;b;c"}).(*mscp.MsgNotRestored); !ok {
		t.Errorf("over the new connection: %+v", r)
	}
	if _, err := a.control.Reinvite(a.ctx(), []byte("v=0\r\n"), sdpType); err == nil {
		t.Error("a re-offer of nothing was taken")
	}
}

// TestReofferExisting asks for the connection to stay: it does where there is
// one, and a new one is asked for where there is none.
func TestReofferExisting(t *testing.T) {
	a := newFakeAS(t, nil)
	offer := mscp.NewOffer("127.0.0.1")
	fresh, err := offer.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	offer.Connection = "existing"
	existing, err := offer.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	reinvite := func(call *sipua.Call) *mscp.Media {
		t.Helper()
		answer, err := call.Reinvite(a.ctx(), existing, sdpType)
		if err != nil {
			t.Fatal(err)
		}
		m, err := mscp.ParseSDP(answer)
		if err == nil {
			err = m.CheckAnswer()
		}
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	a.do(&mscp.CreateConference{}) // the connection has come to the server
	first, err := mscp.ParseSDP(a.control.RemoteBody())
	if err != nil {
		t.Fatal(err)
	}
	if m := reinvite(a.control); m.Connection != "existing" || m.Port != first.Port {
		t.Errorf("answered %+v after %+v", m, first)
	}
	a.do(&mscp.CreateConference{})

	other := a.invite(fresh)
	if err := other.Ack(a.ctx(), nil, ""); err != nil {
		t.Fatal(err)
	}
	if m := reinvite(other); m.Connection != "new" {
		t.Errorf("without a connection: %+v", m)
	}
}

// TestOrphans are dialogs whose application server has forgotten them.
func TestOrphans(t *testing.T) {
	a := newFakeAS(t, func(c *Config) { c.Orphan = 100 * time.Millisecond })
	call, session := a.storeLeg()
	session.Close()
	a.channel.Close()
	for name, c := range map[string]*sipua.Call{"store session": call, "control dialog": a.control} {
		select {
		case <-c.Done():
		case <-time.After(10 * time.Second):
			t.Errorf("the %s goes on", name)
		}
	}
}
