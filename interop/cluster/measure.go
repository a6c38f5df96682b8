package cluster

import (
	"context"
	"fmt"
	"strconv"
	"strings"
)

// Metric reads one value of the process's metrics page, "" if there is none. The name has
// the labels of the value, as the page has them.
func (p *Process) Metric(ctx context.Context, name string) (string, error) {
	page, err := p.Get(ctx, "/metrics")
	if err != nil {
		return "", err
	}
	return valueIn(page, name), nil
}

// valueIn is the value of a metric in a page, "" if there is none.
func valueIn(page, name string) string {
	for line := range strings.Lines(page) {
		if rest, ok := strings.CutPrefix(line, name+" "); ok {
			return strings.TrimSpace(rest)
		}
	}
	return ""
}

// MemoryInUse is what the process has in use after a garbage collection: heap and stacks,
// in bytes.
func (p *Process) MemoryInUse(ctx context.Context) (float64, error) {
	if _, err := p.Get(ctx, "/debug/pprof/heap?gc=1"); err != nil {
		return 0, err
	}
	page, err := p.Get(ctx, "/metrics")
	if err != nil {
		return 0, err
	}
	total := 0.0
	for _, name := range []string{"go_memstats_heap_inuse_bytes", "go_memstats_stack_inuse_bytes"} {
		v, err := strconv.ParseFloat(valueIn(page, name), 64)
		if err != nil {
			return 0, fmt.Errorf("%s: %s: %w", p.Name, name, err)
		}
		total += v
	}
	return total, nil
}
