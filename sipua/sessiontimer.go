package sipua

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"
)

// ErrSessionExpired is the end of a call whose session was not refreshed in time. See RFC
// 4028, section 10.
var ErrSessionExpired = errors.New("sipua: session expired")

// A sessionTimer is a dialog's agreement on when it ends unless it is refreshed. Call.mu
// guards it.
type sessionTimer struct {
	interval time.Duration // 0 if there is none
	refresh  bool          // we are the refresher
	brief    time.Duration // the Min-SE of a 422
	due      *time.Timer   // nil before the first agreement
	agreed   int           // counts agreements, because the timer of an earlier one may have fired
	unasked  bool          // we request none; the peer may
}

// An agreement is the session timer in a 2xx of ours.
type agreement struct {
	interval time.Duration // 0 if there is none
	refresh  bool          // we are the refresher
	required bool          // the peer supports session timers
}

// tooBrief notes the minimum interval in a 422. It reports false if the minimum is not
// new. See RFC 4028, section 7.4. Call.mu is held.
func (t *sessionTimer) tooBrief(res *sip.Response) bool {
	least, ok := parseSeconds(headerValue(res, "Min-SE"))
	if !ok || least <= t.brief {
		return false
	}
	t.brief = least
	return true
}

// stop ends the wait. Call.mu is held.
func (t *sessionTimer) stop() {
	if t.due != nil {
		t.due.Stop()
	}
}

// sessionExpires reads a Session-Expires header. It reports false if there is no valid
// one.
func sessionExpires(m interface{ GetHeader(string) sip.Header }) (interval time.Duration, refresher string, ok bool) {
	value, params, _ := strings.Cut(headerValue(m, "Session-Expires"), ";")
	interval, ok = parseSeconds(value)
	for p := range strings.SplitSeq(params, ";") {
		if k, v, _ := strings.Cut(p, "="); strings.EqualFold(strings.TrimSpace(k), "refresher") {
			refresher = strings.ToLower(strings.TrimSpace(v))
		}
	}
	return interval, refresher, ok && interval > 0
}

// parseSeconds reads delta-seconds, which have 31 bits.
func parseSeconds(s string) (time.Duration, bool) {
	s, _, _ = strings.Cut(s, ";")
	n, err := strconv.ParseUint(strings.TrimSpace(s), 10, 31)
	return time.Duration(n) * time.Second, err == nil
}

// seconds writes delta-seconds, rounded up.
func seconds(d time.Duration) string {
	return strconv.FormatInt(int64((d+time.Second-1)/time.Second), 10)
}
