package softphone

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/gomscp/gomscp/msrp"
	"github.com/gomscp/gomscp/sipua"
)

// connectTimeout bounds how long the phone waits to connect for a session that
// it was offered.
const connectTimeout = 20 * time.Second

// handleInvite takes one incoming call until its end.
func (p *Phone) handleInvite(in *sipua.IncomingCall) {
	p.enter()
	defer p.leave()
	if err := p.serveCall(in); err != nil {
		p.log.Info("incoming call ended", "from", in.From, "err", err)
	}
}

func (p *Phone) serveCall(in *sipua.IncomingCall) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		select {
		case <-in.Cancelled():
			cancel()
		case <-ctx.Done():
		}
	}()
	if code := p.decide(ctx, in); code != 200 {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return in.Reject(code, "")
	}
	offer, err := msrp.ParseSDP(in.Body)
	if err != nil || offer.Rejected() || offer.TLS != (p.cfg.MSRPTLS != nil) {
		return in.Reject(488, "Not Acceptable Here")
	}
	media := p.media(p.answerSetup(offer.Setup))
	answer, err := media.Answer(in.Body)
	if err != nil {
		return in.Reject(488, "Not Acceptable Here")
	}
	sc := msrp.SessionConfig{
		Local: media.Path[0],
		Handler: func(ctx context.Context, m *msrp.Incoming) error {
			return p.onMessage(ctx, &Message{Incoming: m, Sender: in.From})
		},
	}
	sc.SetPeer(offer)
	return p.answerCall(ctx, in, media, sc, answer)
}

// answerCall answers and serves the session until the dialog ends.
func (p *Phone) answerCall(ctx context.Context, in *sipua.IncomingCall, media *msrp.Media, sc msrp.SessionConfig, answer []byte) error {
	var session *msrp.Session
	var err error
	if media.Setup != msrp.SetupActive {
		if session, err = p.msrp.Accept(sc); err != nil {
			return in.Reject(500, "Server Internal Error")
		}
		defer session.Close()
	}
	call, _, err := in.Answer(ctx, answer, sdpType)
	if err != nil {
		return fmt.Errorf("answer: %w", err)
	}
	if session == nil {
		dctx, cancel := context.WithTimeout(ctx, connectTimeout)
		defer cancel()
		if session, err = msrp.Dial(dctx, p.mcfg, sc); err != nil {
			bctx, cancel := context.WithTimeout(context.Background(), connectTimeout)
			defer cancel()
			return fmt.Errorf("connect: %w", firstError(err, call.Bye(bctx)))
		}
		defer session.Close()
	}
	<-call.Done()
	return nil
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func (p *Phone) decide(ctx context.Context, in *sipua.IncomingCall) int {
	if p.cfg.AnswerCall == nil {
		return 200
	}
	return p.cfg.AnswerCall(ctx, in)
}

// answerSetup is the phone's role for an offered one: its own preference where
// the offer leaves the choice.
func (p *Phone) answerSetup(offered msrp.Setup) msrp.Setup {
	if offered == msrp.SetupActpass && p.cfg.Setup != msrp.SetupNone {
		return p.cfg.Setup
	}
	return offered.Answer()
}

func (p *Phone) onMessage(ctx context.Context, m *Message) error {
	if p.cfg.OnMessage == nil {
		_, err := io.Copy(io.Discard, m)
		return err
	}
	return p.cfg.OnMessage(ctx, m)
}

func closedChan() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}

func (p *Phone) enter() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.calls++; p.calls == 1 {
		p.idle = make(chan struct{})
	}
}

func (p *Phone) leave() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.calls--; p.calls == 0 {
		close(p.idle)
	}
}

// WaitIdle waits until no incoming call is under way, or until ctx ends.
func (p *Phone) WaitIdle(ctx context.Context) error {
	p.mu.Lock()
	idle := p.idle
	p.mu.Unlock()
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
