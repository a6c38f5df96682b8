package as

import (
	"context"
	"time"

	"github.com/gomscp/gomscp/as/internal/mailbox"
)

// newMailboxes makes the mailboxes, which do nothing yet.
func (s *Server) newMailboxes(presence mailbox.Presence, pusher mailbox.Pusher) *mailbox.Mailboxes {
	return mailbox.New(mailbox.Config{
		Directory: entries{s.dir}, Presence: presence, Pusher: pusher,
		Delay: s.cfg.Push.Delay, RetryMin: s.cfg.Push.RetryMin, RetryMax: s.cfg.Push.RetryMax,
		MaxRecipients: s.cfg.Store.MaxRecipients, Memory: s.memory, Go: s.tasks.Go, Log: s.log,
	})
}

// entries are the directory as the mailboxes see it.
type entries struct{ dir *Directory }

func (e entries) Add(p mailbox.Pair) error    { return e.dir.Add(Pair(p)) }
func (e entries) Remove(p mailbox.Pair) error { return e.dir.Remove(Pair(p)) }
func (e entries) EachInPages(f func(mailbox.Pair) error) error {
	return e.dir.EachInPages(func(p Pair) error { return f(mailbox.Pair(p)) })
}

// A pusher makes the pushes of the mailboxes, and counts them.
type pusher struct{ s *Server }

func (p pusher) Push(ctx context.Context, pair mailbox.Pair, before string) error {
	began := time.Now()
	err := p.s.push(ctx, pair, before)
	p.s.metrics.pushed(err, time.Since(began))
	return err
}

func (p pusher) MediaServer(name string) mailbox.MediaServer {
	ms := p.s.server(name)
	if ms == nil {
		return mailbox.MediaServer{}
	}
	since := ms.UpSince()
	return mailbox.MediaServer{Configured: true, Up: !since.IsZero(), Since: since, Tells: ms.Tells()}
}
