// Command mscp-ms is a media server of the offline-message cluster.
//
//	mscp-ms -config mscp-ms.yaml
//	mscp-ms -print-config > mscp-ms.yaml
package main

import (
	"io"
	"log/slog"
	"os"

	"github.com/gomscp/gomscp/internal/daemon"
	"github.com/gomscp/gomscp/ms"
)

func main() { daemon.Main("mscp-ms", ms.DefaultYAML, start) }

func start(f daemon.Flags) (io.Closer, *slog.Logger, error) {
	cfg, err := ms.LoadConfig(f.Config)
	if err != nil {
		return nil, nil, err
	}
	f.Override(&cfg.SIP.Listen, &cfg.Admin, &cfg.Trace, &cfg.Log.Level)
	log, err := daemon.Logger(os.Stderr, cfg.Log.Level, cfg.Name)
	if err != nil {
		return nil, nil, err
	}
	s, err := ms.Start(cfg, log)
	return s, log, err
}
