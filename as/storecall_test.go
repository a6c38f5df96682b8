package as

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/gomscp/gomscp/mscp"
	"github.com/gomscp/gomscp/sipua"
)

func wantSessions(t *testing.T, s *Server, want int) {
	t.Helper()
	total := func() int {
		n := 0
		for _, k := range s.Sessions() {
			n += k
		}
		return n
	}
	waitFor(t, "the count of sessions to be right", func() bool { return total() == want })
}

func wantStatus(t *testing.T, err error, code int) {
	t.Helper()
	var status *sipua.StatusError
	if !errors.As(err, &status) || status.Code != code {
		t.Errorf("the call ended with %v, want %d", err, code)
	}
}

func TestOfferAndAnswerAreCopied(t *testing.T) {
	ms, c := newFakeMS(t), newCaller(t)
	s := startAS(t, nil, ms)
	call, err := c.call(testContext(t), s, testOffer)
	if err != nil {
		t.Fatal(err)
	}
	ms.change(func(ms *fakeMS) {
		if got := string(ms.offers[0]); got != testOffer {
			t.Errorf("the media server got the offer\n%q, not\n%q", got, testOffer)
		}
	})
	if got := string(call.RemoteBody()); got != testAnswer {
		t.Errorf("the caller got the answer\n%q, not\n%q", got, testAnswer)
	}
	wantSessions(t, s, 1)
	leg := <-ms.legs
	if err := call.Bye(testContext(t)); err != nil {
		t.Error(err)
	}
	select {
	case <-leg.Done():
	case <-time.After(10 * time.Second):
		t.Error("the media server's leg goes on")
	}
	wantSessions(t, s, 0)
}

// TestNoMediaServerInSIP looks for the media server's SIP address in everything
// that the caller receives.
func TestNoMediaServerInSIP(t *testing.T) {
	ms, c := newFakeMS(t), newCaller(t)
	s := startAS(t, nil, ms)
	call, err := c.call(testContext(t), s, testOffer)
	if err != nil {
		t.Fatal(err)
	}
	if err := call.Bye(testContext(t)); err != nil {
		t.Error(err)
	}
	heads := c.heads()
	if !strings.Contains(heads, "200 OK") || strings.Contains(heads, ms.ua.Addr()) || strings.Contains(heads, "fake") {
		t.Errorf("the caller saw:\n%s", heads)
	}
}

// TestRestoreMsgNamesTheConnection compares what the media server is told with
// what it knows.
func TestRestoreMsgNamesTheConnection(t *testing.T) {
	ms := newFakeMS(t)
	told := make(chan *mscp.RestoreMsg, 1)
	ms.change(func(ms *fakeMS) {
		ms.onRequest = func(_ context.Context, req mscp.Element) (mscp.Element, error) {
			r := req.(*mscp.RestoreMsg)
			told <- r
			return &mscp.MsgRestored{FromURI: r.FromURI, ToURI: r.ToURI, ConnectionID: r.ConnectionID}, nil
		}
	})
	c := newCaller(t)
	s := startAS(t, nil, ms)
	if _, err := c.call(testContext(t), s, testOffer); err != nil {
		t.Fatal(err)
	}
	leg := <-ms.legs
	want := mscp.RestoreMsg{FromURI: "sip:alice@example.com", ToURI: "sip:bob@example.com", ConnectionID: leg.ID().String()}
	if got := <-told; *got != want {
		t.Errorf("got %+v, want %+v", *got, want)
	}
}

// TestCancelEndsTheMediaLeg cancels while the media server has not yet said
// that it is ready.
func TestCancelEndsTheMediaLeg(t *testing.T) {
	ms := newFakeMS(t)
	asked := make(chan struct{})
	ms.change(func(ms *fakeMS) {
		ms.onRequest = func(ctx context.Context, _ mscp.Element) (mscp.Element, error) {
			close(asked)
			<-ctx.Done()
			return nil, ctx.Err()
		}
	})
	s := startAS(t, func(c *Config) { c.Store.RestoreWait = time.Minute }, ms)
	ctx, cancel := context.WithCancel(testContext(t))
	go func() { <-asked; cancel() }()
	c := newCaller(t)
	if _, err := c.call(ctx, s, testOffer); !errors.Is(err, context.Canceled) {
		t.Errorf("the call ended with %v", err)
	}
	leg := <-ms.legs
	select {
	case <-leg.Done():
	case <-time.After(10 * time.Second):
		t.Error("the media server's leg goes on")
	}
	wantSessions(t, s, 0)
	waitFor(t, "the caller's 487", func() bool { return strings.Contains(c.heads(), "487 ") })
}

// TestSilentMediaServer is one that answers RestoreMsg only when it has stored
// something, as a foreign one may.
func TestSilentMediaServer(t *testing.T) {
	ms := newFakeMS(t)
	ms.change(func(ms *fakeMS) {
		ms.onRequest = func(ctx context.Context, _ mscp.Element) (mscp.Element, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}
	})
	c := newCaller(t)
	s := startAS(t, func(c *Config) { c.Store.RestoreWait = 50 * time.Millisecond }, ms)
	if _, err := c.call(testContext(t), s, testOffer); err != nil {
		t.Errorf("the call ended with %v", err)
	}
	wantSessions(t, s, 1)
}

func TestRefusedByTheMediaServer(t *testing.T) {
	ms := newFakeMS(t)
	ms.change(func(ms *fakeMS) {
		ms.onRequest = func(_ context.Context, req mscp.Element) (mscp.Element, error) {
			r := req.(*mscp.RestoreMsg)
			return &mscp.MsgNotRestored{FromURI: r.FromURI, ToURI: r.ToURI, ConnectionID: r.ConnectionID, Reason: "full"}, nil
		}
	})
	s := startAS(t, nil, ms)
	_, err := newCaller(t).call(testContext(t), s, testOffer)
	wantStatus(t, err, 480)
	ms.change(func(m *fakeMS) {
		m.onStore = func(in *sipua.IncomingCall) {
			_ = in.Reject(488, "", sipua.WarningHeader(sipua.WarnSyntax, "ms", "the o= line"))
		}
	})
	_, err = newCaller(t).call(testContext(t), s, testOffer)
	wantStatus(t, err, 488)
	var status *sipua.StatusError
	if errors.As(err, &status) && status.Header("Warning") != "307 "+s.Addr()+` "the o= line"` {
		t.Errorf("the caller is not told why: %q", status.Header("Warning"))
	}
	wantSessions(t, s, 0)
}

// TestNextBestMediaServer has the first of two fail, in two ways, while the
// caller waits.
func TestNextBestMediaServer(t *testing.T) {
	for name, fail := range map[string]func(*fakeMS){
		"INVITE": func(m *fakeMS) { m.onStore = func(in *sipua.IncomingCall) { _ = in.Reject(503, "") } },
		"MSCP": func(m *fakeMS) {
			m.onRequest = func(context.Context, mscp.Element) (mscp.Element, error) { return nil, errors.New("disk") }
		},
	} {
		t.Run(name, func(t *testing.T) {
			bad, good := newFakeMS(t), newFakeMS(t)
			bad.change(fail)
			c := newCaller(t)
			s := startAS(t, nil, bad, good)
			if _, err := c.call(testContext(t), s, testOffer); err != nil {
				t.Fatalf("the call ended with %v", err)
			}
			if n := s.Sessions()[good.ua.Addr()]; n != 1 {
				t.Errorf("the good one has %d sessions", n)
			}
			if n := s.Sessions()[bad.ua.Addr()]; n != 0 {
				t.Errorf("the bad one has %d sessions", n)
			}
		})
	}
	bad := newFakeMS(t)
	bad.change(func(m *fakeMS) { m.onStore = func(in *sipua.IncomingCall) { _ = in.Reject(500, "") } })
	s := startAS(t, nil, bad)
	_, err := newCaller(t).call(testContext(t), s, testOffer)
	wantStatus(t, err, 503)
}

// TestChannelComesBack loses the TCP connection, which is offered again on the
// same dialog, and then the dialog, which is made anew.
func TestChannelComesBack(t *testing.T) {
	ms, c := newFakeMS(t), newCaller(t)
	s := startAS(t, nil, ms)
	newest := func() *sipua.Call {
		ms.mu.Lock()
		defer ms.mu.Unlock()
		return ms.control
	}
	waitFor(t, "the control dialog", func() bool { return newest() != nil })
	first := newest()
	ms.mu.Lock()
	ms.conn.Close()
	ms.mu.Unlock()
	awaitUp(t, s, ms)
	if newest() != first {
		t.Error("a lost connection made a new dialog")
	}
	if err := first.Bye(testContext(t)); err != nil {
		t.Error(err)
	}
	awaitUp(t, s, ms)
	waitFor(t, "a new control dialog", func() bool { return newest() != first })
	if _, err := c.call(testContext(t), s, testOffer); err != nil {
		t.Errorf("a call afterwards: %v", err)
	}
}

// TestCloseEndsSessions closes the server with a session open.
func TestCloseEndsSessions(t *testing.T) {
	ms, c := newFakeMS(t), newCaller(t)
	s := startAS(t, nil, ms)
	call, err := c.call(testContext(t), s, testOffer)
	if err != nil {
		t.Fatal(err)
	}
	leg := <-ms.legs
	waitFor(t, "the ACK at the server", func() bool {
		families, err := s.metrics.reg.Gather()
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range families {
			if f.GetName() == "mscp_as_call_setup_duration_seconds" {
				return f.GetMetric()[0].GetHistogram().GetSampleCount() == 1
			}
		}
		return false
	})
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	for _, c := range []*sipua.Call{call, leg} {
		select {
		case <-c.Done():
		case <-time.After(10 * time.Second):
			t.Error("a leg goes on")
		}
	}
}
