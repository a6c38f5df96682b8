package operator

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/gomscp/gomscp/as"
	"github.com/gomscp/gomscp/internal/printable"
)

// forget removes entries of a media server.
func (c *command) forget(ctx context.Context) error {
	if c.admin != "" {
		return c.post(ctx, "directory/forget", url.Values{"ms": {c.ms}, "to": {c.to}, "from": {c.from}})
	}
	return c.change("forgotten", func(d *as.Directory) (int, error) { return d.Forget(c.ms, c.to, c.from) })
}

// rename gives entries of a media server to another name.
func (c *command) rename(ctx context.Context) error {
	name, to := c.args[2], c.args[3]
	if c.admin != "" {
		return c.post(ctx, "directory/rename", url.Values{"ms": {name}, "name": {to}})
	}
	return c.change("renamed", func(d *as.Directory) (int, error) { return d.Rename(name, to) })
}

// change changes the file of a server that does not run.
func (c *command) change(done string, do func(*as.Directory) (int, error)) error {
	if _, err := os.Stat(c.file); err != nil {
		return fmt.Errorf("directory: %w", err) // opening would make a new one
	}
	d, err := as.OpenDirectory(c.file)
	if err != nil {
		return err
	}
	n, err := do(d)
	fmt.Fprintf(c.out.W, "%d entries %s\n", n, done)
	return errors.Join(err, d.Close())
}

// post has a running server do something, and prints what it says.
func (c *command) post(ctx context.Context, page string, q url.Values) error {
	body, err := c.do(ctx, http.MethodPost, page, q)
	if err != nil {
		return err
	}
	defer body.Close()
	text, err := io.ReadAll(io.LimitReader(body, maxLine))
	fmt.Fprintln(c.out.W, printable.String(strings.TrimSpace(string(text))))
	return err
}
