// Command mscp-as is the application server of the offline-message cluster.
//
//	mscp-as -config mscp-as.yaml
//	mscp-as -check-config -config mscp-as.yaml
//	mscp-as -print-config > mscp-as.yaml
//	mscp-as directory where sip:bob@example.com
//	mscp-as deliver sip:bob@example.com
//
// mscp-as directory -h lists the operator's commands.
package main

import (
	"context"
	"os"

	"github.com/gomscp/gomscp/as"
	"github.com/gomscp/gomscp/as/operator"
	"github.com/gomscp/gomscp/internal/daemon"
)

func main() {
	if len(os.Args) > 1 && (os.Args[1] == "directory" || os.Args[1] == "deliver") {
		os.Exit(operatorCommand(os.Args[1:]))
	}
	daemon.Program[as.Config, *as.Server]{
		Name: "mscp-as", DefaultYAML: as.DefaultYAML, Load: as.LoadConfig, Settings: settings, Start: as.Start,
	}.Main()
}

// operatorCommand runs mscp-as directory or mscp-as deliver, and returns the exit
// status.
func operatorCommand(args []string) int {
	return daemon.Tool("mscp-as "+args[0], func(ctx context.Context) error {
		return operator.Run(ctx, args, "mscp-as.yaml", locate, os.Stdout, os.Stderr)
	})
}

func locate(config string) (admin, file string, err error) {
	cfg, err := as.LoadConfig(config)
	return cfg.Admin, cfg.Directory, err
}

func settings(c *as.Config) daemon.Settings {
	return daemon.Settings{
		Name: c.Name, Listen: &c.SIP.Listen, Admin: &c.Admin, Trace: &c.Trace, Level: &c.Log.Level,
		Drain: c.Drain, Memory: c.Limits.Memory,
	}
}
