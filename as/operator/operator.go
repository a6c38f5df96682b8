// Package operator has the operator's commands for the application server: list and
// change the directory, and start deliveries. It works on a running server through its
// admin address, or on the directory file of a stopped one.
package operator

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"

	"github.com/gomscp/gomscp/as"
	"github.com/gomscp/gomscp/internal/daemon"
	"github.com/gomscp/gomscp/internal/table"
	"github.com/gomscp/gomscp/sipua"
)

const usage = `Usage: mscp-as directory list|where|forget|rename ... and mscp-as deliver URI

The directory lists which media server keeps messages for which recipient.

  directory list [SELECTION]     list the entries
  directory where URI            list the media servers with messages for a recipient
  directory forget -ms NAME [SELECTION]
                                 remove the entries of a lost media server
  directory rename NAME NEW      give the entries of a media server to another name
  deliver URI                    call the recipient now, if reachable

A running server forgets and renames only entries of media servers that are not
in its configuration. These commands never remove messages: a media server that
comes back reports the messages that it keeps.

Selection: -to URI, -from URI, -ms NAME
Output:    -json (one JSON object a line), -wide (columns as wide as needed)
Server:    -config FILE, -admin ADDRESS of a running server, or -file FILE, the
           directory of a stopped one. Without -admin and -file, the configuration
           decides: its admin address if it has one, otherwise its directory.
`

const (
	maxLine     = 1 << 20 // bytes of one line of an answer
	requestWait = time.Minute
)

// A Locator returns the admin address and the directory's file in a configuration.
type Locator func(config string) (admin, file string, err error)

// command is one call of the command line.
type command struct {
	config, admin, file string
	to, from, ms        string
	out                 table.Writer
	args                []string
}

// Run runs the command lines mscp-as directory and mscp-as deliver; args are their
// words. Results go to out, help to errs. defaultConfig is the path of the configuration
// if args name none.
func Run(ctx context.Context, args []string, defaultConfig string, locate Locator, out, errs io.Writer) error {
	c := &command{config: defaultConfig, out: table.Writer{W: out}}
	if err := c.parse(args, errs); err != nil {
		return err
	}
	do, err := c.choose()
	if err != nil {
		return err
	}
	if c.admin == "" && c.file == "" {
		if c.admin, c.file, err = locate(c.config); err != nil {
			return err
		}
	}
	return do(ctx)
}

func (c *command) parse(args []string, errs io.Writer) error {
	fs := flag.NewFlagSet("mscp-as directory", flag.ContinueOnError)
	fs.SetOutput(errs)
	fs.Usage = func() { fmt.Fprint(fs.Output(), usage) }
	for name, value := range map[string]*string{
		"config": &c.config, "admin": &c.admin, "file": &c.file, "to": &c.to, "from": &c.from, "ms": &c.ms,
	} {
		fs.StringVar(value, name, *value, "")
	}
	fs.BoolVar(&c.out.JSON, "json", false, "")
	fs.BoolVar(&c.out.Wide, "wide", false, "")
	for len(args) > 0 { // flags may stand anywhere
		if err := daemon.ParseFlags(fs, args); err != nil {
			return err
		}
		if args = fs.Args(); len(args) > 0 {
			c.args, args = append(c.args, args[0]), args[1:]
		}
	}
	for _, uri := range []*string{&c.to, &c.from} {
		if err := canonical(uri); err != nil {
			return usageError("%w", err)
		}
	}
	return nil
}

// choose returns the function for the words of the command line.
func (c *command) choose() (func(context.Context) error, error) {
	words := strings.Join(c.args[:min(2, len(c.args))], " ")
	switch {
	case words == "directory list" && len(c.args) == 2:
		return c.list, nil
	case strings.HasPrefix(words, "directory where"), strings.HasPrefix(words, "deliver"):
		if c.args[0] == "directory" && len(c.args) != 3 || c.args[0] == "deliver" && len(c.args) != 2 {
			return nil, usageError("%s: one URI is needed", c.args[0])
		}
		c.to = c.args[len(c.args)-1]
		if err := canonical(&c.to); err != nil {
			return nil, usageError("%w", err)
		}
		if c.args[0] == "deliver" {
			return c.deliver, nil
		}
		return c.where, nil
	case words == "directory forget" && len(c.args) == 2:
		if c.ms == "" {
			return nil, usageError("directory forget: -ms NAME is needed")
		}
		return c.forget, nil
	case words == "directory rename":
		if len(c.args) != 4 {
			return nil, usageError("directory rename: two names are needed")
		}
		return c.rename, nil
	}
	return nil, usageError("%q is no command", strings.Join(c.args, " "))
}

func usageError(format string, args ...any) error {
	return &daemon.UsageError{Err: fmt.Errorf(format, args...), Help: "mscp-as directory -h"}
}

// canonical makes of a URI, whose "sip:" may be left out, the one that the directory
// has.
func canonical(uri *string) error {
	if *uri == "" {
		return nil
	}
	u, err := sipua.CanonicalURI(*uri)
	if err != nil {
		if u, err = sipua.CanonicalURI("sip:" + *uri); err != nil {
			return err
		}
	}
	*uri = u
	return nil
}

func (c *command) list(ctx context.Context) error {
	_, err := c.print(ctx)
	return err
}

func (c *command) where(ctx context.Context) error {
	n, err := c.print(ctx)
	if err == nil && n == 0 {
		return fmt.Errorf("nothing is kept for %s", c.to)
	}
	return err
}

// print writes the entries that are selected.
func (c *command) print(ctx context.Context) (n int, err error) {
	c.out.Head("RECIPIENT", "SENDER", "MEDIA SERVER", "CHANNEL", "SINCE", "AGE", "REACHABLE", "NEXT")
	for e, err := range c.entries(ctx) {
		if err == nil {
			err = c.out.Add(e, func() []string {
				return []string{c.out.Cell(e.Recipient), c.out.Cell(e.Sender), c.out.Cell(e.MediaServer), table.Clean(e.Channel),
					table.At(e.Since), table.Age(e.Since), reachable(e.Reachable), table.At(e.Next)}
			})
		}
		if err != nil {
			return n, errors.Join(c.out.Flush(), err)
		}
		n++
	}
	return n, c.out.Flush()
}

func reachable(is *bool) string {
	switch {
	case is == nil:
		return "-"
	case *is:
		return "yes"
	}
	return "no"
}

// entries are those of a running server, or of a file.
func (c *command) entries(ctx context.Context) iter.Seq2[as.Entry, error] {
	if c.admin != "" {
		return c.ask(ctx)
	}
	return func(yield func(as.Entry, error) bool) {
		d, err := as.ReadDirectory(c.file)
		if err != nil {
			yield(as.Entry{}, err)
			return
		}
		defer d.Close()
		for e, err := range d.Entries(c.to, c.from, c.ms) {
			if !yield(e, err) {
				return
			}
		}
	}
}

func (c *command) ask(ctx context.Context) iter.Seq2[as.Entry, error] {
	return func(yield func(as.Entry, error) bool) {
		q := url.Values{}
		for key, v := range map[string]string{"to": c.to, "from": c.from, "ms": c.ms} {
			if v != "" {
				q.Set(key, v)
			}
		}
		body, err := c.do(ctx, http.MethodGet, "directory", q)
		if err != nil {
			yield(as.Entry{}, err)
			return
		}
		defer body.Close()
		lines := bufio.NewScanner(body)
		lines.Buffer(nil, maxLine)
		for lines.Scan() {
			var line struct {
				as.Entry
				Done  bool   `json:"done"`
				Error string `json:"error"`
			}
			err := json.Unmarshal(lines.Bytes(), &line)
			if err == nil && line.Error != "" {
				err = errors.New(line.Error)
			}
			if line.Done {
				return
			}
			if !yield(line.Entry, err) || err != nil {
				return
			}
		}
		yield(as.Entry{}, errors.Join(errors.New("the answer was cut off"), lines.Err()))
	}
}

func (c *command) deliver(ctx context.Context) error {
	if c.admin == "" {
		return errors.New("deliver: a running server is needed, whose configuration has an admin address")
	}
	return c.post(ctx, "deliver", url.Values{"to": {c.to}})
}

// do makes a request of a running server; an answer of anything but 200 is an error.
func (c *command) do(ctx context.Context, method, page string, q url.Values) (io.ReadCloser, error) {
	req, err := http.NewRequestWithContext(ctx, method, "http://"+c.admin+"/"+page+"?"+q.Encode(), nil)
	if err != nil {
		return nil, err
	}
	client := http.Client{Transport: &http.Transport{Proxy: nil, DisableKeepAlives: true, ResponseHeaderTimeout: requestWait}}
	res, err := client.Do(req)
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return nil, fmt.Errorf("no application server answers at %s; -file works on the directory of one that does not run", c.admin)
	case err != nil:
		return nil, err
	case res.StatusCode == http.StatusOK:
		return res.Body, nil
	}
	defer res.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(res.Body, maxLine))
	return nil, errors.New(strings.TrimSpace(string(text)))
}
