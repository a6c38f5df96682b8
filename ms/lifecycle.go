package ms

import (
	"context"
	"sync"

	"github.com/gomscp/gomscp/internal/daemon"
)

// A lifecycle has the goroutines of a server, and ends them in order: first the sessions,
// then everything else.
type lifecycle struct {
	draining chan struct{}   // closed when the server begins to close
	sessions daemon.Tasks    // dialogs of store and push sessions
	ctx      context.Context // ends when the sessions have ended
	cancel   context.CancelFunc
	tasks    daemon.Tasks
	late     sync.WaitGroup // waits for outcomes of the store that no sender waits for
}

func newLifecycle() *lifecycle {
	l := &lifecycle{draining: make(chan struct{})}
	l.ctx, l.cancel = context.WithCancel(context.Background())
	return l
}

// drain lets the sessions end, then ends ctx, and waits for the tasks.
func (l *lifecycle) drain() {
	close(l.draining)
	l.sessions.Close()
	l.sessions.Wait()
	l.tasks.Close()
	l.cancel()
	l.tasks.Wait()
}
