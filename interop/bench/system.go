package bench

import (
	"context"
	"fmt"

	"github.com/gomscp/gomscp/interop/cluster"
	"github.com/gomscp/gomscp/interop/internal/load"
	"github.com/gomscp/gomscp/interop/sipserver"
)

// A system is one version that runs: a proxy, an application server, a media server.
type system struct {
	version  Version
	cluster  *cluster.Cluster
	presence *sipserver.Server
	profile  string // the beginning of the names of profiles that the next round takes; "": none
}

// start starts a version in dir.
func start(ctx context.Context, v Version, dir string) (*system, error) {
	asAddr, err := cluster.FreeAddr()
	if err != nil {
		return nil, err
	}
	s := &system{version: v}
	if s.presence, err = sipserver.New(sipserver.Config{Addr: "127.0.0.1:0", Domain: "example.com", AppServer: asAddr}); err != nil {
		return nil, err
	}
	s.cluster, err = cluster.New(cluster.Options{Binaries: v.Binaries, Dir: dir, ASAddr: asAddr, Proxy: s.presence.Addr(), Weights: []int{1}})
	if err == nil {
		err = s.cluster.Start(ctx)
	}
	if err != nil {
		s.close()
		return nil, fmt.Errorf("%s: %w", v.Name, err)
	}
	return s, nil
}

func (s *system) close() {
	if s.cluster != nil {
		s.cluster.Kill() // what it keeps is of no use
	}
	s.presence.Close()
}

// caller makes a caller with a connection of its own to the application server.
func (s *system) caller() (*load.Caller, error) {
	c, err := load.New(s.cluster.AS.SIP, true)
	if err != nil {
		return nil, err
	}
	c.Users = users
	return c, nil
}

// explain adds the ends of the servers' logs to an error.
func (s *system) explain(err error) error {
	err = fmt.Errorf("%s: %w", s.version.Name, err)
	for _, p := range s.cluster.Processes() {
		err = fmt.Errorf("%w\n--- %s:\n%s", err, p.Name, p.LogTail(4))
	}
	return err
}

// memory is what each server has in use after a collection, in bytes.
func (s *system) memory(ctx context.Context) (map[string]float64, error) {
	used := map[string]float64{}
	for name, p := range map[string]*cluster.Process{"as": s.cluster.AS, "ms": s.cluster.MS[0]} {
		n, err := p.MemoryInUse(ctx)
		if err != nil {
			return nil, err
		}
		used[name] = n
	}
	return used, nil
}
