package msrp

import (
	"errors"
	"fmt"
	"time"
)

// A request is answered within Config.HandlerTimeout and its grace, whatever the
// handler of its message does: the sender counts 30 s and then takes the message
// for lost (RFC 4975, section 7.1.1), and would send it again [RFC4975-7.2-4].
//
// When the time is over, it depends on what is waited for:
//
//	a chunk, the handler reads on    200: the chunk is taken, its message not yet
//	a chunk, the handler reads not   413, and the message is aborted
//	a last chunk, others are missing 413, and the message is aborted
//	a whole message                  the handler's context ends; what the handler
//	                                 then says within the grace is the answer
//	  and it says nothing            200 if a success report is wanted: that, or a
//	                                 failure report, tells the outcome later;
//	                                 else 408: the outcome is not known

var errHandlerLate = errors.New("no answer of the handler in time")

// grace is how long a handler has to answer when its context has ended.
func (c *Config) grace() time.Duration { return min(handlerGrace, c.HandlerTimeout/4) }

// answerSoon starts the timer after which an answer that is still owed is given. in.mu is
// held.
func (in *Incoming) answerSoon() {
	if in.late == nil {
		in.lateConsumed = in.consumed
		in.late = time.AfterFunc(in.c.cfg.HandlerTimeout-in.waited, in.answerLate)
	}
}

// since returns the time from which the answer to the current chunk is awaited: the wait
// for a handler counts. in.mu is held.
func (in *Incoming) since() time.Time { return time.Now().Add(-in.waited) }

// stopLate stops that timer. in.mu is held.
func (in *Incoming) stopLate() {
	if in.late != nil {
		in.late.Stop()
		in.late = nil
	}
}

// answerLate answers what has waited too long.
func (in *Incoming) answerLate() {
	limit := in.c.cfg.HandlerTimeout
	in.mu.Lock()
	now := time.Now() // the timer may be late, as after a pause of the process
	in.late = nil
	if in.returned || in.aborted != nil {
		in.mu.Unlock()
		return
	}
	reads := in.consumed > in.lateConsumed
	in.lateConsumed = in.consumed
	var due []ack
	for len(in.acks) > 0 && now.Sub(in.acks[0].since) >= limit {
		due, in.acks = append(due, in.acks[0]), in.acks[1:]
	}
	incomplete := in.last != nil && now.Sub(in.lastSince) >= limit
	if len(due) > 0 && !reads || incomplete {
		in.acks = append(due, in.acks...) // to be refused with the others
		in.mu.Unlock()
		in.Session.abortMessage(in, errHandlerLate, status(StatusTooLarge, "Too Slow To Take It"))
		return
	}
	if in.hasFinal {
		in.finalLate(now)
	} else if len(in.acks) > 0 || in.last != nil {
		in.late = time.AfterFunc(limit/4, in.answerLate)
	}
	in.mu.Unlock()
	for _, a := range due {
		in.c.reply(a.r, nil)
	}
}

// finalLate ends the handler's context when its time is over, and answers in its
// place when the grace is. in.mu is held; it is free while the answer is sent.
func (in *Incoming) finalLate(now time.Time) {
	cfg := in.c.cfg
	waited := now.Sub(in.finalSince)
	switch {
	case waited < cfg.HandlerTimeout:
		in.late = time.AfterFunc(cfg.HandlerTimeout-waited, in.answerLate)
		return
	case in.ctx.cancel(): // the grace begins, be the timer late or not
		in.late = time.AfterFunc(cfg.grace(), in.answerLate)
		return
	}
	final := in.final
	in.hasFinal = false
	var se *StatusError
	if in.SuccessReport {
		in.owes = &final // a report, when the handler returns
	} else {
		se = status(StatusTimeout, "")
		in.aborted = fmt.Errorf("%w: %w", ErrAborted, errHandlerLate)
		in.cond.Broadcast()
	}
	in.mu.Unlock()
	cfg.Logger.Warn("msrp handler did not return in time", "message", in.MessageID, "refused", se != nil)
	in.c.reply(final, se)
	in.mu.Lock()
}

// sendOutcome reports the outcome of a message whose last chunk got its 200 before the
// handler had returned [RFC4975-7.1.4-3].
func (in *Incoming) sendOutcome(r replyTo, se *StatusError) {
	switch {
	case se == nil:
		in.c.sendReport(in.MessageID, in.From, r.from, in.received+in.extra, "200 OK")
	case in.FailureReport != FailureNo: // [RFC4975-7.1.4-1]
		in.c.sendReport(in.MessageID, in.From, r.from, in.received+in.extra, fmt.Sprintf("%03d %s", se.Code, se.reason()))
	}
}
