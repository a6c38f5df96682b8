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
	"os"

	"github.com/gomscp/gomscp/as"
	"github.com/gomscp/gomscp/as/operator"
	"github.com/gomscp/gomscp/internal/daemon"
)

func main() {
	if len(os.Args) > 1 && (os.Args[1] == "directory" || os.Args[1] == "deliver") {
		os.Exit(operatorCommand(os.Args[1:]))
	}
	daemon.Main("mscp-as", as.DefaultYAML, start)
}

// operatorCommand runs mscp-as directory or mscp-as deliver, and returns the exit
// status.
func operatorCommand(args []string) int {
	ctx, stop := daemon.SignalContext()
	defer stop()
	return daemon.ExitStatus(os.Stderr, "mscp-as "+args[0], operator.Run(ctx, args, "mscp-as.yaml", locate, os.Stdout, os.Stderr))
}

func locate(config string) (admin, file string, err error) {
	cfg, err := as.LoadConfig(config)
	return cfg.Admin, cfg.Directory, err
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
	s, err := as.Start(cfg, log)
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
func load(f daemon.Flags) (as.Config, error) {
	cfg, err := as.LoadConfig(f.Config)
	f.Override(&cfg.SIP.Listen, &cfg.Admin, &cfg.Trace, &cfg.Log.Level)
	return cfg, err
}
