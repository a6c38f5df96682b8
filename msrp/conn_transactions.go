package msrp

import (
	"context"
	"errors"
	"time"
)

// transaction is a request that waits for its response.
type transaction struct {
	tid   string
	place *place                             // of the chunk it is for, or
	call  func(resp *StatusError, err error) // called with the response; nil, nil is a 200; must not block

	header Header // of the response, set before conclude is called

	deadline   time.Time // zero until the request has been written
	prev, next *transaction
}

func (t *transaction) conclude(resp *StatusError, err error) {
	if t.place != nil {
		t.place.answered(resp, err)
		return
	}
	t.call(resp, err)
}

// transactions are those of one connection, in order of their deadlines.
// They are guarded by the connection's mu.
type transactions struct {
	c     *conn
	byID  map[string]*transaction
	head  transaction // ring of those with a deadline
	timer *time.Timer
}

func (ts *transactions) init(c *conn) {
	ts.c = c
	ts.byID = make(map[string]*transaction)
	ts.head.prev, ts.head.next = &ts.head, &ts.head
}

// registerTransaction adds a transaction before its request is written.
func (c *conn) registerTransaction(t *transaction) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return lost(c.err)
	}
	if c.trans.byID[t.tid] != nil {
		return errors.New("msrp: transaction id used twice")
	}
	c.trans.byID[t.tid] = t
	return nil
}

// startTimer starts the clock of a transaction [RFC4975-7.1.1-3].
func (c *conn) startTimer(t *transaction) {
	c.mu.Lock()
	defer c.mu.Unlock()
	ts := &c.trans
	if ts.byID[t.tid] != t {
		return // answered already
	}
	t.deadline = time.Now().Add(c.cfg.ResponseTimeout)
	t.prev, t.next = ts.head.prev, &ts.head
	t.prev.next, t.next.prev = t, t
	if ts.timer == nil {
		ts.timer = time.AfterFunc(c.cfg.ResponseTimeout, c.expireTransactions)
	}
}

// unregisterTransaction removes the transaction of that id, if there is one.
func (c *conn) unregisterTransaction(tid string) *transaction {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.trans.byID[tid]
	if t != nil {
		c.trans.delete(t)
	}
	return t
}

func (ts *transactions) delete(t *transaction) {
	delete(ts.byID, t.tid)
	if t.next != nil {
		t.prev.next, t.next.prev = t.next, t.prev
		t.prev, t.next = nil, nil
	}
}

func (ts *transactions) removeAll() []*transaction {
	var all []*transaction
	for _, t := range ts.byID {
		all = append(all, t)
		ts.delete(t)
	}
	if ts.timer != nil {
		ts.timer.Stop()
	}
	return all
}

// handlerOverdue reports whether the reader, waiting since began, has waited too long
// for a handler.
func (c *conn) handlerOverdue(began time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	waited := time.Since(began)
	return waited >= c.cfg.HandlerTimeout || waited >= deadlockTimeout && len(c.trans.byID) > 0
}

// overdueInterval is how long the reader waits before it asks handlerOverdue again.
func (c *conn) overdueInterval() time.Duration { return min(c.cfg.HandlerTimeout, deadlockTimeout) }

// expireTransactions fails the transactions whose time is over. While our own reader
// waits for a handler no response can be seen, so no time runs out.
func (c *conn) expireTransactions() {
	var late []*transaction
	c.mu.Lock()
	ts := &c.trans
	now := time.Now()
	next := c.cfg.ResponseTimeout
	if c.blocked.Load() {
		next = min(next, time.Second)
	} else {
		for t := ts.head.next; t != &ts.head; t = ts.head.next {
			if t.deadline.After(now) {
				next = t.deadline.Sub(now)
				break
			}
			ts.delete(t)
			late = append(late, t)
		}
	}
	if c.err == nil && ts.head.next != &ts.head {
		ts.timer.Reset(next)
	} else {
		ts.timer = nil
	}
	c.mu.Unlock()
	for _, t := range late {
		t.conclude(nil, ErrNoResponse)
	}
}

// exchange sends a request without a body and waits for its response: its
// headers, or what went wrong.
func (c *conn) exchange(ctx context.Context, tid string, head []byte) (Header, error) {
	answer := make(chan error, 1)
	t := &transaction{tid: tid, call: func(se *StatusError, err error) {
		if se != nil {
			err = se
		}
		answer <- err
	}}
	if _, err := c.writeAndWait(&outFrame{tid: t.tid, head: head, flag: flagLast, t: t}, ctx.Done()); err != nil {
		c.unregisterTransaction(tid)
		select {
		case err := <-answer: // it came before the connection ended
			return t.header, err
		default:
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, err
	}
	select {
	case err := <-answer:
		return t.header, err
	case <-ctx.Done():
		c.unregisterTransaction(t.tid)
		return nil, ctx.Err()
	}
}
