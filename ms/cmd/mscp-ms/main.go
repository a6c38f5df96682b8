// Command mscp-ms is a media server of the offline-message cluster.
//
//	mscp-ms -config mscp-ms.yaml
//	mscp-ms -print-config > mscp-ms.yaml
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"

	"github.com/gomscp/gomscp/internal/daemon"
	"github.com/gomscp/gomscp/ms"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return
		}
		fmt.Fprintln(os.Stderr, "mscp-ms:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	fs := flag.NewFlagSet("mscp-ms", flag.ContinueOnError)
	config := fs.String("config", "mscp-ms.yaml", "the configuration `file`")
	print := fs.Bool("print-config", false, "print the commented default configuration and exit")
	listen := fs.String("listen", "", "override sip.listen")
	admin := fs.String("admin", "", "override admin")
	trace := fs.String("trace", "", "override trace")
	level := fs.String("log-level", "", "override log.level")
	if err := fs.Parse(args); err != nil {
		return err
	}
	if fs.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", fs.Arg(0))
	}
	if *print {
		_, err := os.Stdout.Write(ms.DefaultYAML)
		return err
	}
	cfg, err := ms.LoadConfig(*config)
	if err != nil {
		return err
	}
	for p, v := range map[*string]string{&cfg.SIP.Listen: *listen, &cfg.Admin: *admin, &cfg.Trace: *trace, &cfg.Log.Level: *level} {
		if v != "" {
			*p = v
		}
	}
	return serve(cfg)
}

// serve runs the server until a signal asks it to end.
func serve(cfg ms.Config) error {
	log, err := daemon.Logger(os.Stderr, cfg.Log.Level, cfg.Name)
	if err != nil {
		return err
	}
	ctx, stop := daemon.SignalContext()
	defer stop()
	s, err := ms.Start(cfg, log)
	if err != nil {
		return err
	}
	<-ctx.Done()
	log.Info("shutting down")
	return s.Close()
}
