package as

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/gomscp/gomscp/as/internal/mailbox"
	"github.com/gomscp/gomscp/mscp"
	"github.com/gomscp/gomscp/sipua"
)

// TestCountIsGivenBack drives every way in which a store session fails to come
// up or ends, each on a server of its own, and checks that nothing stays
// counted on either media server.
func TestCountIsGivenBack(t *testing.T) {
	reject := func(code int) func(*testing.T, *failing) {
		return func(_ *testing.T, f *failing) {
			f.both(func(m *fakeMS) { m.onStore = func(in *sipua.IncomingCall) { _ = in.Reject(code, "") } })
		}
	}
	answerMSCP := func(answer func(context.Context, *failing, *mscp.RestoreMsg) (mscp.Element, error)) func(*testing.T, *failing) {
		return func(_ *testing.T, f *failing) {
			f.both(func(m *fakeMS) {
				m.onRequest = func(ctx context.Context, req mscp.Element) (mscp.Element, error) {
					r, ok := req.(*mscp.RestoreMsg)
					if !ok {
						return nil, errors.New("not in this test")
					}
					return answer(ctx, f, r)
				}
			})
		}
	}
	for name, tc := range map[string]struct {
		config  func(*Config)
		prepare func(*testing.T, *failing)
		offer   string // "" is testOffer
		code    int    // 0: the call comes up, and end ends it; -1: the caller cancels
		end     func(*testing.T, *failing, *sipua.Call)
	}{
		"no MSRP offered":   {offer: "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=audio 9 RTP/AVP 0\r\n", code: 488},
		"INVITE refused":    {prepare: reject(503), code: 503},
		"INVITE misliked":   {prepare: reject(488), code: 488},
		"INVITE unanswered": {config: func(c *Config) { c.Store.InviteTimeout = 50 * time.Millisecond }, prepare: unanswering, code: 503},
		"cancelled during INVITE": {prepare: func(t *testing.T, f *failing) {
			f.both(func(m *fakeMS) {
				m.onStore = func(in *sipua.IncomingCall) { f.hangUp(); awaitCancel(t, in) }
			})
		}, code: -1},
		"too many recipients": {config: func(c *Config) { c.Store.MaxRecipients = 1 }, prepare: func(t *testing.T, f *failing) {
			if _, err := f.s.mailboxes.Begin(mailbox.Pair{Recipient: "sip:other@example.com", Server: f.ms[0].ua.Addr()}, "other"); err != nil {
				t.Error(err)
			}
		}, code: 503},
		"directory fails": {prepare: func(t *testing.T, f *failing) { f.s.dir.Close() }, code: 500},
		"RestoreMsg fails": {prepare: answerMSCP(func(context.Context, *failing, *mscp.RestoreMsg) (mscp.Element, error) {
			return nil, errors.New("disk")
		}), code: 503},
		"RestoreMsg refused": {prepare: answerMSCP(func(_ context.Context, _ *failing, r *mscp.RestoreMsg) (mscp.Element, error) {
			return &mscp.MsgNotRestored{FromURI: r.FromURI, ToURI: r.ToURI, ConnectionID: r.ConnectionID, Reason: "full"}, nil
		}), code: 480},
		"RestoreMsg answered about another connection": {config: func(c *Config) { c.Store.RestoreWait = time.Minute }, prepare: answerMSCP(func(_ context.Context, _ *failing, r *mscp.RestoreMsg) (mscp.Element, error) {
			return &mscp.MsgRestored{FromURI: r.FromURI, ToURI: r.ToURI, ConnectionID: "a;b;c"}, nil
		}), code: 503},
		"RestoreMsg answered about another sender": {config: func(c *Config) { c.Store.RestoreWait = time.Minute }, prepare: answerMSCP(func(_ context.Context, _ *failing, r *mscp.RestoreMsg) (mscp.Element, error) {
			return &mscp.MsgRestored{FromURI: "sip:other@example.com", ToURI: r.ToURI, ConnectionID: r.ConnectionID}, nil
		}), code: 503},
		"RestoreMsg answered with nonsense": {prepare: answerMSCP(func(_ context.Context, _ *failing, r *mscp.RestoreMsg) (mscp.Element, error) {
			return &mscp.MsgSended{}, nil
		}), code: 503},
		"channel dies during RestoreMsg": {config: func(c *Config) { c.Store.RestoreWait = time.Minute }, prepare: answerMSCP(func(ctx context.Context, f *failing, _ *mscp.RestoreMsg) (mscp.Element, error) {
			f.killChannels()
			<-ctx.Done()
			return nil, ctx.Err()
		}), code: 503},
		"cancelled during RestoreMsg": {config: func(c *Config) { c.Store.RestoreWait = time.Minute }, prepare: answerMSCP(func(ctx context.Context, f *failing, _ *mscp.RestoreMsg) (mscp.Element, error) {
			f.hangUp()
			<-ctx.Done()
			return nil, ctx.Err()
		}), code: -1},
		"all drained": {prepare: func(t *testing.T, f *failing) {
			for _, m := range f.ms {
				if err := f.s.DrainMediaServer(m.ua.Addr(), true); err != nil {
					t.Error(err)
				}
			}
		}, code: 503},
		"caller ends": {end: func(t *testing.T, f *failing, call *sipua.Call) {
			if err := call.Bye(testContext(t)); err != nil {
				t.Error(err)
			}
		}},
		"media server ends": {end: func(t *testing.T, f *failing, _ *sipua.Call) {
			leg := <-f.ms[0].legs
			if err := leg.Bye(testContext(t)); err != nil {
				t.Error(err)
			}
		}},
		"server closes": {end: func(t *testing.T, f *failing, _ *sipua.Call) { _ = f.s.Close() }},
		"caller ends after its media server was taken out": {end: func(t *testing.T, f *failing, call *sipua.Call) {
			if err := f.s.SetMediaServers([]MediaServerConfig{{URI: "sip:ms@" + f.ms[1].ua.Addr()}}); err != nil {
				t.Error(err)
			}
			wantSessions(t, f.s, 1)
			if err := call.Bye(testContext(t)); err != nil {
				t.Error(err)
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &failing{ms: []*fakeMS{newFakeMS(t), newFakeMS(t)}, hungUp: make(chan struct{}, 10)}
			caller := newCaller(t) // before the server, to be there for its BYEs
			f.s = startAS(t, tc.config, f.ms...)
			if tc.prepare != nil {
				tc.prepare(t, f)
			}
			offer := tc.offer
			if offer == "" {
				offer = testOffer
			}
			ctx, cancel := context.WithCancel(testContext(t))
			defer cancel()
			go func() {
				select {
				case <-f.hungUp:
					cancel()
				case <-ctx.Done():
				}
			}()
			call, err := caller.call(ctx, f.s, offer)
			switch {
			case tc.code > 0:
				wantStatus(t, err, tc.code)
			case tc.code < 0:
				if !errors.Is(err, context.Canceled) {
					t.Errorf("the call ended with %v", err)
				}
			case err != nil:
				t.Fatal(err)
			default:
				wantSessions(t, f.s, 1)
				tc.end(t, f, call)
			}
			wantSessions(t, f.s, 0)
		})
	}
}

// TestNextBestWhileTheCallerWaits has the best media server fail in each way; the
// next best takes the call, and the failed one is not asked first by the next.
func TestNextBestWhileTheCallerWaits(t *testing.T) {
	for name, fail := range map[string]func(*testing.T, *fakeMS){
		"no answer": func(t *testing.T, m *fakeMS) {
			m.onStore = func(in *sipua.IncomingCall) { awaitCancel(t, in) }
		},
		"500": func(_ *testing.T, m *fakeMS) { m.onStore = func(in *sipua.IncomingCall) { _ = in.Reject(500, "") } },
		"channel dies": func(_ *testing.T, m *fakeMS) {
			m.onRequest = func(ctx context.Context, _ mscp.Element) (mscp.Element, error) {
				m.change(func(m *fakeMS) { m.conn.Close() })
				<-ctx.Done()
				return nil, ctx.Err()
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bad, good := newFakeMS(t), newFakeMS(t)
			bad.change(func(m *fakeMS) { fail(t, m) })
			c := newCaller(t) // before the server, to be there for its BYEs
			s := startAS(t, func(c *Config) {
				c.Store.InviteTimeout, c.Store.RestoreWait, c.Store.FailureRest = 200*time.Millisecond, time.Minute, time.Minute
			}, bad, good)
			for i := range 2 {
				began := time.Now()
				if _, err := c.call(testContext(t), s, testOffer); err != nil {
					t.Fatal(err)
				}
				t.Logf("call %d was up after %v", i+1, time.Since(began))
			}
			if n := s.Sessions(); n[good.ua.Addr()] != 2 || n[bad.ua.Addr()] != 0 {
				t.Errorf("sessions: %v", n)
			}
			bad.mu.Lock()
			defer bad.mu.Unlock()
			if len(bad.offers) != 1 {
				t.Errorf("the failed one was asked %d times", len(bad.offers))
			}
		})
	}
}

// unanswering has media servers take an INVITE and never answer it.
func unanswering(t *testing.T, f *failing) {
	f.both(func(m *fakeMS) { m.onStore = func(in *sipua.IncomingCall) { awaitCancel(t, in) } })
}

// awaitCancel waits for the CANCEL, or for the end of a test that does not wait
// for it.
func awaitCancel(t *testing.T, in *sipua.IncomingCall) {
	select {
	case <-in.Cancelled():
	case <-t.Context().Done():
	}
}

// failing is a server with two media servers that are made to fail.
type failing struct {
	s      *Server
	ms     []*fakeMS
	hungUp chan struct{}
}

func (f *failing) both(change func(*fakeMS)) {
	for _, m := range f.ms {
		m.change(change)
	}
}

// hangUp has the caller cancel.
func (f *failing) hangUp() { f.hungUp <- struct{}{} }

func (f *failing) killChannels() {
	f.both(func(m *fakeMS) { m.conn.Close() })
}

// TestOutstandingRequestsFailWithTheChannel loses the channel, in each way that
// there is, while a RestoreMsg and a SendMsg are outstanding whose answers may
// take a minute.
func TestOutstandingRequestsFailWithTheChannel(t *testing.T) {
	for name, lose := range map[string]func(*testing.T, *fakeMS){
		"connection closed": func(_ *testing.T, m *fakeMS) { m.change(func(m *fakeMS) { m.conn.Close() }) },
		"dialog ended": func(t *testing.T, m *fakeMS) {
			m.mu.Lock()
			control := m.control
			m.mu.Unlock()
			if err := control.Bye(testContext(t)); err != nil {
				t.Error(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			m := newFakeMS(t)
			asked := make(chan struct{}, 2)
			m.change(func(m *fakeMS) {
				m.onRequest = func(ctx context.Context, _ mscp.Element) (mscp.Element, error) {
					asked <- struct{}{}
					<-ctx.Done()
					return nil, ctx.Err()
				}
			})
			s := startAS(t, nil, m)
			ms := s.cluster.Get(m.ua.Addr())
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			failed := make(chan error, 2)
			for _, req := range []mscp.Element{&mscp.RestoreMsg{}, &mscp.SendMsg{}} {
				go func() {
					_, err := ms.Do(ctx, req)
					failed <- err
				}()
				<-asked
			}
			waitFor(t, "the dialog", func() bool { m.mu.Lock(); defer m.mu.Unlock(); return m.control != nil })
			began := time.Now()
			lose(t, m)
			for range 2 {
				if err := <-failed; !errors.Is(err, mscp.ErrChannelClosed) || outcome(err) != "channel_down" {
					t.Errorf("a request ended with %v", err)
				}
			}
			took := time.Since(began)
			t.Logf("both failed %v after the loss; they would have waited a minute", took)
			if took > 5*time.Second {
				t.Errorf("the requests outlived their channel by %v", took)
			}
			waitFor(t, "the failure to be told", func() bool { return s.MediaServers()[0].LastError != "" })
			awaitUp(t, s, m)
			if st := s.MediaServers()[0]; st.Channel != "up" || st.Since.Before(began) || st.LastErrorAt.Before(began) {
				t.Errorf("status: %+v", st)
			}
		})
	}
}

// TestChannelThatComesAndGoes has a media server close each channel as soon as
// it is there: the pauses between must grow.
func TestChannelThatComesAndGoes(t *testing.T) {
	m := newFakeMS(t)
	s := startAS(t, func(c *Config) { c.Control.RetryMin, c.Control.RetryMax = 10*time.Millisecond, 10*time.Second }, m)
	var ups []time.Time
	for range 6 {
		m.change(func(m *fakeMS) { m.conn.Close() })
		select {
		case <-m.up:
		case <-time.After(10 * time.Second):
			t.Fatal("the channel did not come back")
		}
		ups = append(ups, time.Now())
	}
	_ = s
	first, last := ups[1].Sub(ups[0]), ups[5].Sub(ups[4])
	t.Logf("pause after the second loss %v, after the sixth %v", first, last)
	if last < 300*time.Millisecond { // 10 ms * 2^5, before jitter
		t.Errorf("the sixth loss was followed by a new channel after %v", last)
	}
}

// TestMediaServersAtRunTime adds, drains and removes media servers under calls.
func TestMediaServersAtRunTime(t *testing.T) {
	a, b := newFakeMS(t), newFakeMS(t)
	c := newCaller(t)
	s := startAS(t, nil, a)
	uriA, uriB := "sip:ms@"+a.ua.Addr(), "sip:ms@"+b.ua.Addr()
	on := func(m *fakeMS) {
		t.Helper()
		if _, err := c.call(testContext(t), s, testOffer); err != nil {
			t.Fatal(err)
		}
		select {
		case <-m.legs:
		case <-time.After(10 * time.Second):
			t.Fatal("the call went elsewhere")
		}
	}
	on(a)
	if err := s.SetMediaServers([]MediaServerConfig{{URI: uriA}, {URI: uriB, Weight: 2}}); err != nil {
		t.Fatal(err)
	}
	awaitUp(t, s, b)
	on(b)
	on(b) // 1/1 is more than 1/2
	if err := s.DrainMediaServer(b.ua.Addr(), true); err != nil {
		t.Fatal(err)
	}
	on(a)
	if err := s.SetMediaServers([]MediaServerConfig{{URI: uriB}}); err != nil {
		t.Fatal(err)
	}
	on(b)
	waitFor(t, "the end of a's control dialog", func() bool {
		a.mu.Lock()
		defer a.mu.Unlock()
		select {
		case <-a.control.Done():
			return true
		default:
			return false
		}
	})
	for _, bad := range [][]MediaServerConfig{nil, {{URI: "nonsense"}}, {{URI: uriA}, {URI: uriA}}, {{URI: uriA, Weight: -1}}} {
		if err := s.SetMediaServers(bad); err == nil {
			t.Errorf("%v was taken", bad)
		}
	}
	on(b)
	if err := s.DrainMediaServer("nobody", true); err == nil {
		t.Error("a server that is not there was drained")
	}
}
