package operator

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"
)

// clean is a stranger's text, safe for a terminal.
func clean(s string) string {
	if s == "" {
		return "-"
	}
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, s)
}

func at(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format(time.RFC3339)
}

func listRecipients(ctx context.Context, c *command) error {
	w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "RECIPIENT\tMESSAGES\tBYTES\tOLDEST")
	for r, err := range c.store.Recipients(ctx) {
		if err != nil {
			return errors.Join(w.Flush(), err)
		}
		fmt.Fprintf(w, "%s\t%d\t%d\t%s\n", clean(r.URI), r.Messages, r.Bytes, at(r.Oldest))
	}
	return w.Flush()
}

func listMessages(ctx context.Context, c *command) error {
	w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tRECEIVED\tBYTES\tTYPE\tFROM\tTO\tMESSAGE-ID\tREASON")
	for m, err := range c.store.Messages(ctx, c.filter) {
		if err != nil {
			return errors.Join(w.Flush(), err)
		}
		fmt.Fprintf(w, "%d\t%s\t%d\t%s\t%s\t%s\t%s\t%s\n", m.ID, at(m.Received), m.Size,
			clean(m.ContentType), clean(m.Sender), clean(m.Recipient), clean(m.MessageID), clean(m.Reason))
		c.meter.add(1, m.Size)
	}
	return w.Flush()
}

func show(ctx context.Context, c *command) error {
	ids, err := c.ids()
	if err != nil {
		return err
	}
	m, err := c.store.Message(ctx, ids[0])
	if err != nil {
		return err
	}
	if c.body {
		b, err := c.store.Body(ctx, m.ID)
		if err != nil {
			return err
		}
		defer b.Close()
		_, err = io.Copy(c.meter.writer(c.out), b)
		return err
	}
	for _, f := range [][2]string{
		{"ID", fmt.Sprint(m.ID)}, {"To", clean(m.Recipient)}, {"From", clean(m.Sender)}, {"Message-ID", clean(m.MessageID)},
		{"Content-Type", clean(m.ContentType)}, {"Bytes", fmt.Sprint(m.Size)}, {"Connection", clean(m.ConnectionID)},
		{"Received", at(m.Received)}, {"Expires", at(m.Expires)}, {"Set aside", at(m.Aside)}, {"Reason", clean(m.Reason)},
	} {
		fmt.Fprintf(c.out, "%-12s  %s\n", f[0], f[1])
	}
	return nil
}

func purge(ctx context.Context, c *command) error {
	p, err := c.store.Purge(ctx, c.filter, c.meter.set)
	fmt.Fprintf(c.out, "%d messages of %d bytes deleted\n", p.Messages, p.Bytes)
	if err == nil && p.Messages > 0 {
		fmt.Fprintln(c.out, "Their bytes stay in free parts of the file until these are used again, or it is compacted.")
	}
	return err
}

func restore(ctx context.Context, c *command) error {
	ids, err := c.ids()
	if err != nil {
		return err
	}
	if err := c.store.Restore(ctx, ids...); err != nil {
		return err
	}
	fmt.Fprintf(c.out, "%d messages are to be delivered again\n", len(ids))
	return nil
}

func export(ctx context.Context, c *command) error {
	return c.toFile(func(w io.Writer) error { return c.store.Export(ctx, w, c.filter) })
}

func importFile(ctx context.Context, c *command) error {
	in := io.Reader(os.Stdin)
	if len(c.args) > 0 {
		f, err := os.Open(c.args[0])
		if err != nil {
			return err
		}
		defer f.Close()
		in = f
	}
	n, err := c.store.Import(ctx, in, c.meter.set)
	fmt.Fprintf(c.out, "%d messages of %d bytes stored, %d were there already\n", n.Stored, n.Bytes, n.Duplicates)
	return err
}

func backup(ctx context.Context, c *command) error {
	return c.toFile(func(w io.Writer) error { return c.store.Backup(ctx, w) })
}

func check(ctx context.Context, c *command) error {
	if err := c.store.Check(ctx); err != nil {
		return err
	}
	fmt.Fprintln(c.out, "no damage")
	return nil
}

// compact copies a file at rest; the copy has nothing of what was deleted.
func compact(ctx context.Context, c *command) error {
	f, ok := c.store.(file)
	if !ok {
		return errors.New("compact: only a file at rest can be compacted: stop the media server and use -file")
	}
	return f.Compact(ctx, c.output, c.meter.set)
}
