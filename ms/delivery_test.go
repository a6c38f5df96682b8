package ms

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gomscp/gomscp/mscp"
	"github.com/gomscp/gomscp/msrp"
	"github.com/gomscp/gomscp/msrp/cpim"
	"github.com/gomscp/gomscp/sipua"
)

// leave leaves texts for bob in a session of its own.
func (a *fakeAS) leave(messages ...msrp.Message) {
	a.t.Helper()
	call, session := a.storeLeg()
	a.restore(call, alice, bob)
	for _, m := range messages {
		if _, err := session.Send(a.ctx(), m); err != nil {
			a.t.Fatal(err)
		}
	}
	if err := call.Bye(a.ctx()); err != nil {
		a.t.Fatal(err)
	}
}

func text(s string) msrp.Message {
	return msrp.Message{ContentType: "text/plain", Body: strings.NewReader(s), Size: int64(len(s))}
}

// A got is a message that bob's user agent took.
type got struct{ id, contentType, body string }

// push delivers what is kept to a user agent that takes the types. refuse may
// refuse a message. It returns what was taken, and the response to SendMsg.
func (a *fakeAS) push(types []string, refuse func(got) error) (took []got, resp mscp.Element) {
	a.t.Helper()
	return a.pushTo(alice, bob, types, refuse)
}

// pushTo is push for another pair.
func (a *fakeAS) pushTo(from, to string, types []string, refuse func(got) error) (took []got, resp mscp.Element) {
	a.t.Helper()
	var mu sync.Mutex
	leg := a.invite(nil)
	offer, err := msrp.ParseSDP(leg.RemoteBody())
	if err != nil {
		a.t.Fatal(err)
	}
	local := a.msrp.NewURI("")
	session, err := a.msrp.Accept(msrp.SessionConfig{Local: local, Remote: offer.Path, Handler: func(ctx context.Context, m *msrp.Incoming) error {
		b, err := io.ReadAll(m)
		if err != nil {
			return err
		}
		if a.seen != nil {
			a.seen(got{m.MessageID, m.ContentType, string(b)})
		}
		release, err := m.InOrder(ctx)
		if err != nil {
			return err
		}
		defer release()
		g := got{m.MessageID, m.ContentType, string(b)}
		if refuse != nil {
			if err := refuse(g); err != nil {
				if a.dies {
					go m.Session.Shutdown(a.ctx()) // when it has answered
				}
				return err
			}
		}
		if a.reply != nil {
			a.reply(m.Session)
		}
		mu.Lock()
		defer mu.Unlock()
		took = append(took, g)
		return nil
	}})
	if err != nil {
		a.t.Fatal(err)
	}
	defer session.Close()
	answer, err := (&msrp.Media{Host: local.Host, Port: local.Port, Path: msrp.Path{local}, AcceptTypes: types, Setup: msrp.SetupPassive}).Answer(leg.RemoteBody())
	if err != nil {
		a.t.Fatal(err)
	}
	if err := leg.Ack(a.ctx(), answer, sdpType); err != nil {
		a.t.Fatal(err)
	}
	resp = a.do(&mscp.SendMsg{FromURI: from, ToURI: to, ConnectionID: leg.ID().String()})
	if err := leg.Bye(a.ctx()); err != nil {
		a.t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	return took, resp
}

func bodies(took []got) string {
	var all []string
	for _, g := range took {
		all = append(all, g.body)
	}
	return strings.Join(all, ",")
}

// TestDyingUserAgent refuses a message for its size because it is about to leave:
// that is not for good.
func TestDyingUserAgent(t *testing.T) {
	a := newFakeAS(t, nil)
	a.leave(text("one"), text("two"))
	a.dies = true
	took, resp := a.push([]string{"*"}, func(g got) error {
		if g.body == "two" {
			return &msrp.StatusError{Code: 413, Reason: "leaving"}
		}
		return nil
	})
	if _, ok := resp.(*mscp.MsgNotSended); !ok || bodies(took) != "one" {
		t.Errorf("took %s: %+v", bodies(took), resp)
	}
	a.wantKept(1)
	if aside := a.ms.Store().Aside(bob); len(aside) != 0 {
		t.Errorf("set aside: %+v", aside)
	}
	if took, _ := a.push([]string{"*"}, nil); bodies(took) != "two" {
		t.Errorf("took %s", bodies(took))
	}
}

// TestRefusedForNow has a user agent answer that the moment is wrong: the push ends, and
// what was not on its way by then stays as well.
func TestRefusedForNow(t *testing.T) {
	for _, tc := range []struct {
		window      int
		first, then string
	}{
		{1, "one", "two,three"},
		{16, "one,three", "two"},
	} {
		a := newFakeAS(t, func(c *Config) { c.Push.Window = tc.window })
		a.leave(text("one"), text("two"), text("three"))
		behind := make(chan struct{})
		came := sync.OnceFunc(func() { close(behind) })
		a.seen = func(g got) {
			if g.body == "three" {
				came()
			}
		}
		took, resp := a.push([]string{"*"}, func(g got) error {
			if g.body == "two" {
				if tc.window > 1 {
					<-behind // which is on its way before the refusal
				}
				return &msrp.StatusError{Code: 408, Reason: "busy"}
			}
			return nil
		})
		if r, ok := resp.(*mscp.MsgNotSended); !ok || bodies(took) != tc.first || strings.HasPrefix(r.Reason, mscp.ReasonDevice) {
			t.Errorf("window %d: took %s: %+v", tc.window, bodies(took), resp)
		}
		a.wantKept(3 - len(took))
		if took, _ := a.push([]string{"*"}, nil); bodies(took) != tc.then {
			t.Errorf("window %d: took %s", tc.window, bodies(took))
		}
	}
}

// TestWindow holds all answers back: no more than a window of messages comes,
// in their order, and none is deleted.
func TestWindow(t *testing.T) {
	const window = 4
	a := newFakeAS(t, func(c *Config) { c.Push.Window = window })
	var messages []msrp.Message
	for i := range 20 {
		messages = append(messages, text(string(rune('a'+i))))
	}
	a.leave(messages...)
	answer := make(chan struct{})
	came := make(chan string, len(messages))
	a.seen = func(g got) {
		came <- g.body
		<-answer
	}
	type result struct {
		took []got
		resp mscp.Element
	}
	done := make(chan result)
	go func() {
		took, resp := a.push([]string{"*"}, nil)
		done <- result{took, resp}
	}()
	first := map[string]bool{}
	for range window {
		first[<-came] = true
	}
	if !first["a"] || !first["b"] || !first["c"] || !first["d"] {
		t.Errorf("the first are %v", first)
	}
	select {
	case more := <-came:
		t.Errorf("%s came beyond the window", more)
	case <-time.After(50 * time.Millisecond): // it must not happen, so there is no event
	}
	a.wantKept(len(messages))
	close(answer)
	r := <-done
	if _, ok := r.resp.(*mscp.MsgSended); !ok || bodies(r.took) != "a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q,r,s,t" {
		t.Errorf("took %s: %+v", bodies(r.took), r.resp)
	}
	a.wantKept(0)
}

// TestCPIM pushes to user agents that name message/cpim, or do not.
func TestCPIM(t *testing.T) {
	for name, tc := range map[string]struct {
		types   []string
		message msrp.Message
		off     bool
		wrapped bool
	}{
		"named":            {[]string{"message/cpim", "text/plain"}, text("hi"), false, true},
		"not named":        {[]string{"*"}, text("hi"), false, false},
		"nothing else":     {[]string{"message/cpim"}, text("hi"), false, true},
		"no other way":     {[]string{"message/cpim", "image/png"}, msrp.Message{ContentType: "image/png", Body: strings.NewReader("hi"), Size: 2}, true, false},
		"any inside":       {[]string{"message/cpim", "*"}, text("hi"), false, true},
		"switched off":     {[]string{"message/cpim", "*"}, text("hi"), true, false},
		"is CPIM":          {[]string{"message/cpim", "*"}, msrp.Message{ContentType: "message/cpim", Body: strings.NewReader("hi"), Size: 2}, false, false},
		"type of a family": {[]string{"message/cpim", "text/*"}, text("hi"), false, true},
	} {
		t.Run(name, func(t *testing.T) {
			a := newFakeAS(t, func(c *Config) { c.Push.CPIM = !tc.off })
			a.leave(tc.message)
			took, resp := a.push(tc.types, nil)
			if len(took) != 1 {
				t.Fatalf("took %+v: %+v", took, resp)
			}
			if !tc.wrapped {
				if took[0].body != "hi" || took[0].contentType != tc.message.ContentType {
					t.Errorf("took %+v", took[0])
				}
				return
			}
			m, err := cpim.Read(strings.NewReader(took[0].body))
			if err != nil || took[0].contentType != msrp.TypeCPIM {
				t.Fatalf("took %+v: %v", took[0], err)
			}
			body, err := io.ReadAll(m.Body)
			left, errTime := m.Sent()
			if err != nil || string(body) != "hi" || m.ContentType() != "text/plain" || m.Value(cpim.From) != "<"+alice+">" || m.Value(cpim.To) != "<"+bob+">" ||
				errTime != nil || time.Since(left) > time.Hour {
				t.Errorf("took %+v", took[0])
			}
		})
	}
}

// TestNotKept sends what is no message: it is answered and forgotten, unless it
// is to be kept.
func TestNotKept(t *testing.T) {
	for _, keep := range []bool{false, true} {
		a := newFakeAS(t, func(c *Config) { c.KeepNotifications = keep })
		a.leave(msrp.Message{ContentType: "application/im-iscomposing+xml; charset=utf-8", Body: strings.NewReader("<x/>"), Size: 4},
			msrp.Message{ContentType: msrp.TypeIMDN, Body: strings.NewReader("<y/>"), Size: 4}, text("hi"))
		if keep {
			a.wantKept(3)
		} else {
			a.wantKept(1)
		}
	}
}

// TestDuplicate leaves one message twice, as a sender does that got no answer.
func TestDuplicate(t *testing.T) {
	a := newFakeAS(t, nil)
	again := func() msrp.Message {
		m := text("once")
		m.MessageID = "m1"
		return m
	}
	a.leave(again())
	a.leave(again())
	a.wantKept(1)
}

// TestExpired lets the time of a message pass.
func TestExpired(t *testing.T) {
	a := newFakeAS(t, func(c *Config) { c.TimeToLive = time.Hour })
	a.leave(text("old"))
	a.ms.expireNow(time.Now().Add(59 * time.Minute))
	a.wantKept(1)
	a.ms.expireNow(time.Now().Add(61 * time.Minute))
	a.wantKept(0)
}

// TestFull fills the store: callers are refused with 503, until there is room.
func TestFull(t *testing.T) {
	a := newFakeAS(t, func(c *Config) { c.Limits.TotalBytes = 10 })
	a.leave(text("0123456789"))
	local := a.msrp.NewURI("")
	offer, err := (&msrp.Media{Host: local.Host, Port: local.Port, Path: msrp.Path{local}, AcceptTypes: []string{"*"}, Setup: msrp.SetupActive}).Offer()
	if err != nil {
		t.Fatal(err)
	}
	_, err = a.ua.Invite(a.ctx(), sipua.InviteRequest{
		URI: "sip:ms@" + a.ms.Addr(), From: a.ua.Contact(), To: "sip:ms@" + a.ms.Addr(), Body: offer, ContentType: sdpType,
	})
	var status *sipua.StatusError
	if !errors.As(err, &status) || status.Code != 503 {
		t.Errorf("got %v", err)
	}
	if took, _ := a.push([]string{"*"}, nil); len(took) != 1 {
		t.Errorf("took %+v", took)
	}
	a.leave(text("fits"))
}

// TestMetrics scrapes after a message has come and gone.
func TestMetrics(t *testing.T) {
	a := newFakeAS(t, nil)
	a.leave(text("one"), text("two"))
	a.push([]string{"*"}, func(g got) error {
		if g.body == "one" {
			return &msrp.StatusError{Code: 415, Reason: "no"}
		}
		return nil
	})
	families, err := a.ms.metrics.reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			values[f.GetName()] += m.GetGauge().GetValue() + m.GetCounter().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	for name, want := range map[string]float64{
		"mscp_mediaserver_messages_stored_total": 2, "mscp_mediaserver_messages_delivered_total": 1, "mscp_mediaserver_messages_deleted_total": 1,
		"mscp_mediaserver_store_aside_messages": 0, "mscp_mediaserver_messages_withheld_total": 1, "mscp_mediaserver_messages_given_up_total": 0, "mscp_mediaserver_store_messages": 1, "mscp_mediaserver_store_bytes": 3, "mscp_mediaserver_commit_duration_seconds": 2,
		"mscp_mediaserver_messages_undelivered_total": 0, "mscp_mediaserver_messages_expired_total": 0, "mscp_mediaserver_messages_over_limit_total": 0,
	} {
		if got, ok := values[name]; !ok || got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	if values["mscp_mediaserver_store_file_bytes"] == 0 || values["mscp_mediaserver_store_oldest_message_timestamp_seconds"] == 0 || values["mscp_mediaserver_store_transaction_duration_seconds"] == 0 {
		t.Errorf("nothing of the store: %v", values)
	}
}
