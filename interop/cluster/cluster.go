package cluster

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"path/filepath"
	"strconv"
	"sync/atomic"

	"github.com/gomscp/gomscp/as"
	"github.com/gomscp/gomscp/internal/daemon"
	"github.com/gomscp/gomscp/ms"
)

// Options describe a cluster.
type Options struct {
	Binaries Binaries
	Dir      string // for configurations, stores and logs; must exist
	ASAddr   string // where the application server takes SIP; "" picks a free port
	Proxy    string // the outbound proxy and presence server
	Weights  []int  // one media server per weight

	// ConfigAS and ConfigMS may change a configuration before it is written.
	ConfigAS func(*as.Config)
	ConfigMS func(i int, c *ms.Config)
	// OnTrace, if set, gets every message that a process traces. It is called
	// from one goroutine per process.
	OnTrace func(daemon.TraceRecord)
}

// A Cluster is one application server and its media servers.
type Cluster struct {
	AS *Process
	MS []*Process

	servers []as.MediaServerConfig
}

// AddAS writes the configuration of a further application server over the same
// media servers, and starts nothing. It is not among Processes. Of the options,
// Weights and ConfigMS say nothing here; a name of its own gives it a directory
// of its own.
func (c *Cluster) AddAS(o Options, name string) (*Process, error) {
	cfg := as.DefaultConfig()
	cfg.Name, cfg.MediaServers = name, c.servers
	return newAS(o, cfg)
}

// New writes the configurations of a cluster, and starts nothing.
func New(o Options) (*Cluster, error) {
	c := &Cluster{}
	asc := as.DefaultConfig()
	asc.MediaServers = nil
	for i, weight := range o.Weights {
		p, err := newMS(o, i)
		if err != nil {
			return nil, err
		}
		c.MS = append(c.MS, p)
		asc.MediaServers = append(asc.MediaServers, as.MediaServerConfig{
			URI: "sip:ms@" + p.SIP + ";transport=tcp", Weight: weight, Name: p.Name,
		})
	}
	c.servers = asc.MediaServers
	var err error
	if c.AS, err = newAS(o, asc); err != nil {
		return nil, err
	}
	return c, nil
}

func newMS(o Options, i int) (*Process, error) {
	cfg := ms.DefaultConfig()
	cfg.Name = fmt.Sprintf("ms%d", i+1)
	cfg.Store = filepath.Join(o.Dir, cfg.Name+".db")
	if err := freeAddrs(&cfg.SIP.Listen, &cfg.MSRP.Listen, &cfg.Admin); err != nil {
		return nil, err
	}
	if o.ConfigMS != nil {
		o.ConfigMS(i, &cfg)
	}
	p := &Process{Name: cfg.Name, SIP: cfg.SIP.Listen, MSRP: cfg.MSRP.Listen, Admin: cfg.Admin, path: o.Binaries.MS}
	return p, p.prepare(o, cfg)
}

func newAS(o Options, cfg as.Config) (*Process, error) {
	cfg.SIP.Listen = o.ASAddr
	cfg.OutboundProxy = o.Proxy
	cfg.Directory = filepath.Join(o.Dir, cfg.Name+".db")
	if err := freeAddrs(&cfg.Admin); err != nil {
		return nil, err
	}
	if o.ASAddr == "" {
		if err := freeAddrs(&cfg.SIP.Listen); err != nil {
			return nil, err
		}
	}
	if o.ConfigAS != nil {
		o.ConfigAS(&cfg)
	}
	p := &Process{Name: cfg.Name, SIP: cfg.SIP.Listen, Admin: cfg.Admin, path: o.Binaries.AS}
	return p, p.prepare(o, cfg)
}

// prepare writes the configuration file.
func (p *Process) prepare(o Options, cfg any) error {
	p.config = filepath.Join(o.Dir, p.Name+".yaml")
	p.log = filepath.Join(o.Dir, p.Name+".log")
	p.onTrace = o.OnTrace
	return p.writeConfig(cfg)
}

// Processes are all processes, the media servers first.
func (c *Cluster) Processes() []*Process {
	return append(append([]*Process{}, c.MS...), c.AS)
}

// Start starts all processes and waits until each can serve.
func (c *Cluster) Start(ctx context.Context) error {
	for _, p := range c.Processes() {
		if err := p.Start(); err != nil {
			return fmt.Errorf("%s: %w", p.Name, err)
		}
	}
	for _, p := range c.Processes() {
		if err := p.WaitReady(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Stop ends all processes in order, the application server first.
func (c *Cluster) Stop() error {
	errs := []error{c.AS.Stop()}
	for _, p := range c.MS {
		errs = append(errs, p.Stop())
	}
	return errors.Join(errs...)
}

// Kill ends all processes at once.
func (c *Cluster) Kill() {
	for _, p := range c.Processes() {
		p.Kill()
	}
}

// Ports for servers are below those that systems give to outgoing connections,
// which would take one between FreeAddr and the server's start.
const firstPort, lastPort = 10_000, 31_000

// nextPort counts the ports that this process has asked for, from one that other processes
// hardly begin with: two servers that start at the same time must not get the same one.
var nextPort = func() *atomic.Uint32 {
	n := new(atomic.Uint32)
	n.Store(rand.Uint32N(lastPort - firstPort))
	return n
}()

// FreeAddr returns a loopback address whose port is free for UDP and TCP at
// the moment, and which it has not returned before. A process that is killed and
// restarted needs a fixed one.
func FreeAddr() (string, error) {
	for range 100 {
		port := firstPort + int(nextPort.Add(1)%(lastPort-firstPort))
		addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
		l, err := net.Listen("tcp", addr)
		if err != nil {
			continue
		}
		u, err := net.ListenPacket("udp", addr)
		l.Close()
		if err == nil {
			u.Close()
			return addr, nil
		}
	}
	return "", errors.New("cluster: no port is free for both UDP and TCP")
}

func freeAddrs(addrs ...*string) error {
	for _, a := range addrs {
		s, err := FreeAddr()
		if err != nil {
			return err
		}
		*a = s
	}
	return nil
}
