package ms

import (
	"time"
)

// expire deletes expired messages, from the start of the server to its end. A look costs
// nothing if none has expired.
func (s *shared) expire() {
	tick := time.NewTicker(expireEvery)
	defer tick.Stop()
	for {
		s.expireNow(time.Now())
		select {
		case <-tick.C:
		case <-s.life.ctx.Done():
			return
		}
	}
}

func (s *shared) expireNow(now time.Time) {
	n, err := s.store.Expire(s.life.ctx, now)
	if n > 0 {
		s.log.Info("messages expired", "count", n)
	}
	if err != nil && s.life.ctx.Err() == nil {
		s.log.Error("messages not expired", "err", err)
	}
}
