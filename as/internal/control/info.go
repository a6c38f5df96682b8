package control

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/gomscp/gomscp/mscp"
	"github.com/gomscp/gomscp/sipua"
)

// An infoChannel is one over SIP INFO: its dialog is the channel. See the draft,
// section 7.1.
type infoChannel struct {
	*mscp.InfoClient
	*sipua.Call
}

// infoCheck is the pause between two looks at whether the media server still knows
// the dialog of a channel over INFO, which has no connection that would break.
const infoCheck = 5 * time.Second

// openInfo sets up a dialog without media for a channel over INFO.
func (m *MediaServer) openInfo(ctx context.Context) (*sipua.Call, Channel, error) {
	host, _, err := net.SplitHostPort(m.cfg.UA.Addr())
	if err != nil {
		return nil, nil, err
	}
	offer, err := mscp.InfoSDP(host)
	if err != nil {
		return nil, nil, err
	}
	call, err := m.cfg.UA.Invite(ctx, sipua.InviteRequest{
		URI: m.cfg.URI, From: m.cfg.From, To: m.cfg.URI, Body: offer, ContentType: sdpType, NoSessionTimer: true,
	})
	if err != nil {
		return nil, nil, fmt.Errorf("INVITE: %w", err)
	}
	c := &infoChannel{InfoClient: mscp.NewInfoClient(sendInfo(call), m.mscp), Call: call}
	call.OnInfo(c.take)
	if err := call.Ack(ctx, nil, ""); err != nil {
		call.End(byeTimeout)
		return nil, nil, fmt.Errorf("ACK: %w", err)
	}
	go c.watch()
	return call, c, nil
}

// sendInfo carries MSCP in INFOs on a dialog.
func sendInfo(call *sipua.Call) mscp.SendInfo {
	return func(ctx context.Context, body []byte) error {
		err := call.Info(ctx, mscp.ContentType, body)
		var status *sipua.StatusError
		switch {
		case err == nil:
			return nil
		case call.Ended():
			return fmt.Errorf("%w: %w", mscp.ErrChannelClosed, err)
		case errors.As(err, &status) && status.Code < 500:
			return &mscp.Error{Code: mscp.StatusBadRequest, Reason: status.Error()}
		case errors.As(err, &status):
			return &mscp.Error{Code: mscp.StatusInternalError, Reason: status.Error()}
		}
		return err
	}
}

// take takes an INFO of the media server.
func (c *infoChannel) take(_ context.Context, i sipua.Info) error {
	documents, err := i.Find(mscp.ContentType)
	for _, d := range documents {
		err = errors.Join(err, c.Deliver(d.Content))
	}
	return err
}

// watch asks now and then whether the dialog is still there; one that is not
// answered, or is unknown, is over.
func (c *infoChannel) watch() {
	tick := time.NewTicker(infoCheck)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-c.Call.Done():
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), infoCheck)
		err := c.Info(ctx, "", nil)
		cancel()
		if errors.Is(err, context.DeadlineExceeded) {
			c.Call.End(byeTimeout)
			return
		}
	}
}
