package ms

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/gomscp/gomscp/mscp"
	"github.com/gomscp/gomscp/sipua"
)

// serveInfo answers an INVITE without media and serves MSCP over INFO on its dialog
// until that ends. See the draft, section 7.1.
func (cs *controls) serveInfo(in *sipua.IncomingCall, log *slog.Logger) error {
	if cs.cfg.Control.RequireTLS && in.Peer.Transport != "TLS" {
		return notAcceptable(in, cs.cfg.Name, fmt.Errorf("MSCP over INFO without TLS, which control.require_tls asks for: %w", errTransport))
	}
	answer, err := mscp.InfoSDP(cs.cfg.Control.Host)
	if err != nil {
		return errors.Join(err, in.Reject(500, "Server Internal Error"))
	}
	end := cs.takeInfo(in)
	defer end.close()
	call, _, err := in.Answer(cs.life.ctx, answer, sdpType)
	if err != nil {
		return fmt.Errorf("answer: %w", err)
	}
	end.begin(call)
	defer call.End(byeTimeout)
	srv := end.server()
	log.Info("control channel over INFO is up", "peer", in.Source)
	cs.up.Inc()
	defer cs.up.Dec()
	cs.channels.add(srv)
	defer cs.channels.remove(srv)
	select {
	case <-call.Done():
		log.Info("control channel over INFO ended", "err", call.Err())
	case <-cs.life.ctx.Done():
	}
	return nil
}

// An infoEnd is the media server's end of MSCP over INFO on one dialog: a control
// dialog without media, or that of a participant's session. Responses go out on the
// dialog of their requests. See the draft, section 7.1.
type infoEnd struct {
	controls *controls
	begun    chan struct{} // closed when call is set
	call     *sipua.Call

	mu     sync.Mutex
	srv    *mscp.InfoServer // made with the first message
	closed bool
}

// takeInfo takes the INFOs of a dialog, also before its answer: the first may overtake the
// ACK.
func (cs *controls) takeInfo(in *sipua.IncomingCall) *infoEnd {
	e := &infoEnd{controls: cs, begun: make(chan struct{})}
	in.OnInfo(func(_ context.Context, i sipua.Info) error {
		documents, err := i.Find(mscp.ContentType) // without any, the AS asks whether we are there
		for _, d := range documents {
			err = errors.Join(err, e.deliver(d.Content))
		}
		return err
	})
	return e
}

// takeParticipantInfo is takeInfo for a session's dialog. It returns nil if the INFOs would
// bypass control.require_tls; they get 415 then.
func (cs *controls) takeParticipantInfo(in *sipua.IncomingCall) *infoEnd {
	if cs.cfg.Control.RequireTLS && in.Peer.Transport != "TLS" {
		return nil
	}
	return cs.takeInfo(in)
}

func (e *infoEnd) deliver(body []byte) error {
	srv := e.server()
	if srv == nil {
		return mscp.ErrChannelClosed
	}
	return srv.Deliver(body)
}

// server handles the messages; it is nil after the end.
func (e *infoEnd) server() *mscp.InfoServer {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.srv == nil && !e.closed {
		asker := e.controls.answerer.newAsker()
		e.srv = mscp.NewInfoServer(e.send, asker.handle, e.controls.config)
		asker.bind(e.srv)
	}
	return e.srv
}

// send sends a message on the dialog when that has begun.
func (e *infoEnd) send(ctx context.Context, body []byte) error {
	select {
	case <-e.begun:
		return e.call.Info(ctx, mscp.ContentType, body) // [MSCP-7.1-1]
	case <-ctx.Done():
		return ctx.Err()
	}
}

// begin gives the answered call to an end that may be nil; it is called once.
func (e *infoEnd) begin(call *sipua.Call) {
	if e != nil {
		e.call = call
		close(e.begun)
	}
}

// close ends the handlers under way, of an end that may be nil.
func (e *infoEnd) close() {
	if e == nil {
		return
	}
	e.mu.Lock()
	srv := e.srv
	e.srv, e.closed = nil, true
	e.mu.Unlock()
	if srv != nil {
		srv.Close()
	}
}
