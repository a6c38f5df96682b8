package operator

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/gomscp/gomscp/internal/daemon"
	"github.com/gomscp/gomscp/internal/table"
	"github.com/gomscp/gomscp/store"
)

// reportEvery is how often progress is told of what takes longer.
const reportEvery = 2 * time.Second

// A meter counts what a command has done.
type meter struct {
	mu   sync.Mutex
	done store.Progress
}

func (m *meter) set(p store.Progress) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.done = p
}

func (m *meter) add(messages int, bytes int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.done.Messages += messages
	m.done.Bytes += bytes
}

// writer counts what goes through it.
func (m *meter) writer(w io.Writer) io.Writer { return meteredWriter{m, w} }

type meteredWriter struct {
	m *meter
	w io.Writer
}

func (w meteredWriter) Write(p []byte) (int, error) {
	n, err := w.w.Write(p)
	w.m.add(0, int64(n))
	return n, err
}

func (m *meter) String() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch p := m.done; {
	case p.Total > 0:
		return fmt.Sprintf("%d of %s, %s", p.Messages, daemon.Count(p.Total, "message"), table.Volume(p.Bytes))
	case p.Messages > 0:
		return fmt.Sprintf("%s, %s", daemon.Count(p.Messages, "message"), table.Volume(p.Bytes))
	case p.Bytes > 0:
		return table.Volume(p.Bytes)
	}
	return "working"
}

// watch tells how far the command is, as long as it goes on; the function that
// it returns ends that.
func (c *command) watch() (stop func()) {
	began, done := time.Now(), make(chan struct{})
	var work sync.WaitGroup
	work.Go(func() {
		tick := time.NewTicker(reportEvery)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				fmt.Fprintf(c.errs, "%s: %s, %v\n", c.name, c.meter.String(), time.Since(began).Round(time.Second))
			case <-done:
				return
			}
		}
	})
	return func() { close(done); work.Wait() }
}
