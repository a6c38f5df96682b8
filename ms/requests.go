package ms

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/gomscp/gomscp/mscp"
	"github.com/gomscp/gomscp/mscp/mediaserver"
	"github.com/gomscp/gomscp/sipua"
	"github.com/gomscp/gomscp/store"
)

// An answerer answers the MSCP requests of the application servers, on all channels.
type answerer struct {
	*shared
	dialogs     *dialogs
	deliveries  *deliveries
	pushing     *pairLocks
	inventories chan struct{}       // has a token for each inventory that is being sent
	draft       *mediaserver.Server // refuses requests that are not about messages
}

// handleRequest answers one MSCP request. RestoreMsg and SendMsg are served. Other requests of
// the draft are refused with the draft's own error element, by a media server without media.
func (a *answerer) handleRequest(ctx context.Context, req mscp.Element) (mscp.Element, error) {
	switch r := req.(type) {
	case *mscp.RestoreMsg:
		if err := a.restoreMsg(r); err != nil {
			a.logOf(r.ConnectionID).Info("RestoreMsg refused", "err", err)
			return &mscp.MsgNotRestored{FromURI: r.FromURI, ToURI: r.ToURI, ConnectionID: r.ConnectionID, Reason: err.Error()}, nil
		}
		return &mscp.MsgRestored{FromURI: r.FromURI, ToURI: r.ToURI, ConnectionID: r.ConnectionID}, nil
	case *mscp.SendMsg:
		if err := a.sendMsg(ctx, r); err != nil {
			if d := a.dialogs.get(r.ConnectionID); d != nil {
				d.tally.fail(err)
			}
			a.logOf(r.ConnectionID).Debug("push not completed", "err", err)
			return &mscp.MsgNotSended{FromURI: r.FromURI, ToURI: r.ToURI, ConnectionID: r.ConnectionID, Reason: err.Error()}, nil
		}
		return &mscp.MsgSended{FromURI: r.FromURI, ToURI: r.ToURI, ConnectionID: r.ConnectionID}, nil
	default:
		return a.draft.Handle(ctx, req)
	}
}

// logOf is the logger of a connection.
func (a *answerer) logOf(id string) *slog.Logger {
	if d := a.dialogs.get(id); d != nil {
		return d.log
	}
	return a.log.With("connection", id)
}

// restoreMsg binds a store session to its sender and recipient.
func (a *answerer) restoreMsg(r *mscp.RestoreMsg) error {
	p, err := canonicalPair(r.FromURI, r.ToURI)
	if err != nil {
		return err
	}
	ss, ok := useBy(a.dialogs, r.ConnectionID, func(d *dialog) *storeSession { return newStoreSession(a.shared, d) })
	if !ok {
		return fmt.Errorf("no store session has the connection-id %q", r.ConnectionID)
	}
	return ss.restore(ownerOf(r, p))
}

// sendMsg delivers what is kept for the pair over a push session's connection.
// It returns when nothing is left, or when the delivery cannot go on.
func (a *answerer) sendMsg(ctx context.Context, r *mscp.SendMsg) error {
	p, err := canonicalPair(r.FromURI, r.ToURI)
	if err != nil {
		return err
	}
	ps, ok := useBy(a.dialogs, r.ConnectionID, func(d *dialog) *pushSession { return newPushSession(a.shared, d, p) })
	if !ok {
		return fmt.Errorf("no push session has the connection-id %q", r.ConnectionID)
	}
	ps.send(1)
	if ps.pair != p {
		ps.replies.ambiguous.Store(true)
	}
	if !a.pushing.lock(p) {
		ps.send(-1)
		return errPushing
	}
	result := make(chan error, 1)
	over := func(err error) {
		a.pushing.unlock(p) // before the answer: the next push may begin then
		ps.send(-1)
		result <- err
	}
	if !a.life.tasks.Go(func() { over(a.push(ctx, ps, p)) }) {
		over(errStopping)
	}
	select {
	case err := <-result:
		return err
	case <-ctx.Done(): // the channel is lost, and a new one does not wait for these messages
		return ctx.Err()
	}
}

// push delivers what is kept for the pair as soon as the dialog has its MSRP session. It waits
// for messages that are under way when ctx ends: the user agent may have them already.
func (a *answerer) push(ctx context.Context, ps *pushSession, p store.Pair) error {
	wctx, cancel := context.WithTimeout(ctx, a.cfg.Push.ConnectTimeout)
	defer cancel()
	session, err := ps.dialog.link.wait(wctx)
	var device *deviceError
	switch {
	case errors.As(err, &device): // its reason stands first
		return err
	case err != nil:
		return fmt.Errorf("no MSRP session: %w", err)
	}
	over := a.deliveries.delivering(p)
	defer over(ctx)
	return a.deliveries.deliver(ctx, ps, session, p)
}

func canonicalPair(from, to string) (store.Pair, error) {
	sender, err := sipua.CanonicalURI(from)
	if err != nil {
		return store.Pair{}, fmt.Errorf("from-uri: %w", err)
	}
	recipient, err := sipua.CanonicalURI(to)
	if err != nil {
		return store.Pair{}, fmt.Errorf("to-uri: %w", err)
	}
	return store.Pair{Sender: sender, Recipient: recipient}, nil
}

var (
	errPushing  = errors.New("a push for this pair is under way")
	errStopping = errors.New("the media server is stopping")
)

// pairLocks lets one push at a time deliver a pair's messages: two would send
// each message twice.
type pairLocks struct {
	mu   sync.Mutex
	held map[store.Pair]bool
}

func newPairLocks() *pairLocks { return &pairLocks{held: map[store.Pair]bool{}} }

// lock reports whether p was free, and holds it then.
func (l *pairLocks) lock(p store.Pair) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held[p] {
		return false
	}
	l.held[p] = true
	return true
}

func (l *pairLocks) unlock(p store.Pair) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.held, p)
}
