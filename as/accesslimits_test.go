package as

import (
	"strings"
	"testing"
	"time"

	"github.com/gomscp/gomscp/sipua"
)

// TestCallLimits makes one call too many in each way, and one more when the first
// has ended.
func TestCallLimits(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*LimitsConfig)
		code   int
		// whether another caller, or another recipient, may call nevertheless
		caller, recipient bool
	}{
		"calls":           {func(l *LimitsConfig) { l.Calls = 1 }, 503, false, false},
		"caller_calls":    {func(l *LimitsConfig) { l.CallerCalls = 1 }, 480, true, false},
		"recipient_calls": {func(l *LimitsConfig) { l.RecipientCalls = 1 }, 486, false, true},
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
	wantRejected(t, s, "caller_rate", 2)
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
	wantRejected(t, s, "stranger", 2)
	wantRejected(t, s, "source_rate", 2)
}
