package sipua

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// A remedy is when a missing subscription is requested again.
type remedy int

const (
	// askAtOnce has no pause the first time, because the notifier works and has only
	// lost this subscription. If that repeats, the pauses grow.
	askAtOnce remedy = iota
	// askLater is for temporary causes: pauses of a second up to a minute.
	askLater
	// askSlowly is for causes that end only when a configuration is changed: pauses of a
	// minute up to an hour.
	askSlowly
	// askRarely is for causes after which a client SHOULD NOT ask again by RFC 6665: an
	// hour. It still asks, because otherwise only a restart would deliver the messages
	// that wait for the user.
	askRarely
)

// A setback is a reason why a subscription does not exist.
type setback struct {
	cause  string // in the log; a notifier has few different causes
	detail string // in the log
	remedy remedy
	after  time.Duration // the minimum that the notifier requires
	ends   bool          // the dialog is over
}

// termination is the setback of a NOTIFY that ends the subscription. Where the
// table has no retryAfter, the parameter "has no semantics". See RFC 6665, section
// 4.1.3.
func termination(st subscriptionState) setback {
	rule, known := terminationRules[st.reason]
	if !known {
		rule = terminationRule{askLater, true} // the client MAY ask at any time
	}
	b := setback{cause: "terminated", remedy: rule.remedy, ends: true}
	if st.reason != "" {
		b.cause += ";reason=" + st.reason
	}
	if rule.retryAfter {
		b.after = min(st.retryAfter, MaxRetryAfter)
	}
	return b
}

type terminationRule struct {
	remedy     remedy
	retryAfter bool // the parameter counts
}

var terminationRules = map[string]terminationRule{
	"deactivated": {askAtOnce, false}, // moved to another node: SHOULD retry immediately
	"timeout":     {askAtOnce, false}, // not refreshed in time: MAY re-subscribe immediately
	"probation":   {askLater, true},   // SHOULD retry at some later time
	"giveup":      {askLater, true},   // not authorized yet
	"rejected":    {askRarely, false}, // the policy has changed: SHOULD NOT
	"noresource":  {askRarely, false}, // there is nothing to watch: SHOULD NOT
	"invariant":   {askRarely, false}, // the state will not change: SHOULD NOT, whatever retry-after says
}

// refusedSubscribe is the setback of a response other than 2xx. A refresh leaves the
// subscription as it is unless the code ends it. See RFC 6665, sections 4.1.2.1 and
// 4.1.2.2, and RFC 3261, section 21.
func refusedSubscribe(code int, reason string, after time.Duration, refresh bool) setback {
	b := setback{cause: fmt.Sprint(code), detail: reason, remedy: askLater, after: after, ends: !refresh || endsUsage(code)}
	switch {
	case code == 481 && refresh:
		b.remedy, b.after = askAtOnce, 0 // the notifier has forgotten the subscription
	case asksInVain(code):
		b.remedy = askSlowly
	}
	return b
}

// endsUsage reports whether that response to a refresh ends the subscription.
func endsUsage(code int) bool {
	switch code {
	case 404, 405, 410, 416, 489, 501, 604:
		return true
	}
	return code >= 480 && code <= 485
}

// asksInVain reports whether the same SUBSCRIBE would get the same code again until a
// configuration is changed.
func asksInVain(code int) bool {
	switch code {
	case 400, 401, 402, 403, 407, // our request, our credentials, our rights
		404, 410, 604, 484, 485, // no such user, or not just one
		405, 489, 501, // no SUBSCRIBE there, or not for that package
		406, 415, 416, 420, 421, 423, 493, 494, 505, 606, // a capability
		414, 513, // too long
		603: // the user has said no
		return true
	}
	return code >= 300 && code < 400 // redirections are not followed
}

// pauses are the growing pauses of one subscription or registration.
type pauses struct {
	timers     *timers
	next, slow time.Duration // the next of each kind; 0 at the beginning
}

func (p *pauses) reset() { p.next, p.slow = 0, 0 }

// step returns the next pause. Up to a third of jitter separates subscriptions that were
// lost together. A minimum that the peer requires is kept.
func (p *pauses) step(r remedy, after time.Duration) time.Duration {
	t := p.timers
	var d time.Duration
	switch r {
	case askAtOnce:
		d, p.next = p.next, min(max(2*p.next, t.retryMin), t.retryMax)
	case askLater:
		d = max(p.next, t.retryMin)
		p.next = min(2*d, t.retryMax)
	case askSlowly:
		d = max(p.slow, t.slowMin)
		p.slow = min(2*d, t.slowMax)
	case askRarely:
		d = t.slowMax
	}
	d += rand.N(d/3 + 1)
	if after > 0 {
		d = max(d, after+rand.N(min(after/10, t.retryMax)+1))
	}
	return d
}
