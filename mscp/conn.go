package mscp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// TraceEvent is one PDU on the wire.
type TraceEvent struct {
	Time          time.Time
	Sent          bool // by us; otherwise received
	Local, Remote net.Addr
	Raw           []byte
}

// Config is what both ends of a channel can be told. Its zero value works.
type Config struct {
	Dialect Dialect      // how the offline-message elements are written
	Logger  *slog.Logger // nil logs nothing
	// Trace sees every PDU. It must not block; it may keep Raw.
	Trace func(TraceEvent)
	// OnNotification takes the peer's notifications, one at a time, in their
	// order, while responses go on being read. At a Server, one that comes after
	// a request about the same connection, dialog or conference is shown when
	// that is answered, and before a later request about the same is handled;
	// others may pass it meanwhile. If it is behind by more than
	// MaxNotifications, nothing more is read until it has caught up. nil
	// ignores them.
	OnNotification func(Element)
	// Strict answers 400 to a request that breaks any rule of the draft, not only one
	// that matters; fails requests whose responses break one; and sends nothing that
	// breaks one: see ValidateElement.
	Strict bool
	// KeepForeign keeps attributes and elements of other namespaces.
	KeepForeign bool
	// DeadPeer is how long a peer may leave the probes of TCP, or our data,
	// without an acknowledgement before the channel ends; 0 is
	// DefaultDeadPeer. It also bounds each write. MSCP has no keep-alive of
	// its own.
	DeadPeer time.Duration
	// RequestTimeout bounds each request of a Client beside its ctx; 0 does
	// not.
	RequestTimeout time.Duration
}

func (c *Config) options() Options { return Options{Strict: c.Strict, KeepForeign: c.KeepForeign} }

// checkSent holds what we send to the rules, where that is wanted: that it is
// of the kind, and breaks none.
func (c *Config) checkSent(kind Kind, e Element) error {
	if !c.Strict {
		return nil
	}
	if of := kindOf(e); of != kind && !isForeign(e) {
		return &ValidationError{[]Finding{{Rule: fmt.Sprintf("%s in a %s (section 8)", Name(e), kind), Fatal: true}}}
	}
	return ValidateElement(e)
}

func (c *Config) deadPeer() time.Duration {
	if c.DeadPeer > 0 {
		return c.DeadPeer
	}
	return DefaultDeadPeer
}

// A conn is what both ends share: the connection, its writer's lock and its
// end.
type conn struct {
	c   net.Conn
	cfg Config
	log *slog.Logger

	out *writer

	once       sync.Once
	done       chan struct{}
	err        error
	peerClosed atomic.Bool // the peer has closed its side, and no PDU was cut short
	work       sync.WaitGroup

	notes     chan notes     // read, and not yet shown to OnNotification
	noteSlots slots          // bounds them
	parked    sync.WaitGroup // notes that are still to be put into notes
}

// notes are the notifications of one PDU.
type notes struct {
	*PDU
	elements []Element
	shown    func() // called at the end; nil for nothing
}

func newConn(c net.Conn, cfg Config) *conn {
	k := &conn{c: c, cfg: cfg, log: cfg.Logger, done: make(chan struct{})}
	k.out = newWriter(k)
	if k.log == nil {
		k.log = slog.New(slog.DiscardHandler)
	}
	watchPeer(c, cfg.deadPeer())
	k.startNotes()
	return k
}

// startNotes makes the queue of notifications, which closeNotes ends.
func (k *conn) startNotes() {
	if k.cfg.OnNotification != nil {
		k.notes, k.noteSlots = make(chan notes, MaxNotifications), make(slots, MaxNotifications)
		k.work.Go(k.showNotifications)
	}
}

// closeNotes is called when nothing is read any more.
func (k *conn) closeNotes() {
	if k.notes != nil {
		k.parked.Wait()
		close(k.notes)
	}
}

// showNotifications calls OnNotification, also for those that came before the
// channel's end.
func (k *conn) showNotifications() {
	for n := range k.notes {
		for _, e := range n.elements {
			k.cfg.OnNotification(e)
		}
		k.noteSlots.giveBack(n.PDU)
		if n.shown != nil {
			n.shown()
		}
	}
}

func (k *conn) trace(sent bool, raw []byte) {
	if k.cfg.Trace != nil {
		k.cfg.Trace(TraceEvent{
			Time: time.Now(), Sent: sent, Local: k.c.LocalAddr(), Remote: k.c.RemoteAddr(),
			Raw: append([]byte(nil), raw...),
		})
	}
}

// readAll reads PDUs and hands each to take until that fails or the connection ends.
// last is called before the channel is ended, with as much of a request as could be
// read, or nil.
func (k *conn) readAll(take func(*PDU) error, last func(begun *PDU, err error)) {
	r := NewReader(k.c)
	for {
		p, err := r.Read()
		if err == nil {
			k.trace(false, r.Raw())
			err = take(p)
		}
		if err == nil {
			continue
		}
		last(r.begun, err)
		if isSenseless(err) {
			k.log.Warn("MSCP connection closed: the peer's bytes make no sense", "peer", k.c.RemoteAddr(), "err", err)
		}
		k.end(err)
		return
	}
}

// isSenseless reports whether err is about the peer's bytes, not the connection.
func isSenseless(err error) bool {
	var parse *ParseError
	return errors.As(err, &parse) || errors.Is(err, errWrongRole)
}

// isEOF reports whether err says that the peer sends nothing more.
func isEOF(err error) bool { return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) }

// end closes the connection for a reason; only the first one counts. After the peer
// has closed its side, a write that fails adds nothing to that.
func (k *conn) end(err error) {
	k.once.Do(func() {
		if err != nil && k.peerClosed.Load() {
			err = io.EOF
		}
		k.err = err
		close(k.done)
		k.c.Close()
		k.out.wake()
	})
}

func (k *conn) ended() bool {
	select {
	case <-k.done:
		return true
	default:
		return false
	}
}

// closedError is what those get who wait for something on a connection that
// has ended.
func (k *conn) closedError() error {
	<-k.done
	if k.err == nil {
		return ErrChannelClosed
	}
	return fmt.Errorf("%w: %w", ErrChannelClosed, k.err)
}

// Done is closed when the channel has ended. A Client's ends as soon as the MS closes
// its side of the connection. A Server's ends then when the requests that were read
// are answered, at once if there are none, and after MaxLinger at the latest: an AS may
// close its side behind its last request. The ctx of handlers ends before.
func (k *conn) Done() <-chan struct{} { return k.done }

// Err tells why the channel has ended: nil after Close, io.EOF when the peer
// closed it. It is valid after Done.
func (k *conn) Err() error {
	select {
	case <-k.done:
		return k.err
	default:
		return nil
	}
}

// Close ends the channel and waits for its goroutines. It may be called again.
func (k *conn) Close() error {
	k.end(nil)
	k.work.Wait()
	k.out.wait()
	return nil
}

// Notify sends a notification. See the draft, section 7.2.5.
func (k *conn) Notify(ctx context.Context, e Element) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := k.cfg.checkSent(Notification, e); err != nil {
		return err
	}
	doc := Document{Kind: Notification, Element: e}
	return k.out.write(&PDU{Kind: Notification, Body: doc.Encode(k.cfg.Dialect)})
}

// notified takes a notification; what makes no sense is logged and dropped,
// since nothing answers it.
func (k *conn) notified(p *PDU) {
	if n, _ := k.notesOf(p); k.notes != nil && n.elements != nil && k.noteSlots.take(p, k.done) {
		k.notes <- n // there is room for as many as there are slots
	}
}

// notesOf reads the notifications of a PDU. Each document that makes no sense
// is left out.
func (k *conn) notesOf(p *PDU) (n notes, docs []received) {
	n = notes{PDU: p}
	docs, err := p.read(k.cfg.options())
	for _, d := range docs {
		switch {
		case d.err != nil:
			err = d.err
		case d.doc.Kind == Notification:
			n.elements = append(n.elements, d.doc.Element)
		}
	}
	if err != nil {
		k.log.Warn("MSCP notification ignored", "err", err)
	}
	return n, docs
}
