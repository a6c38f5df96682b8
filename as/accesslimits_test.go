package as

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/gomscp/gomscp/sipua"
)

func TestRate(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	l := newLimiter(LimitsConfig{SourceRate: 0.5, SourceBurst: 3}, nil, time.Second)
	l.now = func() time.Time { return now }
	a, b := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
	take := func(from netip.Addr, n int) (taken int) {
		for range n {
			if l.source(from) == nil {
				taken++
			}
		}
		return taken
	}
	if got := take(a, 5); got != 3 {
		t.Errorf("%d of a burst of 3", got)
	}
	if over := l.source(a); over == nil || over.seconds() != "2" {
		t.Errorf("after the burst: %+v", over)
	}
	if got := take(b, 1); got != 1 {
		t.Error("another source has to wait as well")
	}
	now = now.Add(3 * time.Second)
	if got := take(a, 5); got != 1 {
		t.Errorf("%d in 3 s at one in 2 s", got)
	}
	now = now.Add(time.Hour)
	if got := take(a, 5); got != 3 {
		t.Errorf("%d after a long pause", got)
	}
	l.set(LimitsConfig{})
	if got := take(a, 50); got != 50 {
		t.Errorf("%d of 50 without a limit", got)
	}
}

// TestCallLimits makes one call too many in each way, and one more when the first
// has ended.
func TestCallLimits(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*LimitsConfig)
		code   int
		// whether another caller, or another recipient, may call nevertheless
		caller, recipient bool
	}{
		rejectCalls:          {func(l *LimitsConfig) { l.Calls = 1 }, 503, false, false},
		rejectCallerCalls:    {func(l *LimitsConfig) { l.CallerCalls = 1 }, 480, true, false},
		rejectRecipientCalls: {func(l *LimitsConfig) { l.RecipientCalls = 1 }, 486, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			ms, c, ctx := newFakeMS(t), newCaller(t), testContext(t)
			s := startAS(t, func(c *Config) { tc.change(&c.Limits); c.Store.RetryAfter = 7 * time.Second }, ms)
			invite := func(from, to string) (*sipua.Call, error) {
				call, err := c.ua.Invite(ctx, sipua.InviteRequest{
					URI: to, From: from, To: to, Destination: s.Addr(), Body: []byte(testOffer), ContentType: sdpType,
				})
				if err != nil {
					return nil, err
				}
				return call, call.Ack(ctx, nil, "")
			}
			first, err := invite("sip:alice@example.com", "sip:bob@example.com")
			if err != nil {
				t.Fatal(err)
			}
			_, err = invite("sip:alice@example.com", "sip:bob@example.com")
			wantStatus(t, err, tc.code)
			if !strings.Contains(c.heads(), "Retry-After: 7") {
				t.Errorf("no Retry-After: %s", c.heads())
			}
			if _, err := invite("sip:carol@example.com", "sip:bob@example.com"); (err == nil) != tc.caller {
				t.Errorf("another caller: %v", err)
			}
			if _, err := invite("sip:alice@example.com", "sip:dave@example.com"); (err == nil) != tc.recipient {
				t.Errorf("another recipient: %v", err)
			}
			if err := first.Bye(ctx); err != nil {
				t.Error(err)
			}
			waitFor(t, "room for the next call", func() bool {
				_, err := invite("sip:alice@example.com", "sip:bob@example.com")
				return err == nil
			})
		})
	}
}

func TestCallerRate(t *testing.T) {
	ms, c := newFakeMS(t), newCaller(t)
	s := startAS(t, func(c *Config) { c.Limits.CallerRate, c.Limits.CallerBurst = 0.001, 2 }, ms)
	for i := range 4 {
		_, err := c.call(testContext(t), s, testOffer)
		if i < 2 && err != nil {
			t.Errorf("call %d of a burst of 2: %v", i+1, err)
		}
		if i >= 2 {
			wantStatus(t, err, 480)
		}
	}
	wantRejected(t, s, rejectCallerRate, 2)
}

// TestSourceRate floods the server as a stranger, who soon hears no more than that
// he is to wait.
func TestSourceRate(t *testing.T) {
	ms, c := newFakeMS(t), newCaller(t)
	s := startAS(t, func(c *Config) {
		strangersOnly(c)
		c.Limits.SourceRate, c.Limits.SourceBurst = 0.001, 2
	}, ms)
	for i := range 4 {
		_, err := c.call(testContext(t), s, testOffer)
		wantStatus(t, err, []int{403, 403, 503, 503}[i])
	}
	wantRejected(t, s, rejectStranger, 2)
	wantRejected(t, s, rejectSourceRate, 2)
}

// TestStrangersCalls holds what users who do not call through a peer may have: less than
// peers in all, and less each.
func TestStrangersCalls(t *testing.T) {
	l := newLimiter(LimitsConfig{Calls: 5, ReservedCalls: 2, UserCalls: 2}, nil, time.Second)
	begin := func(caller string, stranger bool, want string) (end func()) {
		t.Helper()
		end, over := l.begin(caller, "sip:bob@example.com", stranger)
		got := ""
		if over != nil {
			got = over.why
		}
		if got != want {
			t.Fatalf("%s: %q, want %q", caller, got, want)
		}
		return end
	}
	begin("a", true, "")
	one := begin("a", true, "")
	begin("a", true, rejectUserCalls)
	begin("b", true, "")
	begin("c", true, rejectReservedCalls)
	begin("a", false, "")
	begin("p", false, "")
	begin("p", false, rejectCalls)
	one()
	begin("p", false, "")
	begin("c", true, rejectCalls)
	if code, _ := (&overLimit{why: rejectReservedCalls}).code(); code != 503 {
		t.Errorf("%d for what is reserved", code)
	}
	if code, _ := (&overLimit{why: rejectUserCalls}).code(); code != 480 {
		t.Errorf("%d for a user's own limit", code)
	}
	l.set(LimitsConfig{Calls: 3, ReservedCalls: 5})
	begin("d", true, rejectCalls)
}
