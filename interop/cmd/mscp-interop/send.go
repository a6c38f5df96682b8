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
	"time"

	"github.com/gomscp/gomscp/internal/daemon"
	"github.com/gomscp/gomscp/internal/printable"
	"github.com/gomscp/gomscp/interop/internal/softphone"
	"github.com/gomscp/gomscp/msrp"
)

// progressAfter is the time before a transfer reports its progress.
const progressAfter = 2 * time.Second

type sendFlags struct {
	phone          phoneFlags
	from, to, file string
	report         bool
	timeout        time.Duration
}

func runSend(ctx context.Context, args []string) error {
	var f sendFlags
	fs := newFlags("send", "usage: mscp-interop send --from URI --to URI [flags] [TEXT ...]\n\nIf TEXT is \"-\", the text is read from standard input.")
	fs.StringVar(&f.from, "from", "", "your SIP `URI`")
	fs.StringVar(&f.to, "to", "", "the recipient's SIP `URI`")
	fs.StringVar(&f.phone.proxy, "proxy", "127.0.0.1:5060", "the SIP proxy, `host:port`, followed by ;transport=tcp or ;transport=tls if not over UDP")
	fs.StringVar(&f.file, "file", "", "also send this `file`")
	fs.StringVar(&f.phone.setup, "setup", "active", "which side connects for MSRP: active (this side) or passive (the other side)")
	fs.BoolVar(&f.report, "report", true, "ask for a success report and wait for it")
	fs.DurationVar(&f.timeout, "timeout", 10*time.Minute, "the longest duration of the command")
	f.phone.define(fs)
	if err := daemon.ParseFlags(fs, args); err != nil {
		return err
	}
	if f.from == "" || f.to == "" || (fs.NArg() == 0 && f.file == "") {
		return wrong("send", "--from, --to and a text or --file are needed")
	}
	if err := f.phone.check(); err != nil {
		return wrong("send", "%w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, f.timeout)
	defer cancel()
	return send(ctx, f, fs.Args())
}

// send makes one call and sends each text, then the file, over it.
func send(ctx context.Context, f sendFlags, texts []string) (err error) {
	cfg, err := f.phone.config(f.from)
	if err != nil {
		return err
	}
	phone, err := softphone.New(cfg)
	if err != nil {
		return err
	}
	defer phone.Close()
	chat, err := phone.Call(ctx, f.to)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, chat.Close(context.WithoutCancel(ctx))) }()
	fmt.Printf("call taken; MSRP session to %s, Call-ID %s\n", printable.String(fmt.Sprint(chat.Session().Remote())), printable.String(chat.CallID()))
	for _, text := range texts {
		body, size := io.Reader(strings.NewReader(text)), int64(len(text))
		if text == "-" {
			body, size = os.Stdin, -1
		}
		err := sendOne(ctx, chat, "text/plain; charset=utf-8", body, size, f.report)
		if err != nil {
			return err
		}
	}
	if f.file == "" {
		return nil
	}
	return sendFile(ctx, chat, f)
}

func sendFile(ctx context.Context, chat *softphone.Chat, f sendFlags) error {
	file, err := os.Open(f.file)
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	contentType := mime.TypeByExtension(filepath.Ext(f.file))
	if contentType == "" {
		contentType = "application/octet-stream"
	}
	return sendOne(ctx, chat, contentType, file, info.Size(), f.report)
}

func sendOne(ctx context.Context, chat *softphone.Chat, contentType string, body io.Reader, size int64, report bool) error {
	began := time.Now()
	counted := &progress{r: body, size: size, next: began.Add(progressAfter)}
	receipt, err := chat.Send(ctx, msrp.Message{ContentType: contentType, Body: counted, Size: size, SuccessReport: report})
	if err != nil {
		return err
	}
	if err := receipt.Wait(ctx); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	word := "taken"
	if report {
		word = "confirmed"
	}
	fmt.Printf("%s %s, %d bytes, %s in %v\n", receipt.MessageID(), contentType, counted.done, word, time.Since(began).Round(time.Millisecond))
	return nil
}

// progress tells on standard error how far a long transfer is.
type progress struct {
	r          io.Reader
	done, size int64
	next       time.Time
}

func (p *progress) Read(b []byte) (int, error) {
	n, err := p.r.Read(b)
	p.done += int64(n)
	if now := time.Now(); now.After(p.next) && p.size > 0 {
		fmt.Fprintf(os.Stderr, "  %3d %% of %d bytes\n", 100*p.done/p.size, p.size)
		p.next = now.Add(progressAfter)
	}
	return n, err
}
