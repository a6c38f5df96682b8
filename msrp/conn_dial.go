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

// Dial connects to the first hop of sc.Remote, sends the empty SEND that binds the
// connection to the session, and returns when it was answered with 200. A refusal is a
// *StatusError. ctx bounds the whole call, and cfg.ResponseTimeout the wait for the
// answer. See RFC 4975, section 5.4.
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
	if err := s.sendBinding(ctx); err != nil {
		s.close(ErrClosed, false)
		if sc.Over == nil {
			c.close(ErrClosed)
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
		if se := s.bindAndOpen(c); se != nil {
			return nil, lost(c.reason())
		}
		return c, nil
	}
	nc, err := connect(ctx, s.cfg, s.sc.Remote[0], s.sc.ConnectTo, endToEnd(s.sc.Remote, s.sc.Fingerprints))
	if err != nil {
		return nil, err
	}
	c := newConn(nc, s.cfg, nil)
	if se := s.bindAndOpen(c); se != nil {
		nc.Close()
		return nil, se
	}
	c.startReader()
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
