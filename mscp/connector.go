package mscp

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strconv"
)

// An Exchange carries the AS's offer to the MS, in an INVITE or in a re-INVITE,
// and returns the answer after the ACK.
type Exchange func(ctx context.Context, offer []byte) (answer []byte, err error)

// A Connector is the AS's side of one control dialog: it offers a channel, takes
// the answer, connects, and makes a [Client]. Its fields are set before the first
// Connect. See section 7.2.1.
type Connector struct {
	Config // of the channels

	Host string // our own address; nobody connects to it
	// Certificate returns our own, for a channel over TLS. nil: TCP alone.
	Certificate func() (*tls.Certificate, error)
	// Dial connects to the MS. nil is a net.Dialer.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)

	session Session
}

// Connect makes a channel: exchange sends an INVITE the first time, and a
// re-INVITE on the same dialog when the channel is to move, or was lost. The
// channel before goes on until its Close: requests may use the new one first, so
// that no time is without a channel. Whoever ends the dialog closes the channel.
func (c *Connector) Connect(ctx context.Context, exchange Exchange) (*Client, error) {
	offer := NewOffer(c.Host)
	var own *tls.Certificate
	if c.Certificate != nil {
		var err error
		if own, err = c.Certificate(); err != nil {
			return nil, err
		}
		offer.TLS, offer.Fingerprint = true, Fingerprint(own.Certificate[0])
	}
	body, err := c.session.Marshal(offer)
	if err != nil {
		return nil, err
	}
	if body, err = exchange(ctx, body); err != nil {
		return nil, err
	}
	answer, err := checkedAnswer(body, own != nil)
	if err != nil {
		return nil, fmt.Errorf("answer: %w", err)
	}
	conn, err := c.dial(ctx, net.JoinHostPort(answer.Host, strconv.Itoa(answer.Port))) // [MSCP-7.2.1-4]
	if err != nil {
		return nil, err
	}
	if own != nil { // [MSCP-9-1]
		if conn, err = secured(ClientTLS(ctx, conn, *own, answer)); err != nil {
			return nil, err
		}
	}
	return NewClient(conn, c.Config), nil
}

// checkedAnswer reads an answer, which must be for TLS if, and only if, the
// offer was.
func checkedAnswer(body []byte, secure bool) (*Media, error) {
	m, err := ParseSDP(body)
	switch {
	case err != nil:
		return nil, err
	case m.Connection != "new": // [RFC4145-5-1]
		return nil, errors.New("mscp: a new connection was offered, and an existing one is answered (RFC 4145, section 5)")
	case secure:
		return m, m.CheckTLS("passive")
	}
	return m, m.CheckAnswer()
}

func (c *Connector) dial(ctx context.Context, addr string) (net.Conn, error) {
	if c.Dial != nil {
		return c.Dial(ctx, "tcp", addr)
	}
	return new(net.Dialer).DialContext(ctx, "tcp", addr)
}

// secured keeps a nil *tls.Conn from becoming a net.Conn.
func secured(t *tls.Conn, err error) (net.Conn, error) {
	if err != nil {
		return nil, err
	}
	return t, nil
}
