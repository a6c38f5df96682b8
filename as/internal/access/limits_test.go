package access

import (
	"net/netip"
	"testing"
	"time"
)

func TestRate(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	l := newLimiter(Limits{SourceRate: 0.5, SourceBurst: 3}, nil, time.Second)
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
	if over := l.source(a); over == nil || over.RetryAfter() != "2" {
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
	l.set(Limits{})
	if got := take(a, 50); got != 50 {
		t.Errorf("%d of 50 without a limit", got)
	}
}

// TestStrangersCalls holds what users who do not call through a peer may have: less than
// peers in all, and less each.
func TestStrangersCalls(t *testing.T) {
	l := newLimiter(Limits{Calls: 5, ReservedCalls: 2, UserCalls: 2}, nil, time.Second)
	begin := func(caller string, stranger bool, want string) (end func()) {
		t.Helper()
		end, over := l.begin(caller, "sip:bob@example.com", stranger)
		got := ""
		if over != nil {
			got = over.Why
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
	if code, _ := (&OverLimit{Why: rejectReservedCalls}).Code(); code != 503 {
		t.Errorf("%d for what is reserved", code)
	}
	if code, _ := (&OverLimit{Why: rejectUserCalls}).Code(); code != 480 {
		t.Errorf("%d for a user's own limit", code)
	}
	l.set(Limits{Calls: 3, ReservedCalls: 5})
	begin("d", true, rejectCalls)
}

// TestCallOfOneself counts who is caller and recipient at once, in both roles.
func TestCallOfOneself(t *testing.T) {
	l := newLimiter(Limits{}, nil, 0)
	end, over := l.begin("a", "a", false)
	if over != nil {
		t.Fatal(over)
	}
	end()
	if len(l.byCaller)+len(l.byRecipient) != 0 {
		t.Errorf("still counted: %v, %v", l.byCaller, l.byRecipient)
	}
}
