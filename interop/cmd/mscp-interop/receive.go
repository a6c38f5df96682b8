package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"mime"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/gomscp/gomscp/interop/softphone"
	"github.com/gomscp/gomscp/msrp"
)

// maxShown is the size, in bytes, up to which a text is shown on the terminal;
// what is longer needs --dir.
const maxShown = 64 << 10

type receiveFlags struct {
	user, registrar, password, dir, setup string
	count                                 int
	expires                               time.Duration
}

func runReceive(ctx context.Context, args []string) error {
	var f receiveFlags
	fs := flag.NewFlagSet("receive", flag.ContinueOnError)
	fs.StringVar(&f.user, "user", "", "your SIP `URI`")
	fs.StringVar(&f.registrar, "registrar", "127.0.0.1:5060", "the SIP registrar, `host:port` or host:port;transport=tcp")
	fs.StringVar(&f.password, "password", "", "your password, if the registrar asks for one")
	fs.StringVar(&f.dir, "dir", "", "write every message to a file in this `folder`")
	fs.StringVar(&f.setup, "setup", "", "who connects for MSRP where there is a choice: active (we) or passive (they)")
	fs.IntVar(&f.count, "count", 0, "end after so many messages; 0 goes on until interrupted")
	fs.DurationVar(&f.expires, "expires", 10*time.Minute, "how long each registration lasts")
	fs.Usage = func() {
		fmt.Fprintln(fs.Output(), "usage: mscp-interop receive --user URI [flags]")
		fs.PrintDefaults()
	}
	if err := fs.Parse(args); err != nil {
		return err
	}
	if f.user == "" {
		fs.Usage()
		return errors.New("--user is needed")
	}
	return receive(ctx, f)
}

// receive registers and takes messages until enough have come or ctx ends.
func receive(ctx context.Context, f receiveFlags) error {
	r := &receiver{dir: f.dir, want: f.count, enough: make(chan struct{})}
	phone, err := softphone.New(softphone.Config{
		User: f.user, Password: f.password, Proxy: f.registrar, Setup: msrp.Setup(f.setup), OnMessage: r.take,
	})
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
		fmt.Fprintln(os.Stderr, "message not taken:", err)
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
		text = printable(string(head))
	}
	fmt.Printf("from %s, %s, %d bytes: %s\n", m.Sender, m.ContentType, int64(len(head))+rest, text)
	return nil
}

// printable takes control characters out of what a stranger has written.
func printable(s string) string {
	return strings.Map(func(c rune) rune {
		if unicode.IsControl(c) && c != '\n' && c != '\t' {
			return '\uFFFD'
		}
		return c
	}, s)
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
	fmt.Printf("from %s, %s, %d bytes: %s\n", m.Sender, m.ContentType, n, name)
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
