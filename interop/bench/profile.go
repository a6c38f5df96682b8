package bench

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"sync"
	"time"
)

var odd = regexp.MustCompile(`[^a-z0-9]+`)

// profileName is the beginning of the names of the files for one round, "" for none.
func profileName(dir, version, scenario string, round int) string {
	if dir == "" {
		return ""
	}
	return filepath.Join(dir, fmt.Sprintf("%s-%s-%d", version, odd.ReplaceAllString(scenario, "-"), round+1))
}

// profileFor takes a profile of each server in the time d, and returns a function that
// waits for them.
func (s *system) profileFor(ctx context.Context, d time.Duration) (wait func() error) {
	if s.profile == "" {
		return func() error { return nil }
	}
	var taking sync.WaitGroup
	processes := s.cluster.Processes()
	errs := make([]error, len(processes))
	for i, p := range processes {
		taking.Go(func() {
			page, err := p.Get(ctx, fmt.Sprintf("/debug/pprof/profile?seconds=%d", max(1, int(d.Seconds()))))
			if err == nil {
				err = os.WriteFile(s.profile+"-"+p.Name+".pprof", []byte(page), 0o600)
			}
			errs[i] = err
		})
	}
	return func() error {
		taking.Wait()
		for _, err := range errs {
			if err != nil {
				return fmt.Errorf("profile: %w", err)
			}
		}
		return nil
	}
}

// heapProfiles takes a profile of the memory that each server has in use.
func (s *system) heapProfiles(ctx context.Context) error {
	if s.profile == "" {
		return nil
	}
	for _, p := range s.cluster.Processes() {
		page, err := p.Get(ctx, "/debug/pprof/heap")
		if err == nil {
			err = os.WriteFile(s.profile+"-"+p.Name+"-heap.pprof", []byte(page), 0o600)
		}
		if err != nil {
			return fmt.Errorf("profile: %w", err)
		}
	}
	return nil
}
