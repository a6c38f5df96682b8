package operator

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/gomscp/gomscp/internal/daemon"
	"github.com/gomscp/gomscp/internal/printable"
	"github.com/gomscp/gomscp/internal/table"
)

// table is what the command writes a list to.
func (c *command) table() *table.Writer { return &table.Writer{W: c.out, JSON: c.json, Wide: c.wide} }

func listRecipients(ctx context.Context, c *command) error {
	rows := c.table()
	rows.Head("RECIPIENT", "MESSAGES", "SIZE", "OLDEST", "AGE")
	for r, err := range c.store.Recipients(ctx) {
		if err == nil {
			err = rows.Add(r, func() []string {
				return []string{rows.Cell(r.URI), fmt.Sprint(r.Messages), daemon.FormatSize(r.Bytes), table.At(r.Oldest), table.Age(r.Oldest)}
			})
		}
		if err != nil {
			return errors.Join(rows.Flush(), err)
		}
	}
	return rows.Flush()
}

func listMessages(ctx context.Context, c *command) error {
	rows := c.table()
	rows.Head("ID", "RECEIVED", "AGE", "SIZE", "TYPE", "FROM", "TO", "MESSAGE-ID", "REASON")
	for m, err := range c.store.Messages(ctx, c.filter) {
		if err == nil {
			err = rows.Add(m, func() []string {
				return []string{fmt.Sprint(m.ID), table.At(m.Received), table.Age(m.Received), daemon.FormatSize(m.Size), rows.Cell(m.ContentType),
					rows.Cell(m.Sender), rows.Cell(m.Recipient), rows.Cell(m.MessageID), rows.Cell(m.Reason)}
			})
		}
		if err != nil {
			return errors.Join(rows.Flush(), err)
		}
		c.meter.add(1, m.Size)
	}
	return rows.Flush()
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
		_, err = io.Copy(c.meter.writer(forTerminal(c.out)), b)
		return err
	}
	if c.json {
		return table.WriteJSON(c.out, m)
	}
	for _, f := range [][2]string{
		{"ID", fmt.Sprint(m.ID)}, {"To", table.Clean(m.Recipient)}, {"From", table.Clean(m.Sender)}, {"Message-ID", table.Clean(m.MessageID)},
		{"Content-Type", table.Clean(m.ContentType)}, {"Size", table.Volume(m.Size)}, {"Connection", table.Clean(m.ConnectionID)},
		{"Received", when(m.Received)}, {"Expires", table.At(m.Expires)}, {"Set aside", when(m.Aside)}, {"Reason", table.Clean(m.Reason)},
	} {
		fmt.Fprintf(c.out, "%-12s  %s\n", f[0], f[1])
	}
	return nil
}

// when is a time and how long ago it was.
func when(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return table.At(t) + ", " + table.Age(t) + " ago"
}

// forTerminal makes a body printable if w is a terminal, which would obey it.
func forTerminal(w io.Writer) io.Writer {
	f, ok := w.(*os.File)
	if !ok {
		return w
	}
	if info, err := f.Stat(); err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return w
	}
	return printable.NewWriter(w)
}

func purge(ctx context.Context, c *command) error {
	p, err := c.store.Purge(ctx, c.filter, c.meter.set)
	fmt.Fprintf(c.out, "%s of %s deleted\n", daemon.Count(p.Messages, "message"), table.Volume(p.Bytes))
	if err == nil && p.Messages > 0 {
		fmt.Fprintln(c.out, "Their bytes stay in the file until new messages overwrite them, or until the file is compacted.")
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
	fmt.Fprintf(c.out, "%s will be delivered again\n", daemon.Count(len(ids), "message"))
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
	fmt.Fprintf(c.out, "%s of %s stored, %s already there\n", daemon.Count(n.Stored, "message"), table.Volume(n.Bytes), daemon.Count(n.Duplicates, "message"))
	return err
}

func backup(ctx context.Context, c *command) error {
	return c.toFile(func(w io.Writer) error { return c.store.Backup(ctx, w) })
}

func check(ctx context.Context, c *command) error {
	err := c.store.Check(ctx)
	if c.json {
		result := struct {
			Damaged bool   `json:"damaged"`
			Error   string `json:"error,omitempty"`
		}{Damaged: err != nil}
		if err != nil {
			result.Error = err.Error()
		}
		return errors.Join(table.WriteJSON(c.out, result), err)
	}
	if err != nil {
		return err
	}
	fmt.Fprintln(c.out, "no damage")
	return nil
}

// compact copies the file of a stopped server; the copy has no deleted data.
func compact(ctx context.Context, c *command) error {
	f, ok := c.store.(file)
	if !ok {
		return errors.New("compact: only the file of a stopped media server can be compacted: stop it and use -file")
	}
	return f.Compact(ctx, c.output, c.meter.set)
}
