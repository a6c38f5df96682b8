package ms

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/gomscp/gomscp/mscp"
	"github.com/gomscp/gomscp/sipua"
)

// serveInfo answers an INVITE without media and serves MSCP over INFO on its dialog
// until that ends. See the draft, section 7.1.
func (s *Server) serveInfo(in *sipua.IncomingCall, log *slog.Logger) error {
	if s.cfg.Control.RequireTLS && in.Peer.Transport != "TLS" {
		return s.notAcceptable(in, fmt.Errorf("MSCP over INFO without TLS, which control.require_tls asks for: %w", errTransport))
	}
	answer, err := mscp.InfoSDP(s.cfg.Control.Host)
	if err != nil {
		return errors.Join(err, in.Reject(500, "Server Internal Error"))
	}
	var call *sipua.Call
	answered := make(chan struct{})
	asker := s.newAsker()
	srv := mscp.NewInfoServer(func(ctx context.Context, body []byte) error {
		<-answered // the first INFO may overtake the ACK; without one, Close ends the handlers
		if call == nil {
			return mscp.ErrChannelClosed
		}
		return call.Info(ctx, mscp.ContentType, body) // [MSCP-7.1-1]
	}, asker.handle, s.mscp)
	asker.bind(srv)
	defer srv.Close()
	in.OnInfo(func(_ context.Context, i sipua.Info) error {
		documents, err := i.Find(mscp.ContentType) // without any, the AS asks whether we are there
		for _, d := range documents {
			err = errors.Join(err, srv.Deliver(d.Content))
		}
		return err
	})
	call, _, err = in.Answer(s.ctx, answer, sdpType)
	close(answered)
	if err != nil {
		return fmt.Errorf("answer: %w", err)
	}
	defer endCall(call)
	log.Info("control channel over INFO is up", "peer", in.Source)
	s.metrics.channels.Inc()
	defer s.metrics.channels.Dec()
	s.channels.add(srv)
	defer s.channels.remove(srv)
	select {
	case <-call.Done():
		log.Info("control channel over INFO ended", "err", call.Err())
	case <-s.ctx.Done():
	}
	return nil
}
