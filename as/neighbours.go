package as

import (
	"context"
	"time"
)

// pingTimes are how the neighbours are asked whether they are there.
type pingTimes struct {
	wait     time.Duration // for an answer
	min, max time.Duration // between two questions; it doubles
}

var startPings = pingTimes{wait: 8 * time.Second, min: 15 * time.Second, max: 5 * time.Minute}

// pingNeighbours asks the outbound proxy, and the presence server if that is another,
// whether they are there. Nothing waits for it: it is for who has just started the
// server with a wrong address, and who would hear of it with the first message only.
func (s *Server) pingNeighbours(t pingTimes) {
	s.life.tasks.Go(func() { s.ping("outbound_proxy", s.cfg.OutboundProxy, t) })
	if s.cfg.Presence.Server != s.cfg.OutboundProxy {
		s.life.tasks.Go(func() { s.ping("presence.server", s.cfg.Presence.Server, t) })
	}
}

// ping logs one line if the server that a setting names does not answer, and one when
// it does after that. An answer of any code will do.
func (s *Server) ping(setting, destination string, t pingTimes) {
	told := false
	for pause := t.min; ; pause = min(2*pause, t.max) {
		ctx, cancel := context.WithTimeout(s.life.ctx, t.wait)
		err := s.legs.ua.Ping(ctx, destination, s.legs.self)
		cancel()
		switch {
		case s.life.ctx.Err() != nil:
			return
		case err == nil && told:
			s.log.Info("the neighbour answers now", "setting", setting, "destination", destination)
			return
		case err == nil:
			return
		case !told:
			s.log.Warn("no answer to OPTIONS; what is sent there will fail until there is one", "setting", setting, "destination", destination, "err", err)
			told = true
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-s.life.ctx.Done():
			timer.Stop()
			return
		}
	}
}
