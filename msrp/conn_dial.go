package msrp

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
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
	if len(sc.Remote) == 0 {
		return nil, errNoRemote
	}
	s, err := newSession(full, sc, nil, nil)
	if err != nil {
		return nil, err
	}
	c, err := s.dialConn(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.greet(ctx); err != nil {
		s.end(ErrClosed, false)
		if sc.Over == nil {
			c.fail(ErrClosed)
		}
		s.Close()
		return nil, err
	}
	return s, nil
}

// dialConn binds the session to a new connection, or to that of sc.Over.
func (s *Session) dialConn(ctx context.Context) (*conn, error) {
	if s.sc.Over != nil {
		c := s.sc.Over.conn()
		if c == nil {
			return nil, errors.New("msrp: SessionConfig.Over is not bound")
		}
		if se := s.attach(c); se != nil {
			return nil, lost(c.reason())
		}
		return c, nil
	}
	nc, err := connect(ctx, s.cfg, s.sc.Remote[0], s.sc.ConnectTo, endToEnd(s.sc.Remote, s.sc.Fingerprints))
	if err != nil {
		return nil, err
	}
	c := newConn(nc, s.cfg, nil)
	if se := s.attach(c); se != nil {
		nc.Close()
		return nil, se
	}
	c.start()
	return c, nil
}

// connect makes the TCP connection to a hop, and the TLS one if it is msrps
// [RFC4975-5.4-6].
func connect(ctx context.Context, cfg *Config, hop URI, to string, prints []string) (net.Conn, error) {
	if !strings.EqualFold(hop.transport(), "tcp") {
		return nil, fmt.Errorf("%w: %s", ErrTransport, hop)
	}
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	if to == "" {
		to = hop.address()
	}
	nc, err := cfg.DialContext(ctx, "tcp", to) // [RFC4975-6.2-1] [RFC4975-6.2-2]
	if err != nil {
		return nil, fmt.Errorf("msrp: %w", err)
	}
	if !hop.Secure {
		return nc, nil
	}
	tc := tls.Client(nc, clientTLS(cfg.TLS, hop.Host, prints))
	if err := tc.HandshakeContext(ctx); err != nil {
		nc.Close()
		return nil, fmt.Errorf("msrp: %w", err)
	}
	return tc, nil
}

// connectTimeout bounds the TCP connect, with DNS and TLS.
const connectTimeout = 30 * time.Second

// greet sends the empty SEND that binds the session at the peer
// [RFC4975-5.4-2].
func (s *Session) greet(ctx context.Context) error {
	_, to, err := s.target()
	if err != nil {
		return err
	}
	tid := newTransactionID()
	head := appendRequest(nil, tid, "SEND", to, s.from)
	head = appendField(head, hdrMessageID, newID(messageIDSize))
	head = appendRange(head, byteRange{1, 0, 0})
	_, err = s.conn().exchange(ctx, tid, head)
	return err
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
	if _, err := c.write(&outFrame{tid: t.tid, head: head, flag: flagLast, t: t}, ctx.Done()); err != nil {
		c.take(tid)
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
		c.take(t.tid)
		return nil, ctx.Err()
	}
}
