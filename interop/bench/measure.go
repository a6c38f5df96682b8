package bench

import (
	"context"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/gomscp/gomscp/interop/cluster"
)

// A measurement is one round of a scenario: what ends between from and until counts.
type measurement struct {
	from, until time.Time
	processes   map[string]int // ids

	mu   sync.Mutex
	took []time.Duration
}

// begin begins one of d, after warmUp.
func (s *system) begin(d time.Duration) *measurement {
	now := time.Now()
	return &measurement{from: now.Add(warmUp), until: now.Add(warmUp + d),
		processes: map[string]int{"as": s.cluster.AS.Pid(), "ms": s.cluster.MS[0].Pid(), "client": os.Getpid()}}
}

func (m *measurement) counts(at time.Time) bool { return at.After(m.from) && !at.After(m.until) }

func (m *measurement) add(took []time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.took = append(m.took, took...)
}

// figure waits for the time that counts, and reads what processor time it takes.
func (s *system) figure(ctx context.Context, m *measurement) (Figure, error) {
	time.Sleep(time.Until(m.from))
	profiled := s.profileFor(ctx, m.until.Sub(m.from))
	f := Figure{CPU: map[string]time.Duration{}}
	for name, pid := range m.processes {
		f.CPU[name] = -cluster.ProcessorTime(pid)
	}
	time.Sleep(time.Until(m.until))
	for name, pid := range m.processes {
		f.CPU[name] += cluster.ProcessorTime(pid)
	}
	return f, profiled()
}

// fill takes in what was counted, once all is.
func (f *Figure) fill(m *measurement) {
	n := len(m.took)
	f.Rate = float64(n) / m.until.Sub(m.from).Seconds()
	if n == 0 {
		return
	}
	slices.Sort(m.took)
	f.P50, f.P99 = m.took[n/2], m.took[n*99/100]
	for name := range f.CPU {
		f.CPU[name] /= time.Duration(n)
	}
}
