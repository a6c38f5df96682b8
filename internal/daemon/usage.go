package daemon

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"

	"github.com/gomscp/gomscp/internal/printable"
)

// A UsageError is an invalid command line. The process exits with status 2.
type UsageError struct {
	Err  error
	Help string // the command that explains what is allowed
}

func (e *UsageError) Error() string { return fmt.Sprintf("%v; see %s", e.Err, e.Help) }
func (e *UsageError) Unwrap() error { return e.Err }

// ParseFlags reads the command line args. An error becomes a UsageError and is not
// printed. -h prints the flags and returns flag.ErrHelp.
func ParseFlags(fs *flag.FlagSet, args []string) error {
	out := fs.Output()
	var help strings.Builder
	fs.SetOutput(&help)
	err := fs.Parse(args)
	fs.SetOutput(out)
	switch {
	case errors.Is(err, flag.ErrHelp):
		_, _ = io.WriteString(out, help.String())
		return err
	case err != nil:
		return &UsageError{err, fs.Name() + " -h"}
	}
	return nil
}

// ExitStatus returns the exit status for err: 0 for nil and for flag.ErrHelp, 2 for a
// UsageError, and otherwise 1. It prints an error after the name of the command.
func ExitStatus(w io.Writer, name string, err error) int {
	if err == nil || errors.Is(err, flag.ErrHelp) {
		return 0
	}
	for line := range strings.SplitSeq(err.Error(), "\n") { // which may quote a peer
		fmt.Fprintf(w, "%s: %s\n", name, printable.String(line))
	}
	var usage *UsageError
	if errors.As(err, &usage) {
		return 2
	}
	return 1
}
