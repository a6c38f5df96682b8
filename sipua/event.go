package sipua

import (
	"fmt"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/gomscp/gomscp/sipua/internal/grammar"
)

// A subscriptionState is the value of a Subscription-State header. See RFC 6665,
// section 8.2.3.
type subscriptionState struct {
	state      string // in lower case
	reason     string // in lower case
	expires    time.Duration
	hasExpires bool
	retryAfter time.Duration
}

// parseSubscriptionState reads the header, which must occur once. A time that cannot be
// read is ignored, because the state does not depend on it.
func parseSubscriptionState(headers []sip.Header) (st subscriptionState, err error) {
	if len(headers) != 1 {
		return st, fmt.Errorf("%d Subscription-State headers", len(headers))
	}
	value, ok := grammar.TidyParams(headers[0].Value())
	if !ok {
		return st, fmt.Errorf("Subscription-State")
	}
	state, params, _ := strings.Cut(value, ";")
	st.state = strings.ToLower(state)
	for param := range strings.SplitSeq(params, ";") {
		name, v, _ := strings.Cut(param, "=")
		v = strings.Trim(v, `"`)
		switch strings.ToLower(name) {
		case "reason":
			st.reason = strings.ToLower(v)
		case "expires":
			st.expires, st.hasExpires = grammar.DeltaSeconds(v)
		case "retry-after":
			st.retryAfter, _ = grammar.DeltaSeconds(v)
		}
	}
	return st, nil
}

// checkNotify returns the answer to a NOTIFY of a dialog of ours.
func checkNotify(req *sip.Request, event string) (code int, reason string) {
	events := req.GetHeaders("Event")
	if len(events) != 1 {
		return 400, fmt.Sprintf("Bad Request (%d Event headers)", len(events)) // [RFC6665-8.2.1]
	}
	if name, id := eventOf(events[0].Value()); !sameEvent(name, id, event) {
		if own, _ := eventOf(event); own == name {
			return 481, "" // of this package, but another subscription
		}
		return 489, "Bad Event" // [RFC6665-4.1.3]
	}
	if _, err := parseSubscriptionState(req.GetHeaders("Subscription-State")); err != nil {
		return 400, "Bad Request (" + err.Error() + ")" // [RFC6665-4.1.3]
	}
	return 200, ""
}

func isFinal(req *sip.Request) bool {
	st, err := parseSubscriptionState(req.GetHeaders("Subscription-State"))
	return err == nil && st.state == "terminated"
}

// eventOf are the event type and the id of an Event header's value.
func eventOf(value string) (name, id string) {
	name, params, _ := strings.Cut(value, ";")
	for param := range strings.SplitSeq(params, ";") {
		if k, v, _ := strings.Cut(strings.TrimSpace(param), "="); strings.EqualFold(k, "id") {
			id = v
		}
	}
	return strings.TrimSpace(name), id
}

// sameEvent compares event types and ids byte by byte. See RFC 6665, section 8.2.1.
func sameEvent(name, id, event string) bool {
	n, i := eventOf(event)
	return n == name && i == id
}
