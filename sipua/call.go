package sipua

import (
	"log/slog"
	"maps"
	"slices"
	"sync"

	"github.com/emiago/sipgo/sip"
)

// A Call is an INVITE dialog, in either role.
type Call struct {
	table *callTable
	ua    *agent
	id    DialogID
	key   dialogKey
	uac   bool
	log   *slog.Logger
	auth  login // for challenges to requests within the dialog

	mu     sync.Mutex // guards dialog, session, acks and timer
	dialog dialog
	session
	acks  acks
	timer sessionTimer
	infos infos

	callEnd
}

// ID names the dialog.
func (c *Call) ID() DialogID { return c.id }

// Logger is the dialog's logger: the one of InviteRequest or of
// IncomingCall.SetLogger or, without one, the user agent's with the Call-ID as
// "call".
func (c *Call) Logger() *slog.Logger { return c.log }

// RemoteBody is the session description in the peer's INVITE. If the INVITE was ours, it
// is the first one in the responses. It is nil if there was none.
func (c *Call) RemoteBody() []byte { return c.body }

// RemoteBodyError returns why RemoteBody is nil: a *BodyError for a body that was not
// understood, otherwise ErrNoDescription. It is nil if there is a RemoteBody.
func (c *Call) RemoteBodyError() error {
	switch {
	case len(c.body) > 0:
		return nil
	case c.unread != nil:
		return c.unread
	}
	return ErrNoDescription
}

// Done is closed when the dialog has ended, by either side.
func (c *Call) Done() <-chan struct{} { return c.done }

// Err returns why the dialog has ended: nil after a BYE of either side. It is valid after
// Done.
func (c *Call) Err() error {
	select {
	case <-c.done:
		return c.err
	default:
		return nil
	}
}

// Ended reports whether Done is closed.
func (c *Call) Ended() bool {
	select {
	case <-c.done:
		return true
	default:
		return false
	}
}

// end marks the dialog as ended and forgets it.
func (c *Call) end(err error) {
	c.once.Do(func() {
		c.err = err
		close(c.done)
		c.mu.Lock()
		c.timer.stop()
		after := c.after
		c.after = nil
		c.mu.Unlock()
		for _, f := range after {
			f()
		}
	})
	c.table.forget(c)
}

// AfterEnd arranges for a call of f when the dialog has ended, at once if it has. The
// goroutine that ends the dialog calls f, so f must not block.
func (c *Call) AfterEnd(f func()) {
	c.mu.Lock()
	if !c.Ended() {
		c.after = append(c.after, f)
		c.mu.Unlock()
		return
	}
	c.mu.Unlock()
	f()
}

// nextSeq returns the CSeq of one more attempt at a request.
func (c *Call) nextSeq() uint32 {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dialog.localSeq++
	return c.dialog.localSeq
}

// peerTag is the peer's tag, "" before there is a dialog.
func (c *Call) peerTag() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return tagOf(c.dialog.remote.Params)
}

// readAllow notes whether the peer accepts UPDATE. c.mu is held.
func (c *Call) readAllow(m interface{ GetHeaders(string) []sip.Header }) {
	if len(m.GetHeaders("Allow")) > 0 {
		c.updates = hasToken(m, "Allow", "UPDATE")
	}
}

// inOrder notes the CSeq of a request within the dialog. It reports false if the CSeq is
// not above the last. c.mu is held.
func (c *Call) inOrder(req *sip.Request) bool {
	seq := req.CSeq().SeqNo
	if seq <= c.dialog.remoteSeq {
		return false
	}
	c.dialog.remoteSeq = seq
	return true
}

// dialogOf returns the dialog of a request: its To tag is ours and, once known, its From
// tag is the peer's.
func (t *callTable) dialogOf(req *sip.Request) *Call {
	c := t.call(dialogKey{req.CallID().Value(), tagOf(req.To().Params)})
	if c == nil {
		return nil
	}
	if known := c.peerTag(); known != "" && known != tagOf(req.From().Params) { // [RFC3261-12.2.2]
		return nil
	}
	return c
}

func (t *callTable) call(k dialogKey) *Call {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.calls[k]
}

func (t *callTable) remember(c *Call) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.calls != nil {
		t.calls[c.key] = c
	}
}

func (t *callTable) forget(c *Call) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.calls[c.key] == c {
		delete(t.calls, c.key)
	}
}

// A callTable holds the calls of a user agent, by Call-ID and our tag.
type callTable struct {
	ua    *agent
	mu    sync.Mutex
	calls map[dialogKey]*Call // nil once closed
}

// all are the calls that there are.
func (t *callTable) all() []*Call {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Collect(maps.Values(t.calls))
}

// close ends all calls without telling the peers.
func (t *callTable) close() {
	t.mu.Lock()
	calls := t.calls
	t.calls = nil
	t.mu.Unlock()
	for _, c := range calls {
		c.end(ErrClosed)
	}
}

// A callEnd is how a dialog ends.
type callEnd struct {
	done    chan struct{}
	once    sync.Once
	err     error
	after   []func() // see AfterEnd
	byeSent bool
}

// newCall makes a call without a dialog.
func (t *callTable) newCall(uac bool) *Call {
	c := &Call{table: t, ua: t.ua, uac: uac}
	c.infos.ours, c.done = make(chan struct{}, 1), make(chan struct{})
	return c
}
