package sipua

import (
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gomscp/gomscp/internal/testutil"
	"github.com/gomscp/gomscp/sipua/internal/grammar"
)

// TestTerminations has a notifier accept each SUBSCRIBE and end the subscription at
// once: the reason decides when it is asked again, and the pauses grow although a
// 200 comes in between.
func TestTerminations(t *testing.T) {
	t.Parallel()
	const ms = time.Millisecond
	never := []time.Duration{}
	growing := []time.Duration{50 * ms, 100 * ms, 200 * ms, 200 * ms}
	atOnce := append([]time.Duration{0}, growing...)
	after := []time.Duration{time.Second}
	together(t, map[string][]time.Duration{
		"terminated;reason=deactivated":                atOnce,
		"terminated;reason=deactivated;retry-after=60": atOnce,
		"Terminated; Reason=Timeout":                   atOnce,
		"terminated;reason=timeout;retry-after=60":     atOnce,
		"terminated;reason=probation":                  growing,
		"terminated;reason=probation;retry-after=1":    after,
		"terminated;reason=giveup":                     growing,
		"terminated ; retry-after = 1 ; reason=giveup": after,
		"terminated":                                    growing,
		"terminated;retry-after=1":                      after,
		"terminated;reason=lunch":                       growing,
		"terminated;reason=lunch;retry-after=1":         after,
		"terminated;expires=0;reason=lunch;x=\"a;b\"":   growing,
		"terminated;reason=giveup;retry-after=soon":     growing,
		"terminated;reason=rejected":                    never,
		"terminated;reason=rejected;retry-after=0":      never,
		"terminated;reason=noresource":                  never,
		"terminated;reason=invariant":                   never,
		"terminated;reason=invariant;retry-after=1":     never,
		"terminated;reason=noresource;retry-after=junk": never,
	}, func(t *testing.T, state string, want []time.Duration) {
		p := playNotifier(t, "udp", "127.0.0.1:0", func(p *playedNotifier, n int, m string) []string {
			return []string{p.response(m, "200 OK", "pres", "Expires: 600"), p.notify(m, "pres", 1, "", "Subscription-State: "+state)}
		})
		s, _ := watchOver(t, p, quickTimers(), nil)
		defer s.Close()
		if len(want) == 0 {
			p.status(1)
			time.Sleep(300 * ms) // nothing must come, so there is no event
			if n := len(p.all()); n != 1 {
				t.Errorf("%d SUBSCRIBEs", n)
			}
			return
		}
		p.await(len(want) + 1)
		all := p.all()
		for i, least := range want {
			gap := all[i+1].at.Sub(all[i].at)
			if most := least*4/3 + 250*ms; gap < least-ms || gap > most {
				t.Errorf("pause %d was %v, want %v to %v", i, gap, least, most)
			}
			if testutil.Field(all[i+1].message, "Call-ID") == testutil.Field(all[i].message, "Call-ID") || strings.Contains(testutil.Field(all[i+1].message, "To"), "tag=") {
				t.Errorf("SUBSCRIBE %d is none of a new subscription", i+1)
			}
		}
	})
}

// TestPausesBeginAnew has a subscription end again and again: only one that has
// lived for a while is followed by a short pause.
func TestPausesBeginAnew(t *testing.T) {
	tm := quickTimers().withDefaults()
	s := &Subscription{table: newSubscriptions(nil), ua: &agent{log: slog.New(slog.DiscardHandler)}}
	s.ua.cfg.timers = tm
	s.notifier = &notifier{log: changeLog{ua: s.ua}}
	s.ua.ctx = t.Context()
	s.pauses.timers = &tm
	now := time.Now()
	for i, tc := range []struct{ lived, least time.Duration }{
		{0, 0}, {time.Second, 50}, {time.Second, 100}, {59 * time.Second, 200}, {time.Second, 200}, {time.Minute, 0}, {time.Second, 50},
	} {
		s.confirmed, s.since = true, now
		now = now.Add(tc.lived)
		s.setBack(now, setback{cause: "x", remedy: askAtOnce, ends: true})
		if least, got := tc.least*time.Millisecond, s.due.Sub(now); got < least || got > least*4/3+1 {
			t.Errorf("%d: a pause of %v, want about %v", i, got, least)
		}
	}
}

// TestPauses checks the pauses of each remedy, and that of a peer is kept and bounded.
func TestPauses(t *testing.T) {
	tm := timers{}.withDefaults()
	for name, tc := range map[string]struct {
		b     setback
		least []time.Duration
	}{
		"503":                   {refusedSubscribe(503, "", 0, false), []time.Duration{1, 2, 4, 8, 16, 32, 60, 60}},
		"503, Retry-After 90":   {refusedSubscribe(503, "", 90*time.Second, true), []time.Duration{90, 90, 90}},
		"480, Retry-After 2":    {refusedSubscribe(480, "", 2*time.Second, false), []time.Duration{2, 2, 4, 8}},
		"489":                   {refusedSubscribe(489, "", 0, false), []time.Duration{60, 120, 240, 480, 960, 1920, 3600, 3600}},
		"481 to a refresh":      {refusedSubscribe(481, "", 0, true), []time.Duration{0, 1, 2, 4}},
		"481 to the first":      {refusedSubscribe(481, "", 0, false), []time.Duration{1, 2, 4}},
		"rejected":              {termination(subscriptionState{reason: "rejected", retryAfter: time.Second}), []time.Duration{3600, 3600}},
		"giveup for a year":     {termination(subscriptionState{reason: "giveup", retryAfter: 31536000 * time.Second}), []time.Duration{3600}},
		"invariant for a year":  {termination(subscriptionState{reason: "invariant", retryAfter: 31536000 * time.Second}), []time.Duration{3600}},
		"deactivated, 60":       {termination(subscriptionState{reason: "deactivated", retryAfter: time.Minute}), []time.Duration{0, 1, 2}},
		"of a code to come":     {refusedSubscribe(499, "", 0, false), []time.Duration{1, 2}},
		"a redirection":         {refusedSubscribe(302, "", 0, false), []time.Duration{60}},
		"603 with Retry-After":  {refusedSubscribe(603, "", 100*time.Second, false), []time.Duration{100, 120}},
		"600, Retry-After 1000": {refusedSubscribe(600, "", 1000*time.Second, false), []time.Duration{1000}},
	} {
		p := pauses{timers: &tm}
		for i, least := range tc.least {
			least *= time.Second
			if d := p.step(tc.b.remedy, tc.b.after); d < least || d > least*4/3+time.Second {
				t.Errorf("%s: pause %d is %v, want %v or a little more", name, i, d, least)
			}
		}
	}
}

// TestRefusalsOfARefresh checks which codes end a subscription. See RFC 6665, section
// 4.1.2.2.
func TestRefusalsOfARefresh(t *testing.T) {
	ending := map[int]bool{404: true, 405: true, 410: true, 416: true, 480: true, 481: true, 482: true, 483: true, 484: true, 485: true, 489: true, 501: true, 604: true}
	for code := 300; code < 700; code++ {
		if b := refusedSubscribe(code, "", 0, true); b.ends != ending[code] {
			t.Errorf("%d ends the subscription: %v", code, b.ends)
		}
		if b := refusedSubscribe(code, "", 0, false); !b.ends {
			t.Errorf("%d to the first SUBSCRIBE leaves a dialog", code)
		}
	}
}

// TestRetryAfter reads the header in all its forms.
func TestRetryAfter(t *testing.T) {
	for value, want := range map[string]time.Duration{
		"18000;duration=3600": time.Hour, "120 (I'm in a meeting)": 2 * time.Minute, "5": 5 * time.Second, " 7 ;duration=60": 7 * time.Second,
		"9(now)": 9 * time.Second, "99999999999999999999": time.Hour, "0": 0, "": 0, "soon": 0, "-5": 0, "5.5": 0, "5 minutes": 0, "Fri, 31 Dec 1999 23:59:59 GMT": 0,
	} {
		d, _ := grammar.RetryAfter(value)
		if got := min(d, MaxRetryAfter); got != want {
			t.Errorf("%q is %v, want %v", value, got, want)
		}
	}
}

// TestSubscribeIsRefusedForAWhile keeps the Retry-After of a 503 on the wire, and the
// subscription of a refresh that gets one.
func TestSubscribeIsRefusedForAWhile(t *testing.T) {
	t.Parallel()
	p := playNotifier(t, "udp", "127.0.0.1:0", func(p *playedNotifier, n int, m string) []string {
		switch n {
		case 1, 3:
			return []string{p.response(m, "503 Service Unavailable", "pres", "Retry-After: 1 (busy);duration=5")}
		case 0:
			return []string{p.response(m, "200 OK", "pres", "Expires: 600"), p.notify(m, "pres", 1, "a", "Subscription-State: active")}
		}
		return []string{p.response(m, "200 OK", "pres", "Expires: 600"), p.notify(m, "pres", 2, "b", "Subscription-State: active;expires=600")}
	})
	tm := quickTimers()
	tm.retryMax = time.Minute
	s, _ := watchOver(t, p, tm, func(r *SubscribeRequest) { r.OnNotify = Notification.AskAgain }) // for a refresh soon
	defer s.Close()
	p.await(3)
	all := p.all()
	if gap := all[2].at.Sub(all[1].at); gap < time.Second {
		t.Errorf("asked again %v after a 503 with Retry-After: 1", gap)
	}
	if testutil.Field(all[1].message, "Call-ID") != testutil.Field(all[0].message, "Call-ID") {
		t.Error("the refresh is none")
	}
}

// TestSubscribeTooBrief asks for longer when the notifier wants that, in bounds.
func TestSubscribeTooBrief(t *testing.T) {
	type testCase struct {
		min  []string // of each 423
		want []string // the Expires that are asked for within the time of one attempt
	}
	together(t, map[string]testCase{
		"once":         {[]string{"7200"}, []string{"600", "7200"}},
		"twice":        {[]string{"7200", "14400"}, []string{"600", "7200", "14400"}},
		"for ever":     {[]string{"7200", "14400", "28800", "28800"}, []string{"600", "7200", "14400"}},
		"not longer":   {[]string{"600"}, []string{"600"}},
		"shorter":      {[]string{"60"}, []string{"600"}},
		"not said":     {[]string{""}, []string{"600"}},
		"nonsense":     {[]string{"much"}, []string{"600"}},
		"for a year":   {[]string{"31536000"}, []string{"600"}},
		"beyond 2^32":  {[]string{"99999999999"}, []string{"600"}},
		"with a blank": {[]string{" 7200 "}, []string{"600", "7200"}},
	}, func(t *testing.T, _ string, tc testCase) {
		p := playNotifier(t, "udp", "127.0.0.1:0", func(p *playedNotifier, n int, m string) []string {
			if n < len(tc.min) {
				return []string{p.response(m, "423 Interval Too Brief", "x", "Min-Expires: "+tc.min[n])}
			}
			return []string{p.response(m, "200 OK", "pres", "Expires: "+testutil.Field(m, "Expires")), p.notify(m, "pres", 1, "", "Subscription-State: active")}
		})
		s, _ := watchOver(t, p, quickTimers(), nil)
		defer s.Close()
		p.await(len(tc.want))
		if len(tc.want) <= len(tc.min) {
			time.Sleep(150 * time.Millisecond) // nothing must come
		} else {
			p.status(1)
		}
		all := p.all()
		var got []string
		for i, a := range all {
			got = append(got, testutil.Field(a.message, "Expires"))
			if seq := testutil.Field(a.message, "CSeq"); seq != fmt.Sprint(i+1, " SUBSCRIBE") || testutil.Field(a.message, "Call-ID") != testutil.Field(all[0].message, "Call-ID") {
				t.Errorf("attempt %d has CSeq %s, or another Call-ID", i, seq)
			}
		}
		if strings.Join(got, " ") != strings.Join(tc.want, " ") {
			t.Errorf("asked for %v, want %v", got, tc.want)
		}
	})
}

// TestNoNotify has a notifier accept, and send no NOTIFY in the time that it may
// take: the subscription is made anew. See RFC 6665, section 4.1.2.4.
func TestNoNotify(t *testing.T) {
	t.Parallel()
	p := playNotifier(t, "udp", "127.0.0.1:0", func(p *playedNotifier, n int, m string) []string {
		res := p.response(m, "202 Accepted", "pres", "Expires: 600")
		if n == 1 {
			return []string{res, p.notify(m, "pres", 1, "", "Subscription-State: active")} // and none for the refresh
		}
		return []string{res}
	})
	tm := quickTimers()
	tm.notify = 300 * time.Millisecond
	s, _ := watchOver(t, p, tm, func(r *SubscribeRequest) { r.OnNotify = Notification.AskAgain }) // for a refresh soon
	defer s.Close()
	p.await(4)
	all := p.all()
	id := func(i int) string { return testutil.Field(all[i].message, "Call-ID") }
	if id(1) == id(0) || id(2) != id(1) || id(3) == id(2) {
		t.Errorf("Call-IDs: %s, %s, %s, %s", id(0), id(1), id(2), id(3))
	}
	for _, i := range []int{1, 3} {
		if gap := all[i].at.Sub(all[i-1].at); gap < 300*time.Millisecond {
			t.Errorf("SUBSCRIBE %d came after %v, before a NOTIFY could be missed", i, gap)
		}
	}
}

// TestWhoSaysHowLong has the response and the NOTIFY say how long the subscription
// lasts: the NOTIFY counts, but a refresh comes as often as we want at the least.
func TestWhoSaysHowLong(t *testing.T) {
	t.Parallel()
	type testCase struct {
		response, state string
		early           bool // before the NOTIFY
		refreshed       bool // within 2.6 s
	}
	together(t, map[string]testCase{
		"the response":                {"Expires: 2", "active", false, true},
		"the response, NOTIFY before": {"Expires: 2", "active", true, true},
		"shortened":                   {"Expires: 600", "active;expires=2", false, true},
		"shortened, NOTIFY before":    {"Expires: 600", "active;expires=2", true, true},
		"shortened, pending":          {"Expires: 600", "pending;expires=2", false, true},
		"extended":                    {"Expires: 2", "active;expires=600", false, false},
		"extended, NOTIFY before":     {"Expires: 2", "active;expires=600", true, false},
		"nobody":                      {"X: y", "active", false, false},
		"nonsense":                    {"Expires: soon", "active;expires=later", false, false},
		"far beyond":                  {"Expires: 99999999999", "active;expires=99999999999", false, false},
	}, func(t *testing.T, _ string, tc testCase) {
		p := playNotifier(t, "udp", "127.0.0.1:0", func(p *playedNotifier, n int, m string) []string {
			res, notify := p.response(m, "200 OK", "pres", tc.response), p.notify(m, "pres", n+1, "", "Subscription-State: "+tc.state)
			if tc.early {
				return []string{notify, res}
			}
			return []string{res, notify}
		})
		s, _ := watchOver(t, p, quickTimers(), nil)
		defer s.Close()
		p.status(1)
		if tc.refreshed {
			if a := p.await(2); a.at.Sub(p.all()[0].at) > 2600*time.Millisecond || !strings.Contains(testutil.Field(a.message, "To"), "tag=pres") {
				t.Errorf("the second SUBSCRIBE, after %v, is\n%s", a.at.Sub(p.all()[0].at), a.message)
			}
			return
		}
		time.Sleep(2200 * time.Millisecond)
		if n := len(p.all()); n != 1 {
			t.Errorf("%d SUBSCRIBEs", n)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		if due := time.Until(s.due); due < 7*time.Minute || due > 9*time.Minute {
			t.Errorf("the refresh is due in %v", due)
		}
	})
}

// TestAskAgain has documents that cannot be used: they are asked for again after
// pauses that grow, until one can.
func TestAskAgain(t *testing.T) {
	t.Parallel()
	var good atomic.Bool
	p := playNotifier(t, "udp", "127.0.0.1:0", func(p *playedNotifier, n int, m string) []string {
		body := "nonsense"
		if n == 4 || n == 6 {
			body = "good"
		}
		return []string{p.response(m, "200 OK", "pres", "Expires: 600"), p.notify(m, "pres", n+1, body, "Subscription-State: active")}
	})
	s, _ := watchOver(t, p, quickTimers(), func(r *SubscribeRequest) {
		r.OnNotify = func(n Notification) {
			if n.Solicited != (n.CSeq < 9) {
				t.Errorf("NOTIFY %d, solicited %v", n.CSeq, n.Solicited)
			}
			if good.Store(string(n.Body) == "good"); !good.Load() {
				n.AskAgain()
			}
		}
	})
	defer s.Close()
	p.await(5)
	p.status(5)
	all := p.all()
	for i, least := range []time.Duration{50, 100, 200, 400} {
		if gap := all[i+1].at.Sub(all[i].at); gap < least*time.Millisecond {
			t.Errorf("pause %d was %v", i, gap)
		}
		if testutil.Field(all[i].message, "Call-ID") != testutil.Field(all[0].message, "Call-ID") {
			t.Error("it is no refresh")
		}
	}
	time.Sleep(100 * time.Millisecond)
	if n := len(p.all()); n != 5 {
		t.Errorf("asked again after a good document: %d SUBSCRIBEs", n)
	}
	sent := time.Now()
	p.send(p.notify(all[0].message, "pres", 9, "nonsense", "Subscription-State: active"))
	if gap := p.await(6).at.Sub(sent); gap > 300*time.Millisecond {
		t.Errorf("the pauses have not begun anew: %v", gap)
	}
}

// TestNotifyAfterALoss has a subscription end, by an answer to a refresh or by a NOTIFY,
// and begin anew: what the first NOTIFY of the new one says was not asked for by a refresh,
// as something may have changed that nobody has told.
func TestNotifyAfterALoss(t *testing.T) {
	t.Parallel()
	for name, lose := range map[string]func(p *playedNotifier, m string) []string{
		"481": func(p *playedNotifier, m string) []string {
			return []string{p.response(m, "481 Subscription Does Not Exist", "pres")}
		},
		"terminated": func(p *playedNotifier, m string) []string {
			return []string{p.response(m, "200 OK", "pres", "Expires: 600"), p.notify(m, "pres", 2, "x", "Subscription-State: terminated;reason=deactivated")}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := playNotifier(t, "udp", "127.0.0.1:0", func(p *playedNotifier, n int, m string) []string {
				if n == 1 {
					return lose(p, m)
				}
				return []string{p.response(m, "200 OK", "pres", "Expires: 600"), p.notify(m, "pres", n+1, "x", "Subscription-State: active")}
			})
			s, got := watchOver(t, p, quickTimers(), nil)
			defer s.Close()
			want := []bool{true, false}
			if name == "terminated" {
				want = []bool{true, true, false} // the one in the middle answers the refresh that it ends
			}
			for i, solicited := range want {
				select {
				case n := <-got:
					if n.Solicited != solicited {
						t.Errorf("NOTIFY %d: solicited %v, want %v", i, n.Solicited, solicited)
					}
					if i == 0 {
						s.refreshIfOlder(time.Now())
					}
				case <-time.After(10 * time.Second):
					t.Fatalf("NOTIFY %d has not come", i)
				}
			}
		})
	}
}
