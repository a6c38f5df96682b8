package sipua

import (
	"context"
	"errors"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/gomscp/gomscp/internal/wait"
)

// askTimer adds our session timer to a request. c.mu is held. See RFC 4028, sections 7.1
// and 7.4.
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
	if inDialog && t.interval > 0 { // the refresher stays the same
		value += ";refresher=" + map[bool]string{true: "uac", false: "uas"}[t.refresh]
	}
	req.AppendHeader(sip.NewHeader("Session-Expires", value))
	if least := max(t.brief, c.ua.minSE()); least != defaultMinSE {
		req.AppendHeader(sip.NewHeader("Min-SE", seconds(least)))
	}
}

// takeTimer starts the session timer of a 2xx. c.mu is held. See RFC 4028, section 7.2.
func (c *Call) takeTimer(res *sip.Response) {
	interval, refresher, ok := sessionExpires(res)
	if !ok {
		c.startTimer(agreement{})
		return
	}
	c.startTimer(agreement{interval: interval, refresh: refresher != "uas"})
}

// answerTimer agrees on a session timer with a request of the peer. A code other than 0
// refuses the request. c.mu is held. See RFC 4028, section 9.
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
	// The peer refreshes if it supports timers and did not ask for refresher=uas. Otherwise
	// this side does.
	a.refresh = !a.required || refresher == "uas"
	return a, 0, nil
}

// setTimer writes an agreement into our 2xx and starts the timer. c.mu is held.
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

// startTimer starts the timer of an agreement. c.mu is held.
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

// keepAlive refreshes the session, or ends it when it has expired. It does nothing if
// there has been another agreement since. See RFC 4028, section 10.
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

// refresh refreshes the session within the time left. It retries while the peer refuses,
// and reports false if the session has expired.
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
		c.log.Info("session refresh refused; trying again later", "err", err)
		if !wait.ForEither(left/8, c.done, ctx.Done()) {
			return ctx.Err() == nil
		}
	}
}

// refreshOnce sends an UPDATE. If the peer does not accept UPDATE, it sends a re-INVITE
// with our current description. See RFC 4028, section 7.4.
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

// expire ends the dialog because the session has expired.
func (c *Call) expire() {
	c.log.Info("session expired; ending the call")
	c.hangUp(ErrSessionExpired, Header{"Reason", `SIP;cause=408;text="session timer expired"`})
}
