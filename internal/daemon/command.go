package daemon

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// A Program is the binary of a server S whose configuration is a C.
type Program[C any, S Server[C]] struct {
	Name        string                           // of the binary
	DefaultYAML []byte                           // what -print-config prints
	Load        func(path string) (C, error)     // reads and validates a configuration file
	Settings    func(*C) Settings                // the settings that all servers have
	Start       func(C, *slog.Logger) (S, error) // starts a server
}

// A Server runs until Close.
type Server[C any] interface {
	io.Closer
	// Reload applies the settings that can change while the server runs. After an error,
	// nothing has changed.
	Reload(C) error
}

// Settings are the settings that all servers have. The command line can override those
// that are pointers.
type Settings struct {
	Name                        string
	Listen, Admin, Trace, Level *string
	Drain                       time.Duration // how long Close may take; 0 means no limit
	Memory                      int64         // limit, in bytes; 0 means none
}

// flags are what the command line of a server says.
type flags struct {
	config    string // path of the configuration file
	checkOnly bool   // read the configuration and start nothing

	listen, admin, trace, level string

	health         string // URL to ask
	print, version bool
}

// override replaces the settings that the command line names.
func (f *flags) override(s Settings) {
	for setting, value := range map[*string]string{s.Listen: f.listen, s.Admin: f.admin, s.Trace: f.trace, s.Level: f.level} {
		if value != "" {
			*setting = value
		}
	}
}

// Main is the main function of a server's binary: it reads the flags, starts
// the server and runs it until SIGINT or SIGTERM asks it to end. SIGHUP makes it read the
// configuration again. It exits with status 1 on an error, 2 if the command line is
// wrong.
func (p Program[C, S]) Main() {
	if status := ExitStatus(os.Stderr, p.Name, p.run(os.Args[1:])); status != 0 {
		os.Exit(status)
	}
}

// parse reads the command line.
func (p Program[C, S]) parse(args []string) (*flags, error) {
	f := &flags{}
	fs := flag.NewFlagSet(p.Name, flag.ContinueOnError)
	fs.StringVar(&f.config, "config", p.Name+".yaml", "the configuration `file`")
	fs.StringVar(&f.listen, "listen", "", "override sip.listen")
	fs.StringVar(&f.admin, "admin", "", "override admin")
	fs.StringVar(&f.trace, "trace", "", "override trace")
	fs.StringVar(&f.level, "log-level", "", "override log.level")
	fs.BoolVar(&f.checkOnly, "check-config", false, "read the configuration, report its errors, and exit")
	fs.StringVar(&f.health, "healthcheck", "", "ask a running server at this `URL`, such as http://127.0.0.1:9090/healthz, and exit")
	fs.BoolVar(&f.print, "print-config", false, "print the commented default configuration and exit")
	fs.BoolVar(&f.version, "version", false, "print the version, commit and Go version of this binary and exit")
	if err := ParseFlags(fs, args); err != nil {
		return nil, err
	}
	if fs.NArg() > 0 {
		return nil, &UsageError{fmt.Errorf("unexpected argument %q", fs.Arg(0)), p.Name + " -h"}
	}
	return f, nil
}

func (p Program[C, S]) run(args []string) error {
	f, err := p.parse(args)
	if err != nil {
		return err
	}
	if f.version {
		_, err := fmt.Println(p.Name, ReadVersion())
		return err
	}
	if f.print {
		_, err := os.Stdout.Write(p.DefaultYAML)
		return err
	}
	ctx, stop := SignalContext()
	defer stop()
	if f.health != "" {
		return checkHealth(ctx, f.health)
	}
	return p.serve(ctx, f)
}

// load reads the configuration; flags override the file.
func (p Program[C, S]) load(f *flags) (C, Settings, error) {
	cfg, err := p.Load(f.config)
	f.override(p.Settings(&cfg))
	return cfg, p.Settings(&cfg), err
}

// serve runs the server until ctx ends.
func (p Program[C, S]) serve(ctx context.Context, f *flags) error {
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)
	cfg, settings, err := p.load(f)
	if err != nil {
		return err
	}
	log, err := Logger(os.Stderr, *settings.Level, settings.Name)
	if err != nil || f.checkOnly {
		return err
	}
	limitMemory(settings.Memory)
	server, err := p.Start(cfg, log)
	if err != nil {
		return err
	}
	for {
		select {
		case <-hangup:
			if err := p.reload(f, server); err != nil {
				log.Error("configuration refused; the old one stays in force", "err", err)
			}
		case <-ctx.Done():
			log.Info("shutting down")
			return drain(server, settings.Drain)
		}
	}
}

// reload reads the configuration again and gives it to the server.
func (p Program[C, S]) reload(f *flags, server S) error {
	cfg, settings, err := p.load(f)
	if err != nil {
		return err
	}
	if err := server.Reload(cfg); err != nil {
		return err
	}
	limitMemory(settings.Memory)
	return nil
}

// drain closes the server, within the time that is set for it; 0 means no limit.
func drain(server io.Closer, limit time.Duration) error {
	var overdue <-chan time.Time // never, without a limit
	if limit > 0 {
		timer := time.NewTimer(limit)
		defer timer.Stop()
		overdue = timer.C
	}
	closed := make(chan error, 1)
	go func() { closed <- server.Close() }()
	select {
	case err := <-closed:
		return err
	case <-overdue:
		return fmt.Errorf("sessions did not end within %s, the setting drain, and are cut off", FormatDuration(limit))
	}
}

// Tool runs an operator's command of a server binary, until it returns or SIGINT or
// SIGTERM cancels it. It returns the exit status.
func Tool(name string, run func(context.Context) error) int {
	ctx, stop := SignalContext()
	defer stop()
	return ExitStatus(os.Stderr, name, run(ctx))
}
