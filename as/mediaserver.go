package as

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gomscp/gomscp/mscp"
	"github.com/gomscp/gomscp/sipua"
)

// A mediaServer is one MS of the cluster and its MSCP control channel. The
// goroutine in run owns the channel: it sets it up, watches it and sets it up
// again for as long as the server lives. See the draft, section 7.2.1.
type mediaServer struct {
	cfg         MediaServerConfig
	control     ControlConfig
	ua          *sipua.UA
	from        string // our own URI
	certificate func() (*tls.Certificate, error)
	mscp        mscp.Config
	network     sipua.Network
	log         *slog.Logger
	changed     func()        // called after every change of up; must not block
	cameUp      func(channel) // called when a channel is up; must not block

	dialog *mscp.Connector // of the control dialog; run's own

	ctx    context.Context // ends when the server closes or the MS is taken from the list
	cancel context.CancelFunc

	// tells says that the media server tells of the first message of a session.
	tells atomic.Bool

	mu     sync.Mutex
	client channel   // nil while the channel is down
	since  time.Time // when it came or went
	// inventory is what it is telling; nil when nothing is awaited. Its contents
	// belong to the goroutine of the channel's notifications.
	inventory *inventory
	lastErr   error // of the channel or of a call's set-up
	failedAt  time.Time
}

// errChannelDown says that a media server has no control channel now.
var errChannelDown = errors.New("control channel is down")

// channel returns the control channel, or nil while there is none.
func (m *mediaServer) channel() channel {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.client
}

// upSince is when the control channel came up; the zero time if there is none.
func (m *mediaServer) upSince() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.client == nil {
		return time.Time{}
	}
	return m.since
}

// Name, URI and Up are those of a balance.Server.
func (m *mediaServer) Name() string { return m.cfg.Name }
func (m *mediaServer) URI() string  { return m.cfg.URI }
func (m *mediaServer) Up() bool     { return m.channel() != nil }

func (m *mediaServer) setChannel(c channel) {
	m.mu.Lock()
	m.client, m.since = c, time.Now()
	m.mu.Unlock()
	m.changed()
}

// failed takes note of a failure, for the operator.
func (m *mediaServer) failed(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.lastErr, m.failedAt = err, time.Now()
}

// status is what the media server itself knows of its status.
func (m *mediaServer) status() MediaServerStatus {
	m.mu.Lock()
	defer m.mu.Unlock()
	st := MediaServerStatus{Name: m.cfg.Name, URI: m.cfg.URI, Channel: "down", Since: m.since, LastErrorAt: m.failedAt}
	if m.client != nil {
		st.Channel = "up"
	}
	if m.lastErr != nil {
		st.LastError = m.lastErr.Error()
	}
	return st
}

// do makes one MSCP request over the channel, or fails at once without one.
func (m *mediaServer) do(ctx context.Context, req mscp.Element) (mscp.Element, error) {
	c := m.channel()
	if c == nil {
		return nil, errChannelDown
	}
	return c.Do(ctx, req)
}

// run keeps the channel up until ctx ends, and ends its SIP dialog then. After
// every failure it waits, longer each time, unless the channel had been up for
// long: one that comes and goes at once must not be asked for in a tight loop.
func (m *mediaServer) run() {
	defer m.cancel()
	retry := &backoff{min: m.control.RetryMin, max: m.control.RetryMax}
	reported := false
	for m.ctx.Err() == nil {
		call, client, err := m.connect(m.ctx)
		if err != nil {
			m.failed(err)
			if !reported && m.ctx.Err() == nil {
				m.log.Warn("control channel cannot be set up; trying on", "err", err)
				reported = true
			}
		} else {
			reported = false
			m.hold(m.ctx, call, client, retry)
		}
		retry.wait(m.ctx)
	}
}

// connect sets the channel up: INVITE with the offer, ACK, then TCP to the
// port of the answer, or nothing but the dialog over INFO.
func (m *mediaServer) connect(ctx context.Context) (*sipua.Call, channel, error) {
	ctx, cancel := context.WithTimeout(ctx, m.control.Timeout)
	defer cancel()
	if m.control.Transport == "info" {
		return m.openInfo(ctx)
	}
	c, err := m.connector()
	if err != nil {
		return nil, nil, err
	}
	var call *sipua.Call
	// The connection is the sign of life; a refresh would offer it anew.
	client, err := c.Connect(ctx, func(ctx context.Context, offer []byte) (_ []byte, err error) {
		call, err = m.ua.Invite(ctx, sipua.InviteRequest{
			URI: m.cfg.URI, From: m.from, To: m.cfg.URI, Body: offer, ContentType: sdpType, NoSessionTimer: true,
		})
		if err != nil {
			return nil, fmt.Errorf("INVITE: %w", err)
		}
		if err := call.Ack(ctx, nil, ""); err != nil {
			return nil, fmt.Errorf("ACK: %w", err)
		}
		return call.RemoteBody(), nil
	})
	if err != nil {
		if call != nil {
			endCall(call)
		}
		return nil, nil, err
	}
	m.dialog = c
	return call, client, nil
}

// connector makes the offers of one control dialog. The host is the one that the
// media server sees us at; nothing connects to it, since the offer's port is 9
// and its setup role active.
func (m *mediaServer) connector() (*mscp.Connector, error) {
	host, _, err := net.SplitHostPort(m.ua.Addr())
	if err != nil {
		return nil, err
	}
	c := &mscp.Connector{Config: m.mscp, Host: host, Dial: m.network.DialContext}
	if m.control.Transport == "tls" {
		c.Certificate = m.certificate
	}
	return c, nil
}

// hold watches a channel that is up, and re-offers it when only the TCP
// connection was lost. It returns when the channel is gone for good.
func (m *mediaServer) hold(ctx context.Context, call *sipua.Call, client channel, retry *backoff) {
	defer endCall(call)
	for {
		err := m.serve(ctx, call, client, retry)
		if err == nil {
			return
		}
		m.failed(err)
		select {
		case <-call.Done():
			m.log.Warn("media server ended the control dialog")
			return
		default:
		}
		m.log.Warn("control channel lost", "err", err)
		retry.wait(ctx)
		if client, err = m.reoffer(ctx, call); err != nil {
			m.failed(err)
			m.log.Info("control channel cannot be re-offered; starting afresh", "err", err)
			return
		}
	}
}

// errDialogEnded says that the media server has ended the control dialog.
var errDialogEnded = errors.New("the media server ended the control dialog")

// serve has the channel used until it ends, which it tells the reason of; nil
// means that ctx has ended. What is outstanding on it fails at once.
func (m *mediaServer) serve(ctx context.Context, call *sipua.Call, client channel, retry *backoff) error {
	began := time.Now()
	m.setChannel(client)
	m.log.Info("control channel is up", "connection", call.ID().String())
	m.cameUp(client)
	var err error
	select {
	case <-ctx.Done():
	case <-call.Done():
		err = errDialogEnded
	case <-client.Done():
		err = fmt.Errorf("control channel: %w", cmp.Or(client.Err(), io.EOF))
	}
	m.setChannel(nil)
	client.Close()
	if time.Since(began) > m.control.RetryMax {
		retry.reset()
	}
	return err
}

// reoffer asks for a new TCP connection on the same SIP dialog. See the draft,
// section 7.2.1: "connection value of 'new'".
func (m *mediaServer) reoffer(ctx context.Context, call *sipua.Call) (*mscp.Client, error) {
	ctx, cancel := context.WithTimeout(ctx, m.control.Timeout)
	defer cancel()
	return m.dialog.Connect(ctx, func(ctx context.Context, offer []byte) ([]byte, error) {
		answer, err := call.Reinvite(ctx, offer, sdpType)
		if err != nil {
			return nil, fmt.Errorf("re-INVITE: %w", err)
		}
		return answer, nil
	})
}

// endCall ends a SIP dialog within a bounded time, whoever's context is over.
func endCall(call *sipua.Call) {
	ctx, cancel := context.WithTimeout(context.Background(), byeTimeout)
	defer cancel()
	_ = call.Bye(ctx) // the peer may be gone; the dialog is over all the same
}

// A backoff waits longer after each failure, up to max, with jitter.
type backoff struct {
	min, max, next time.Duration
}

func (b *backoff) reset() { b.next = 0 }

// step returns how long to wait now.
func (b *backoff) step() time.Duration {
	if b.next < b.min {
		b.next = b.min
	}
	d := b.next + rand.N(b.next/3+1)
	b.next = min(2*b.next, b.max)
	return d
}

// wait waits for a step or for the end of ctx.
func (b *backoff) wait(ctx context.Context) {
	t := time.NewTimer(b.step())
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
