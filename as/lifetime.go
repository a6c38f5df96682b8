package as

import (
	"context"
	"sync"

	"github.com/gomscp/gomscp/internal/daemon"
)

// A lifetime is when the server serves, and what its end waits for.
type lifetime struct {
	ready  chan struct{}   // closed when everything is there that a call needs
	ctx    context.Context // ends when the server closes
	cancel context.CancelFunc
	tasks  daemon.Tasks

	once sync.Once
	err  error // of the end
}

func newLifetime() *lifetime {
	l := &lifetime{ready: make(chan struct{})}
	l.ctx, l.cancel = context.WithCancel(context.Background())
	return l
}

// awaitReady waits until calls can be served; it reports false if the server closes.
func (l *lifetime) awaitReady() bool {
	select {
	case <-l.ready:
		return true
	case <-l.ctx.Done():
		return false
	}
}

// end ends the tasks, waits for them, and then has closeRest close what they used. It may be
// called again.
func (l *lifetime) end(closeRest func() error) error {
	l.once.Do(func() {
		l.tasks.Close()
		l.cancel()
		l.tasks.Wait()
		l.err = closeRest()
	})
	return l.err
}
