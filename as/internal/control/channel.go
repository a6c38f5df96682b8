package control

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/gomscp/gomscp/internal/wait"
	"github.com/gomscp/gomscp/mscp"
	"github.com/gomscp/gomscp/sipua"
)

// Run keeps the channel up until ctx ends, and ends its SIP dialog then. After
// every failure it waits, longer each time, unless the channel had been up for
// long: one that comes and goes at once must not be asked for in a tight loop.
func (m *MediaServer) Run() {
	defer m.cancel()
	retry := &wait.Backoff{Min: m.cfg.RetryMin, Max: m.cfg.RetryMax}
	reported := false
	for m.ctx.Err() == nil {
		call, client, err := m.connect(m.ctx)
		if err != nil {
			m.Failed(err)
			if !reported && m.ctx.Err() == nil {
				m.cfg.Log.Warn("control channel cannot be set up; trying again later", "err", err)
				reported = true
			}
		} else {
			reported = false
			m.hold(m.ctx, call, client, retry)
		}
		retry.Wait(m.ctx.Done())
	}
}

// connect sets the channel up: INVITE with the offer, ACK, then TCP to the
// port of the answer, or nothing but the dialog over INFO.
func (m *MediaServer) connect(ctx context.Context) (*sipua.Call, Channel, error) {
	ctx, cancel := context.WithTimeout(ctx, m.cfg.Timeout)
	defer cancel()
	if m.cfg.Transport == transportInfo {
		return m.openInfo(ctx)
	}
	c, err := m.connector()
	if err != nil {
		return nil, nil, err
	}
	var call *sipua.Call
	// The connection is the sign of life; a refresh would offer it anew.
	client, err := c.Connect(ctx, func(ctx context.Context, offer []byte) (_ []byte, err error) {
		call, err = m.cfg.UA.Invite(ctx, sipua.InviteRequest{
			URI: m.cfg.URI, From: m.cfg.From, To: m.cfg.URI, Body: offer, ContentType: sdpType, NoSessionTimer: true,
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
			call.End(byeTimeout)
		}
		return nil, nil, err
	}
	m.dialog = c
	return call, client, nil
}

// connector makes the offers of one control dialog. The host is the one that the
// media server sees us at; nothing connects to it, since the offer's port is 9
// and its setup role active.
func (m *MediaServer) connector() (*mscp.Connector, error) {
	host, _, err := net.SplitHostPort(m.cfg.UA.Addr())
	if err != nil {
		return nil, err
	}
	c := &mscp.Connector{Config: m.mscp, Host: host, Dial: m.cfg.Network.DialContext}
	if m.cfg.Transport == transportTLS {
		c.Certificate = m.cfg.Certificate
	}
	return c, nil
}

// hold watches a channel that is up, and re-offers it when only the TCP
// connection was lost. It returns when the channel is gone for good.
func (m *MediaServer) hold(ctx context.Context, call *sipua.Call, client Channel, retry *wait.Backoff) {
	defer call.End(byeTimeout)
	for {
		err := m.serve(ctx, call, client, retry)
		if err == nil {
			return
		}
		m.Failed(err)
		select {
		case <-call.Done():
			m.cfg.Log.Warn("media server ended the control dialog")
			return
		default:
		}
		m.cfg.Log.Warn("control channel lost", "err", err)
		retry.Wait(ctx.Done())
		if client, err = m.reoffer(ctx, call); err != nil {
			m.Failed(err)
			m.cfg.Log.Info("control channel cannot be re-offered; starting afresh", "err", err)
			return
		}
	}
}

// errDialogEnded says that the media server has ended the control dialog.
var errDialogEnded = errors.New("the media server ended the control dialog")

// serve has the channel used until it ends, which it tells the reason of; nil
// means that ctx has ended. What is outstanding on it fails at once.
func (m *MediaServer) serve(ctx context.Context, call *sipua.Call, client Channel, retry *wait.Backoff) error {
	began := time.Now()
	m.SetChannel(client)
	m.cfg.Log.Info("control channel is up", "connection", call.ID().String())
	m.cfg.CameUp(m, client)
	var err error
	select {
	case <-ctx.Done():
	case <-call.Done():
		err = errDialogEnded
	case <-client.Done():
		err = fmt.Errorf("control channel: %w", cmp.Or(client.Err(), io.EOF))
	}
	m.SetChannel(nil)
	client.Close()
	if time.Since(began) > m.cfg.RetryMax {
		retry.Reset()
	}
	return err
}

// reoffer asks for a new TCP connection on the same SIP dialog. See the draft,
// section 7.2.1: "connection value of 'new'".
func (m *MediaServer) reoffer(ctx context.Context, call *sipua.Call) (*mscp.Client, error) {
	ctx, cancel := context.WithTimeout(ctx, m.cfg.Timeout)
	defer cancel()
	return m.dialog.Connect(ctx, func(ctx context.Context, offer []byte) ([]byte, error) {
		answer, err := call.Reinvite(ctx, offer, sdpType)
		if err != nil {
			return nil, fmt.Errorf("re-INVITE: %w", err)
		}
		return answer, nil
	})
}
