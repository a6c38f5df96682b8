// Command mscp-as is the application server of the offline-message cluster.
//
//	mscp-as -config mscp-as.yaml
//	mscp-as -check-config -config mscp-as.yaml
//	mscp-as -print-config > mscp-as.yaml
package main

import (
	"io"
	"log/slog"
	"os"

	"github.com/gomscp/gomscp/as"
	"github.com/gomscp/gomscp/internal/daemon"
)

func main() { daemon.Main("mscp-as", as.DefaultYAML, start) }

func start(f daemon.Flags) (io.Closer, *slog.Logger, error) {
	cfg, err := as.LoadConfig(f.Config)
	if err != nil {
		return nil, nil, err
	}
	f.Override(&cfg.SIP.Listen, &cfg.Admin, &cfg.Trace, &cfg.Log.Level)
	log, err := daemon.Logger(os.Stderr, cfg.Log.Level, cfg.Name)
	if err != nil || f.CheckOnly {
		return nil, nil, err
	}
	s, err := as.Start(cfg, log)
	return s, log, err
}
