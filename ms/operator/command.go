package operator

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/gomscp/gomscp/internal/daemon"
	"github.com/gomscp/gomscp/sipua"
	"github.com/gomscp/gomscp/store"
)

const usage = `Usage: mscp-ms store COMMAND [-config FILE | -admin ADDRESS | -file FILE]

Works on a running media server through its admin address, or on the file of
a stopped one. Without -admin and -file, the configuration decides: its admin
address if it has one, otherwise its file.

Commands:
  recipients                     list the recipients with messages
  messages [SELECTION]           list messages
  show [-body] ID                show one message; its body with -body
  purge SELECTION | -all         delete messages
  restore ID...                  deliver messages again that were set aside
  export [SELECTION] [-o FILE]   write messages in the format of store/archive/EXPORT.md
  import [FILE]                  read such a file, or standard input
  backup -o FILE                 copy the store, also while it is in use
  check                          look for damage
  compact -o FILE                copy the file of a stopped server without free space

Selection:
  -to URI, -from URI             messages for this recipient, from this sender
  -older DURATION                messages older than 12h, 30d or 1w, for example
  -aside                         messages that are set aside, instead of the others

Output of recipients, messages, show and check:
  -json                          one JSON object a line, with all fields
  -wide                          columns as wide as their contents
`

// A Locator returns the admin address and the file in a configuration.
type Locator func(config string) (admin, file string, err error)

// Run runs the command line mscp-ms store; args are the words after it. Results go to
// out, progress to errs. defaultConfig is the path of the configuration if args name
// none.
func Run(ctx context.Context, args []string, defaultConfig string, locate Locator, out, errs io.Writer) error {
	fs := flag.NewFlagSet("mscp-ms store", flag.ContinueOnError)
	fs.SetOutput(errs)
	fs.Usage = func() { fmt.Fprint(fs.Output(), usage) }
	at := place{config: defaultConfig}
	at.flags(fs)
	if err := daemon.ParseFlags(fs, args); err != nil {
		return err
	}
	name := fs.Arg(0)
	do := commands[name]
	if do == nil {
		fs.Usage()
		if name == "" {
			return usageError("no command")
		}
		return usageError("unknown command %q", name)
	}
	c := &command{name: name, out: out, errs: errs}
	if err := c.parse(fs.Args()[1:], &at); err != nil {
		return err
	}
	var err error
	if at.admin == "" && at.file == "" {
		if at.admin, at.file, err = locate(at.config); err != nil {
			return err
		}
	}
	if at.admin != "" {
		c.store = Dial(at.admin)
	} else if c.store, err = Open(at.file, readsOnly[name]); err != nil {
		return locked(err)
	} else {
		c.file = at.file
	}
	defer c.store.Close()
	defer c.watch()()
	return do(ctx, c)
}

// A place is where the store is; its flags may stand before and after the command.
type place struct{ config, admin, file string }

func (p *place) flags(fs *flag.FlagSet) {
	fs.StringVar(&p.config, "config", p.config, "")
	fs.StringVar(&p.admin, "admin", p.admin, "")
	fs.StringVar(&p.file, "file", p.file, "")
}

// readsOnly are the commands that change nothing.
var readsOnly = map[string]bool{"recipients": true, "messages": true, "show": true, "export": true, "backup": true, "check": true, "compact": true}

func locked(err error) error {
	if errors.Is(err, store.ErrLocked) {
		return fmt.Errorf("%w: a media server uses it; use -admin with its admin address", err)
	}
	return err
}

// A command is one call of the command line.
type command struct {
	name  string
	store Store
	file  string // at rest; "" for a running server
	out   io.Writer
	errs  io.Writer
	meter meter

	args   []string
	filter store.Filter
	all    bool
	body   bool
	json   bool
	wide   bool
	output string
}

var commands = map[string]func(context.Context, *command) error{
	"recipients": listRecipients, "messages": listMessages, "show": show, "purge": purge, "restore": restore,
	"export": export, "import": importFile, "backup": backup, "check": check, "compact": compact,
}

// parse reads the flags of the command itself, before or after its arguments.
func (c *command) parse(args []string, at *place) error {
	fs := flag.NewFlagSet("mscp-ms store", flag.ContinueOnError)
	fs.SetOutput(c.errs)
	fs.Usage = func() { fmt.Fprint(fs.Output(), usage) }
	at.flags(fs)
	var older time.Duration
	if c.name == "messages" || c.name == "purge" || c.name == "export" {
		fs.StringVar(&c.filter.Recipient, "to", "", "")
		fs.StringVar(&c.filter.Sender, "from", "", "")
		fs.Func("older", "", func(s string) (err error) {
			older, err = daemon.ParseDuration(s)
			return err
		})
		fs.BoolVar(&c.filter.Aside, "aside", false, "")
	}
	switch c.name {
	case "recipients", "messages", "show", "check":
		fs.BoolVar(&c.json, "json", false, "")
		fs.BoolVar(&c.wide, "wide", false, "")
	}
	switch c.name {
	case "purge":
		fs.BoolVar(&c.all, "all", false, "")
	case "show":
		fs.BoolVar(&c.body, "body", false, "")
	case "export", "backup", "compact":
		fs.StringVar(&c.output, "o", "", "")
	}
	for len(args) > 0 {
		if err := daemon.ParseFlags(fs, args); err != nil {
			return err
		}
		if args = fs.Args(); len(args) > 0 {
			c.args, args = append(c.args, args[0]), args[1:]
		}
	}
	if older < 0 {
		return usageError("-older %s is negative", daemon.FormatDuration(older))
	}
	if older > 0 {
		c.filter.Before = time.Now().Add(-older)
	}
	for flag, uri := range map[string]*string{"-to": &c.filter.Recipient, "-from": &c.filter.Sender} {
		if err := canonical(uri); err != nil {
			return usageError("%s: %w", flag, err)
		}
	}
	return c.checkArgs()
}

// canonical makes of a URI, which may lack its "sip:", the one that the store has.
func canonical(uri *string) error {
	if *uri == "" {
		return nil
	}
	c, err := sipua.CanonicalURI(*uri)
	if err != nil {
		if c, err = sipua.CanonicalURI("sip:" + *uri); err != nil {
			return err
		}
	}
	*uri = c
	return nil
}

// usageError is a command line that makes no sense.
func usageError(format string, args ...any) error {
	return &daemon.UsageError{Err: fmt.Errorf(format, args...), Help: "mscp-ms store -h"}
}

func (c *command) checkArgs() error {
	most := map[string]int{"show": 1, "import": 1, "restore": 1 << 20}[c.name]
	switch {
	case len(c.args) > most:
		return usageError("%s: unexpected argument %q", c.name, c.args[most])
	case len(c.args) == 0 && (c.name == "show" || c.name == "restore"):
		return usageError("%s: no ID", c.name)
	case c.output == "" && (c.name == "backup" || c.name == "compact"):
		return usageError("%s: -o FILE is missing", c.name)
	case c.name == "purge" && c.filter == (store.Filter{}) && !c.all:
		return usageError("purge: no messages are selected; -all deletes everything")
	}
	return nil
}

func (c *command) ids() (ids []store.ID, err error) {
	for _, a := range c.args {
		n, err := strconv.ParseUint(a, 10, 64)
		if err != nil {
			return nil, usageError("%s: %q is no ID", c.name, a)
		}
		ids = append(ids, store.ID(n))
	}
	return ids, nil
}

// toFile has write fill the file of -o, which is there only when it is whole;
// without -o, standard output.
func (c *command) toFile(write func(io.Writer) error) error {
	if c.output == "" {
		return write(c.meter.writer(c.out))
	}
	f, err := os.CreateTemp(filepath.Dir(c.output), ".mscp-ms-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // which it is no more, once it has its name
	lost := write(c.meter.writer(f))
	if errors.Is(lost, store.ErrDamaged) { // what could be read is there
		err = f.Sync()
	} else if err, lost = lost, nil; err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return errors.Join(lost, os.Rename(f.Name(), c.output))
}
