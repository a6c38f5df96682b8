package sipua

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gomscp/gomscp/internal/testutil"
)

// TestLastNotify ends a subscription: the NOTIFY that follows the SUBSCRIBE with
// Expires: 0 is answered with 200, before and behind the response, until it has come
// or may come no more. See RFC 6665, sections 4.1.2.3 and 4.4.1.
func TestLastNotify(t *testing.T) {
	const final = "Subscription-State: terminated;reason=timeout"
	type step struct {
		tag, state string
		want       string
	}
	late := []step{{"pres", final, "200"}, {"pres", final, "481"}}
	together(t, map[string]struct {
		before, after []step // the response to the SUBSCRIBE that ends it
		refused       bool   // it gets 481
	}{
		"behind the 200":  {nil, late, false},
		"before the 200":  {late, nil, false},
		"after a change":  {nil, append([]step{{"pres", "Subscription-State: active;expires=5", "200"}}, late...), false},
		"of another fork": {[]step{{"other", final, "481"}}, late, false},
		"refused":         {nil, []step{{"pres", final, "481"}}, true},
		"without a state": {nil, append([]step{{"pres", "X: y", "400"}}, late...), false},
	}, func(t *testing.T, _ string, tc struct {
		before, after []step
		refused       bool
	}) {
		var p *playedNotifier
		seq := 1
		var first string
		play := func(steps []step) {
			for _, st := range steps {
				seq++
				p.send(p.notify(first, st.tag, seq, "", st.state))
				if code := p.status(seq); code != st.want {
					t.Errorf("%s of %s got %s, want %s", st.state, st.tag, code, st.want)
				}
			}
		}
		ended, over := make(chan string, 1), make(chan struct{})
		p = playNotifier(t, "udp", "127.0.0.1:0", func(p *playedNotifier, n int, m string) []string {
			if testutil.Field(m, "Expires") == "0" {
				ended <- m
				return nil
			}
			return []string{p.response(m, "200 OK", "pres", "Expires: 600"), p.notify(m, "pres", 1, "", "Subscription-State: active")}
		})
		s, got := watchOver(t, p, quickTimers(), nil)
		p.status(1)
		<-got
		first = p.await(1).message
		go func() { s.Close(); close(over) }()
		last := <-ended
		if testutil.Field(last, "Call-ID") != testutil.Field(first, "Call-ID") || !strings.Contains(testutil.Field(last, "To"), "tag=pres") {
			t.Errorf("the last SUBSCRIBE is\n%s", last)
		}
		play(tc.before)
		if tc.refused {
			p.send(p.response(last, "481 Gone", "pres"))
		} else {
			p.send(p.response(last, "200 OK", "pres", "Expires: 0"))
		}
		await(t, "the end", over)
		play(tc.after)
		if len(got) > 0 {
			t.Error("a notification is handed on after Close")
		}
	})
}

// TestLastNotifyComesNoMore forgets a subscription that has ended when Timer N is
// over.
func TestLastNotifyComesNoMore(t *testing.T) {
	p := playNotifier(t, "udp", "127.0.0.1:0", func(p *playedNotifier, n int, m string) []string {
		return []string{p.response(m, "200 OK", "pres", "Expires: "+testutil.Field(m, "Expires")), p.notify(m, "pres", n+1, "", "Subscription-State: active")}
	})
	tm := quickTimers()
	tm.notify = 200 * time.Millisecond
	s, _ := watchOver(t, p, tm, nil)
	p.status(1)
	s.Close()
	p.ua.subs.mu.Lock()
	n := len(p.ua.subs.ending)
	p.ua.subs.mu.Unlock()
	if n != 1 {
		t.Errorf("%d subscriptions wait for their last NOTIFY", n)
	}
	for end := time.Now().Add(5 * time.Second); n > 0 && time.Now().Before(end); time.Sleep(time.Millisecond) {
		p.ua.subs.mu.Lock()
		n = len(p.ua.subs.ending) + len(p.ua.subs.live) + len(p.ua.subs.notifiers)
		p.ua.subs.mu.Unlock()
	}
	if n != 0 {
		t.Error("something is left of it")
	}
	p.send(p.notify(p.await(1).message, "pres", 9, "", "Subscription-State: terminated"))
	if code := p.status(9); code != "481" {
		t.Errorf("the NOTIFY got %s", code)
	}
}

// TestForkedSubscribe has the response come from one branch of a fork and the first
// NOTIFY from another: that makes the dialog, with its route set, and the other
// branch is refused. See RFC 6665, section 4.4.1, and RFC 3856, section 6.9.
func TestForkedSubscribe(t *testing.T) {
	for _, early := range []bool{false, true} {
		t.Run(fmt.Sprint("NOTIFY first: ", early), func(t *testing.T) {
			p := playNotifier(t, "udp", "127.0.0.1:0", func(p *playedNotifier, n int, m string) []string {
				if n > 0 {
					return []string{p.response(m, "200 OK", "", "Expires: 600"), p.notify(m, "two", 2, "", "Subscription-State: active")}
				}
				route := "Record-Route: <sip:wrong@192.0.2.1;lr>"
				res := strings.Replace(p.response(m, "200 OK", "one", "Expires: 600", route), "sip:pres@", "sip:first@", 1)
				notify := p.notify(m, "two", 1, "", "Subscription-State: active;expires=600", "Record-Route: <sip:right@"+p.destination()+";lr>")
				if early {
					return []string{notify, res}
				}
				return []string{res, notify}
			})
			s, got := watchOver(t, p, quickTimers(), func(r *SubscribeRequest) {
				next := r.OnNotify
				r.OnNotify = func(n Notification) {
					next(n)
					if n.CSeq == 1 {
						n.AskAgain()
					}
				}
			})
			defer s.Close()
			if code := p.status(1); code != "200" {
				t.Fatalf("the first NOTIFY got %s", code)
			}
			<-got
			p.send(p.notify(p.await(1).message, "one", 7, "", "Subscription-State: active"))
			if code := p.status(7); code != "481" {
				t.Errorf("the other branch got %s", code)
			}
			refresh := p.await(2).message
			if !strings.HasPrefix(refresh, "SUBSCRIBE sip:pres@") || !strings.HasSuffix(testutil.Field(refresh, "To"), ";tag=two") || !strings.Contains(testutil.Field(refresh, "Route"), "right@") {
				t.Errorf("the refresh is\n%s", refresh)
			}
		})
	}
}

// TestRefusedNotifications sends NOTIFYs that cannot be taken, and such that can.
func TestRefusedNotifications(t *testing.T) {
	const active, event = "Subscription-State: active", "Event: presence"
	p := playNotifier(t, "udp", "127.0.0.1:0", func(p *playedNotifier, n int, m string) []string {
		return []string{p.response(m, "200 OK", "pres", "Expires: "+testutil.Field(m, "Expires")), p.notify(m, "pres", 10, "", active)}
	})
	s, got := watchOver(t, p, quickTimers(), nil)
	defer s.Close()
	p.status(10)
	<-got
	subscribe := p.await(1).message
	for i, tc := range []struct {
		tag     string
		seq     int
		headers []string
		want    string
	}{
		{"pres", 11, []string{event}, "400"},
		{"pres", 12, []string{event, active, active}, "400"},
		{"pres", 13, []string{event, "Subscription-State: ;expires=5"}, "400"},
		{"pres", 14, []string{event, "Subscription-State: very active"}, "400"},
		{"pres", 15, []string{event, "Subscription-State: active;=5"}, "400"},
		{"pres", 16, []string{active, "Without: Event"}, "400"},
		{"pres", 17, []string{"Event: reg", active}, "489"},
		{"pres", 18, []string{"Event: Presence", active}, "489"},
		{"pres", 19, []string{"Event: presence;id=7", active}, "481"},
		{"other", 20, []string{event, active}, "481"},
		{"pres", 9, []string{event, active}, "500"},
		{"pres", 10, []string{event, active}, "200"}, // of a notifier that does not count
		{"pres", 21, []string{"Event: presence;x=y", "Subscription-State: active;expires=later"}, "200"},
		{"pres", 22, []string{"o: presence", "Subscription-State: Active ; expires = 500 ; reason=x"}, "200"},
		{"pres", 23, []string{event, "Subscription-State: waiting"}, "200"}, // an extension
	} {
		headers := tc.headers
		if headers[0] == "o: presence" {
			headers = append(headers, "Without: Event")
		}
		p.send(p.notify(subscribe, tc.tag, tc.seq, fmt.Sprint(i), headers...))
		if code := p.status(tc.seq); code != tc.want {
			t.Errorf("%d: %s got %s, want %s", i, tc.headers, code, tc.want)
		}
		select {
		case n := <-got:
			if tc.want != "200" || string(n.Body) != fmt.Sprint(i) || n.Solicited {
				t.Errorf("%d: handed on: %+v", i, n)
			}
		default:
			if tc.want == "200" {
				t.Errorf("%d: not handed on", i)
			}
		}
	}
}
