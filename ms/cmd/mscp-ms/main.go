// Command mscp-ms is a media server of the offline-message cluster.
//
//	mscp-ms -config mscp-ms.yaml
//	mscp-ms -check-config -config mscp-ms.yaml
//	mscp-ms -print-config > mscp-ms.yaml
//	mscp-ms store recipients
//
// mscp-ms store -h lists the operator's commands, for a running or a stopped server.
package main

import (
	"os"

	"github.com/gomscp/gomscp/internal/daemon"
	"github.com/gomscp/gomscp/ms"
	"github.com/gomscp/gomscp/ms/operator"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == "store" {
		os.Exit(storeCommand(os.Args[2:]))
	}
	daemon.Main("mscp-ms", ms.DefaultYAML, start)
}

// storeCommand runs mscp-ms store, and returns the exit status.
func storeCommand(args []string) int {
	ctx, stop := daemon.SignalContext()
	defer stop()
	return daemon.ExitStatus(os.Stderr, "mscp-ms store", operator.Run(ctx, args, "mscp-ms.yaml", locate, os.Stdout, os.Stderr))
}

func locate(config string) (admin, file string, err error) {
	cfg, err := ms.LoadConfig(config)
	return cfg.Admin, cfg.Store, err
}

func start(f daemon.Flags) (*daemon.Service, error) {
	cfg, err := load(f)
	if err != nil {
		return nil, err
	}
	log, err := daemon.Logger(os.Stderr, cfg.Log.Level, cfg.Name)
	if err != nil || f.CheckOnly {
		return nil, err
	}
	daemon.LimitMemory(cfg.Limits.Memory)
	s, err := ms.Start(cfg, log)
	if err != nil {
		return nil, err
	}
	return &daemon.Service{Server: s, Log: log, Drain: cfg.Drain, Reload: func() error {
		cfg, err := load(f)
		if err != nil {
			return err
		}
		if err := s.Reload(cfg); err != nil {
			return err
		}
		daemon.LimitMemory(cfg.Limits.Memory)
		return nil
	}}, nil
}

// load reads the configuration; flags override the file.
func load(f daemon.Flags) (ms.Config, error) {
	cfg, err := ms.LoadConfig(f.Config)
	f.Override(&cfg.SIP.Listen, &cfg.Admin, &cfg.Trace, &cfg.Log.Level)
	return cfg, err
}
