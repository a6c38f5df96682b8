package sipua

import (
	"context"
	"time"
)

// unsubscribe ends the dialog, if there is one, in a bounded time. The dialog remains
// until the notifier's last NOTIFY, which follows the SUBSCRIBE with Expires: 0, or until
// Timer N. See RFC 6665, sections 4.1.2.3 and 4.4.1.
func (s *Subscription) unsubscribe() {
	s.mu.Lock()
	s.closing = true
	s.r.OnNotify = nil // the subscription may outlive its owner
	open := s.dialog != nil && tagOf(s.dialog.remote.Params) != "" && s.ended == nil
	if !open || s.ua.ctx.Err() != nil || !s.notifier.isUp() {
		s.drop()
		s.mu.Unlock()
		return
	}
	s.mu.Unlock()
	ctx, cancel := context.WithTimeout(s.ua.ctx, unsubscribeWait)
	defer cancel()
	if !s.pace(ctx) { // it will expire by itself
		s.mu.Lock()
		s.drop()
		s.mu.Unlock()
		return
	}
	req := s.newSubscribe(0)
	s.mu.Lock()
	ending := s.linger()
	s.mu.Unlock()
	res, err := s.ua.do(ctx, req, s.goal.auth, s.nextSeq)
	if ending == nil || err == nil && !res.IsSuccess() { // there is no subscription any more
		s.table.endSubscription(s.key)
	}
}

// linger keeps the dialog until its last NOTIFY or Timer N. It returns nil if too many
// are kept. s.mu is held.
func (s *Subscription) linger() *time.Timer {
	s.table.mu.Lock()
	defer s.table.mu.Unlock()
	if len(s.table.ending) >= maxEnding || s.ua.ctx.Err() != nil {
		return nil
	}
	key := s.key
	e := &ending{event: s.r.Event, tag: tagOf(s.dialog.remote.Params)}
	e.timer = time.AfterFunc(s.ua.cfg.timers.notify, func() { s.table.endSubscription(key) })
	s.table.ending[key] = e
	delete(s.table.live, key)
	return e.timer
}

// endSubscription forgets an ending.
func (t *subscriptions) endSubscription(key dialogKey) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if e := t.ending[key]; e != nil {
		e.timer.Stop()
		delete(t.ending, key)
	}
}
