package msrp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"
)

// Dial connects to the first hop of sc.Remote, sends the empty SEND that
// binds the connection to the session, and returns when it was answered with
// 200. A refusal is a *StatusError. ctx bounds all of it; the answer is
// waited for no longer than cfg.ResponseTimeout. See RFC 4975, section 5.4.
func Dial(ctx context.Context, cfg Config, sc SessionConfig) (*Session, error) {
	full, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	s, err := newSession(full, sc, nil)
	if err != nil {
		return nil, err
	}
	nc, err := connect(ctx, sc.Remote[0])
	if err != nil {
		return nil, err
	}
	c := newConn(nc, full, nil)
	if se := s.attach(c); se != nil {
		nc.Close()
		return nil, se
	}
	c.start()
	if err := s.greet(ctx); err != nil {
		s.Close()
		c.fail(ErrClosed)
		c.loops.Wait()
		return nil, err
	}
	return s, nil
}

func connect(ctx context.Context, hop URI) (net.Conn, error) {
	if hop.Secure {
		return nil, errors.New("msrp: msrps is not supported")
	}
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	nc, err := new(net.Dialer).DialContext(ctx, "tcp", hop.address())
	if err != nil {
		return nil, fmt.Errorf("msrp: %w", err)
	}
	return nc, nil
}

// connectTimeout bounds the TCP connect, DNS included.
const connectTimeout = 30 * time.Second

// greet sends the empty SEND that binds the session at the peer
// [RFC4975-5.4-2].
func (s *Session) greet(ctx context.Context) error {
	answer := make(chan error, 1)
	t := &transaction{tid: newTransactionID(), done: func(se *StatusError, err error) {
		if se != nil {
			err = se
		}
		answer <- err
	}}
	head := appendRequest(nil, t.tid, "SEND", s.to, s.from)
	head = appendField(head, hdrMessageID, newID(messageIDSize))
	head = appendRange(head, byteRange{1, 0, 0})
	c := s.conn()
	if _, err := c.write(&outFrame{tid: t.tid, head: head, flag: flagLast, t: t}, ctx.Done()); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return err
	}
	select {
	case err := <-answer:
		return err
	case <-ctx.Done():
		c.take(t.tid)
		return ctx.Err()
	}
}
