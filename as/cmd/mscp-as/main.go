// Command mscp-as is the application server of the offline-message cluster.
//
//	mscp-as -config mscp-as.yaml
//	mscp-as -check-config -config mscp-as.yaml
//	mscp-as -print-config > mscp-as.yaml
package main

import (
	"os"

	"github.com/gomscp/gomscp/as"
	"github.com/gomscp/gomscp/internal/daemon"
)

func main() { daemon.Main("mscp-as", as.DefaultYAML, start) }

func start(f daemon.Flags) (*daemon.Service, error) {
	cfg, err := load(f)
	if err != nil {
		return nil, err
	}
	log, err := daemon.Logger(os.Stderr, cfg.Log.Level, cfg.Name)
	if err != nil || f.CheckOnly {
		return nil, err
	}
	s, err := as.Start(cfg, log)
	if err != nil {
		return nil, err
	}
	return &daemon.Service{Server: s, Log: log, Reload: func() error {
		cfg, err := load(f)
		if err != nil {
			return err
		}
		return s.Reload(cfg)
	}}, nil
}

// load reads the configuration, in which the flags go before the file.
func load(f daemon.Flags) (as.Config, error) {
	cfg, err := as.LoadConfig(f.Config)
	f.Override(&cfg.SIP.Listen, &cfg.Admin, &cfg.Trace, &cfg.Log.Level)
	return cfg, err
}
