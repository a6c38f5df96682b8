package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/gomscp/gomscp/internal/daemon"
	"github.com/gomscp/gomscp/internal/printable"
	"github.com/gomscp/gomscp/interop/internal/softphone"
)

// maxShown is the size, in bytes, up to which a text is shown on the terminal;
// what is longer needs --dir.
const maxShown = 64 << 10

type receiveFlags struct {
	phone     phoneFlags
	user, dir string
	count     int
	expires   time.Duration
}

func runReceive(ctx context.Context, args []string) error {
	var f receiveFlags
	fs := newFlags("receive", "usage: mscp-interop receive --user URI [flags]")
	fs.StringVar(&f.user, "user", "", "your SIP `URI`")
	fs.StringVar(&f.phone.proxy, "registrar", "127.0.0.1:5060", "the SIP registrar, `host:port`, followed by ;transport=tcp or ;transport=tls if not over UDP")
	fs.StringVar(&f.dir, "dir", "", "write every message to a file in this `folder`")
	fs.StringVar(&f.phone.setup, "setup", "", "which side connects for MSRP if there is a choice: active (this side) or passive (the other side)")
	fs.IntVar(&f.count, "count", 0, "end after this number of messages; 0 means run until interrupted")
	fs.DurationVar(&f.expires, "expires", 10*time.Minute, "how long each registration lasts")
	f.phone.define(fs)
	if err := daemon.ParseFlags(fs, args); err != nil {
		return err
	}
	if err := noArguments("receive", fs); err != nil {
		return err
	}
	if f.user == "" {
		return wrong("receive", "--user is needed")
	}
	if err := f.phone.check(); err != nil {
		return wrong("receive", "%w", err)
	}
	ctx, stop := untilOutputEnds(ctx)
	defer stop()
	return receive(ctx, f)
}

// receive registers and takes messages until enough have come or ctx ends.
func receive(ctx context.Context, f receiveFlags) error {
	r := &receiver{dir: f.dir, want: f.count, enough: make(chan struct{})}
	cfg, err := f.phone.config(f.user)
	if err != nil {
		return err
	}
	cfg.OnMessage = r.take
	phone, err := softphone.New(cfg)
	if err != nil {
		return err
	}
	defer phone.Close()
	if err := phone.Register(ctx, f.expires); err != nil {
		return err
	}
	fmt.Println("registered; SIP on", phone.SIPAddr(), "MSRP on", phone.MSRPAddr())
	select {
	case <-ctx.Done():
	case <-r.enough:
		phone.WaitIdle(ctx) // let the caller end the session
	}
	uctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	return phone.Unregister(uctx)
}

// A receiver shows messages, or writes them to files.
type receiver struct {
	dir    string
	want   int
	enough chan struct{}

	mu  sync.Mutex
	got int
}

// take takes one message; when it returns nil, the sender gets its 200.
func (r *receiver) take(ctx context.Context, m *softphone.Message) error {
	var err error
	if r.dir == "" {
		err = r.show(ctx, m)
	} else {
		err = r.save(ctx, m)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "message not taken:", printable.Text(err.Error()))
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.got++; r.got == r.want {
		close(r.enough)
	}
	return nil
}

func (r *receiver) show(ctx context.Context, m *softphone.Message) error {
	head, err := io.ReadAll(io.LimitReader(m, maxShown))
	if err != nil {
		return err
	}
	rest, err := io.Copy(io.Discard, m)
	if err != nil {
		return err
	}
	release, err := m.InOrder(ctx)
	if err != nil {
		return err
	}
	defer release()
	text := "(not shown; --dir keeps it)"
	if strings.HasPrefix(m.ContentType, "text/") && rest == 0 {
		// Further lines are indented, lest one looks like another message's.
		text = strings.ReplaceAll(strings.TrimRight(printable.Text(string(head)), "\n"), "\n", "\n  ")
	}
	fmt.Printf("from %s, %s, %d bytes: %s\n", printable.String(m.Sender), printable.String(m.ContentType), int64(len(head))+rest, text)
	return nil
}

// save writes the message to a file that is complete when it has its name.
func (r *receiver) save(ctx context.Context, m *softphone.Message) (err error) {
	tmp, err := os.CreateTemp(r.dir, ".incoming-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(tmp.Name())
		}
	}()
	n, err := io.Copy(tmp, m)
	if err == nil {
		err = tmp.Sync()
	}
	if err = errors.Join(err, tmp.Close()); err != nil {
		return err
	}
	release, err := m.InOrder(ctx)
	if err != nil {
		return err
	}
	defer release()
	name := filepath.Join(r.dir, time.Now().UTC().Format("20060102T150405.000000000")+extension(m.ContentType))
	if err := os.Rename(tmp.Name(), name); err != nil {
		return err
	}
	fmt.Printf("from %s, %s, %d bytes: %s\n", printable.String(m.Sender), printable.String(m.ContentType), n, printable.String(name))
	return nil
}

func extension(contentType string) string {
	t, _, err := mime.ParseMediaType(contentType)
	if err == nil && t == "text/plain" {
		return ".txt"
	}
	if ext, err := mime.ExtensionsByType(t); err == nil && len(ext) > 0 {
		return ext[0]
	}
	return ".bin"
}
