package sipp

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

//go:embed caller.xml
var callerScenario []byte

// Options describe a run. All are needed.
type Options struct {
	Target string // host:port of the proxy
	Domain string
	From   string // user who calls
	To     string // user who is called
	Calls  int    // in all
	Rate   int    // calls per second
	Dir    string // for the scenario and sipp's files; must exist
}

// Available tells why sipp cannot be run here, or nil.
func Available() error {
	if _, err := exec.LookPath("sipp"); err != nil {
		return errors.New("sipp is not installed")
	}
	return nil
}

// Call makes the calls over UDP and returns nil if each went as the scenario
// has it; otherwise the error holds what sipp has to say.
func Call(ctx context.Context, o Options) error {
	scenario := filepath.Join(o.Dir, "caller.xml")
	if err := os.WriteFile(scenario, callerScenario, 0o600); err != nil {
		return err
	}
	errorsFile := filepath.Join(o.Dir, "errors.log")
	cmd := exec.CommandContext(ctx, "sipp", o.Target, "-sf", scenario, "-i", "127.0.0.1",
		"-m", fmt.Sprint(o.Calls), "-r", fmt.Sprint(o.Rate), "-l", fmt.Sprint(o.Calls),
		"-key", "from", o.From, "-key", "to", o.To, "-key", "domain", o.Domain,
		"-timeout", "60s", "-timeout_error", "-recv_timeout", "20000", "-nostdin",
		"-trace_err", "-error_file", errorsFile)
	cmd.Dir = o.Dir
	if out, err := cmd.CombinedOutput(); err != nil {
		said, _ := os.ReadFile(errorsFile)
		return fmt.Errorf("sipp: %w\n%s\n%s", err, tail(out, 1500), tail(said, 3000))
	}
	return nil
}

func tail(b []byte, n int) []byte { return b[max(0, len(b)-n):] }
