package daemon

import (
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// Flags are what the command line of a server says.
type Flags struct {
	Config    string // path of the configuration file
	CheckOnly bool   // read the configuration and start nothing

	listen, admin, trace, level string
}

// Override replaces the settings that the command line names.
func (f Flags) Override(listen, admin, trace, level *string) {
	for setting, value := range map[*string]string{listen: f.listen, admin: f.admin, trace: f.trace, level: f.level} {
		if value != "" {
			*setting = value
		}
	}
}

// A Service is a server that runs.
type Service struct {
	Server io.Closer
	Log    *slog.Logger
	Drain  time.Duration // how long Server.Close may take; 0 means no limit
	// Reload reads the configuration again and puts in force what can change
	// while the server runs. After an error, nothing has changed.
	Reload func() error
}

// Main is the main function of a server's binary: it reads the flags, starts
// the server and runs it until SIGINT or SIGTERM asks it to end. SIGHUP has the
// configuration read again. It exits with status 1 on an error, 2 if the command
// line is wrong. With Flags.CheckOnly, start returns no server.
func Main(name string, defaultYAML []byte, start func(Flags) (*Service, error)) {
	if status := ExitStatus(os.Stderr, name, run(name, defaultYAML, start, os.Args[1:])); status != 0 {
		os.Exit(status)
	}
}

func run(name string, defaultYAML []byte, start func(Flags) (*Service, error), args []string) error {
	var f Flags
	fs := flag.NewFlagSet(name, flag.ContinueOnError)
	fs.StringVar(&f.Config, "config", name+".yaml", "the configuration `file`")
	fs.StringVar(&f.listen, "listen", "", "override sip.listen")
	fs.StringVar(&f.admin, "admin", "", "override admin")
	fs.StringVar(&f.trace, "trace", "", "override trace")
	fs.StringVar(&f.level, "log-level", "", "override log.level")
	fs.BoolVar(&f.CheckOnly, "check-config", false, "read the configuration, say what is wrong with it, and exit")
	health := fs.String("healthcheck", "", "ask this `URL` of a server that runs, such as http://127.0.0.1:9090/healthz, and exit")
	print := fs.Bool("print-config", false, "print the commented default configuration and exit")
	version := fs.Bool("version", false, "print the version, commit and Go version of this binary and exit")
	if err := ParseFlags(fs, args); err != nil {
		return err
	}
	if fs.NArg() > 0 {
		return &UsageError{fmt.Errorf("unexpected argument %q", fs.Arg(0)), name + " -h"}
	}
	if *version {
		_, err := fmt.Println(name, ReadVersion())
		return err
	}
	if *print {
		_, err := os.Stdout.Write(defaultYAML)
		return err
	}
	ctx, stop := SignalContext()
	defer stop()
	if *health != "" {
		return checkHealth(ctx, *health)
	}
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)
	service, err := start(f)
	if err != nil || f.CheckOnly {
		return err
	}
	for {
		select {
		case <-hangup:
			if err := service.Reload(); err != nil {
				service.Log.Error("configuration refused; the old one stays in force", "err", err)
			}
		case <-ctx.Done():
			service.Log.Info("shutting down")
			return drain(service)
		}
	}
}

// drain closes the server, within the time that is set for it.
func drain(service *Service) error {
	var overdue <-chan time.Time // never, without a limit
	if service.Drain > 0 {
		timer := time.NewTimer(service.Drain)
		defer timer.Stop()
		overdue = timer.C
	}
	closed := make(chan error, 1)
	go func() { closed <- service.Server.Close() }()
	select {
	case err := <-closed:
		return err
	case <-overdue:
		return fmt.Errorf("sessions did not end within %s, the setting drain, and are cut off", FormatDuration(service.Drain))
	}
}
