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
	"context"
	"os"

	"github.com/gomscp/gomscp/internal/daemon"
	"github.com/gomscp/gomscp/ms"
	"github.com/gomscp/gomscp/ms/operator"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == "store" {
		os.Exit(storeCommand(os.Args[2:]))
	}
	daemon.Program[ms.Config, *ms.Server]{
		Name: "mscp-ms", DefaultYAML: ms.DefaultYAML, Load: ms.LoadConfig, Settings: settings, Start: ms.Start,
	}.Main()
}

// storeCommand runs mscp-ms store, and returns the exit status.
func storeCommand(args []string) int {
	return daemon.Tool("mscp-ms store", func(ctx context.Context) error {
		return operator.Run(ctx, args, "mscp-ms.yaml", locate, os.Stdout, os.Stderr)
	})
}

func locate(config string) (admin, file string, err error) {
	cfg, err := ms.LoadConfig(config)
	return cfg.Admin, cfg.Store, err
}

func settings(c *ms.Config) daemon.Settings {
	return daemon.Settings{
		Name: c.Name, Listen: &c.SIP.Listen, Admin: &c.Admin, Trace: &c.Trace, Level: &c.Log.Level,
		Drain: c.Drain, Memory: c.Limits.Memory,
	}
}
