package sipua

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"
)

// ErrSessionExpired says that the session timer has run out: nobody has kept
// the session alive. See RFC 4028, section 10.
var ErrSessionExpired = errors.New("sipua: session expired")

// A sessionTimer is a dialog's agreement on when it ends unless it is kept
// alive. Call.mu guards it.
type sessionTimer struct {
	interval time.Duration // 0 if there is none
	refresh  bool          // keeping it alive is ours to do
	brief    time.Duration // the peer side's Min-SE, learnt from a 422
	due      *time.Timer   // nil before the first agreement
	agreed   int           // counts agreements: an earlier one's timer may have fired already
	unasked  bool          // we ask for none; the peer may
}

// An agreement is what a 2xx of ours will say of the session timer.
type agreement struct {
	interval time.Duration // 0 if there is none
	refresh  bool          // we keep the session alive
	required bool          // the peer knows session timers, and must heed it
}

// askTimer puts what we want of a session timer into a request. c.mu is held.
// See RFC 4028, sections 7.1 and 7.4.
func (c *Call) askTimer(req *sip.Request, inDialog bool) {
	req.RemoveHeader("Session-Expires")
	req.RemoveHeader("Min-SE")
	t := &c.timer
	interval := c.ua.cfg.SessionExpires
	if t.interval > 0 {
		interval = t.interval
	}
	if interval == 0 || t.unasked && t.interval == 0 {
		return
	}
	interval = max(interval, t.brief, c.ua.minSE())
	value := seconds(interval)
	if inDialog && t.interval > 0 { // who keeps it alive stays the same, as seen from this request
		value += ";refresher=" + map[bool]string{true: "uac", false: "uas"}[t.refresh]
	}
	req.AppendHeader(sip.NewHeader("Session-Expires", value))
	if least := max(t.brief, c.ua.minSE()); least != defaultMinSE {
		req.AppendHeader(sip.NewHeader("Min-SE", seconds(least)))
	}
}

// tooBrief learns from a 422 how long the interval must be; false if it says
// nothing new. See RFC 4028, section 7.4. Call.mu is held.
func (t *sessionTimer) tooBrief(res *sip.Response) bool {
	least, ok := parseSeconds(headerValue(res, "Min-SE"))
	if !ok || least <= t.brief {
		return false
	}
	t.brief = least
	return true
}

// takeTimer takes what a 2xx says of the session timer. c.mu is held. See RFC
// 4028, section 7.2.
func (c *Call) takeTimer(res *sip.Response) {
	interval, refresher, ok := sessionExpires(res)
	if !ok {
		c.startTimer(agreement{})
		return
	}
	c.startTimer(agreement{interval: interval, refresh: refresher != "uas"})
}

// answerTimer agrees on a session timer with a request of the peer's; or the
// request is refused with the code. c.mu is held. See RFC 4028, section 9.
func (c *Call) answerTimer(req *sip.Request) (a agreement, code int, headers []Header) {
	a.required = hasToken(req, "Supported", "timer") || hasToken(req, "Require", "timer")
	least := c.ua.minSE()
	interval, refresher, ok := sessionExpires(req)
	if !ok && req.GetHeader("Session-Expires") != nil {
		return a, 400, nil
	}
	if ok && interval < least && a.required { // [RFC4028-9]
		return a, 422, []Header{{"Min-SE", seconds(least)}}
	}
	if theirs, known := parseSeconds(headerValue(req, "Min-SE")); known {
		least = max(least, theirs)
	}
	switch own := c.ua.cfg.SessionExpires; {
	case ok && own > 0:
		a.interval = max(min(interval, own), least)
	case ok:
		a.interval = interval
	case own > 0:
		a.interval = max(own, least)
	}
	// Whoever has asked for it keeps it alive, unless he has not, or wants us to.
	a.refresh = !a.required || refresher == "uas"
	return a, 0, nil
}

// setTimer puts an agreement into our 2xx and heeds it from then on. c.mu is
// held.
func (c *Call) setTimer(a agreement, res *sip.Response) {
	res.AppendHeader(sip.NewHeader("Supported", supported))
	if a.interval > 0 {
		refresher := "uac"
		if a.refresh {
			refresher = "uas"
		}
		res.AppendHeader(sip.NewHeader("Session-Expires", seconds(a.interval)+";refresher="+refresher))
		if a.required {
			res.AppendHeader(sip.NewHeader("Require", "timer")) // [RFC4028-9]
		}
	}
	c.startTimer(a)
}

// startTimer heeds an agreement from now on. c.mu is held.
func (c *Call) startTimer(a agreement) {
	t := &c.timer
	t.interval, t.refresh = a.interval, a.refresh
	t.agreed++
	t.stop()
	if t.interval == 0 {
		return
	}
	wait := t.interval - min(32*time.Second, t.interval/3)
	if t.refresh {
		wait = t.interval / 2 // [RFC4028-7.2]
	}
	agreed := t.agreed
	t.due = time.AfterFunc(wait, func() { c.ua.goroutine(func() { c.keepAlive(agreed) }) })
}

// stop ends the wait. Call.mu is held.
func (t *sessionTimer) stop() {
	if t.due != nil {
		t.due.Stop()
	}
}

// keepAlive refreshes the session, or ends it when it has expired, unless that was
// agreed anew since. See RFC 4028, section 10.
func (c *Call) keepAlive(agreed int) {
	c.mu.Lock()
	interval, ours, current := c.timer.interval, c.timer.refresh, c.timer.agreed
	c.mu.Unlock()
	if agreed != current || c.Ended() {
		return
	}
	if !ours || !c.refresh(interval/2) { // a refresh starts the timer again
		c.expire()
	}
}

// refresh keeps the session alive within the time left, and tries on while the
// peer refuses; false if it has expired.
func (c *Call) refresh(left time.Duration) bool {
	ctx, cancel := context.WithTimeout(c.ua.ctx, left)
	defer cancel()
	for {
		err := c.refreshOnce(ctx)
		if err == nil || c.Ended() || c.ua.ctx.Err() != nil {
			return true
		}
		var status *StatusError
		if !errors.As(err, &status) {
			return false
		}
		c.log.Info("session refresh refused; trying on", "err", err)
		pause := time.NewTimer(left / 8)
		select {
		case <-pause.C:
		case <-c.done:
			pause.Stop()
			return true
		case <-ctx.Done():
			pause.Stop()
			return false
		}
	}
}

// refreshOnce sends an UPDATE or, to a peer that does not take it, a re-INVITE
// with the description that it has of us already. See RFC 4028, section 7.4.
func (c *Call) refreshOnce(ctx context.Context) error {
	c.mu.Lock()
	updates, said := c.updates, c.said
	c.mu.Unlock()
	var err error
	if updates {
		_, err = c.Update(ctx, nil, "")
	} else {
		_, err = c.Reinvite(ctx, said.body, said.contentType)
	}
	return err
}

// expire ends the dialog because nobody has kept it alive.
func (c *Call) expire() {
	c.log.Info("session expired; ending the call")
	c.hangUp(ErrSessionExpired, Header{"Reason", `SIP;cause=408;text="session timer expired"`})
}

// minSE is the shortest interval that we take.
func (ua *UA) minSE() time.Duration {
	return max(ua.cfg.MinSessionExpires, ua.cfg.timers.minSE)
}

// sessionExpires reads a Session-Expires header; false if there is none that
// makes sense.
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
