package msrp

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
)

// messageIDSize is the length of the Message-IDs we make: 100 random bits.
const messageIDSize = 20

// Message is a message to be sent.
type Message struct {
	// MessageID is 1 to 128 visible characters, unique in the session, best
	// no more than the 32 of RFC 4975; "" has one made.
	MessageID string
	// ContentType is the media type of the body. It is needed unless the
	// body is empty.
	ContentType string
	// Body is read as fast as the peer takes it; nil is an empty one. With
	// neither Body nor ContentType the SEND has no body at all: it keeps the
	// connection alive, and no handler sees it. See RFC 4975, section 7.1.
	Body io.Reader
	// Size is the length of Body in bytes, -1 if it is not known.
	Size int64
	// SuccessReport asks for the REPORTs that Receipt.Wait waits for.
	SuccessReport bool
	// FailureReport is which answers the peer is to give.
	FailureReport FailureReport
	// Header is added to every chunk.
	Header Header
	// Queued, if not nil, is called once, by the goroutine that called Send, when
	// the last chunk has its place in the queue of the connection, which is
	// mostly before it is written and long before it is answered: a message
	// whose Send begins from then on stays behind this one on the wire. So up to
	// Config.Window messages can be unanswered in a known order, each in a Send
	// of its own. A Send that fails before does not call it. It must not block.
	Queued func()
}

// outgoing is a message being sent.
type outgoing struct {
	s   *Session
	c   *conn
	m   Message
	r   *Receipt
	off int64 // bytes written

	begun bool // something has been written
	told  bool // Queued was called

	to     Path
	toPath string // the same as it goes on the wire

	mu      sync.Mutex
	places  *place // of chunks that wait for their answers
	err     error
	changed chan struct{} // holds a token when something changed
	result  chan written  // of the chunk being written
	dead    atomic.Bool   // err is set
}

// Send sends one message in chunks and returns when each of them was
// answered with 200; or, if m.FailureReport is not FailureYes, when the last
// was written. A refusal is a *StatusError. When ctx ends, or Body fails,
// what was begun is aborted. Messages sent at the same time share the
// connection fairly. It waits for the session to be bound.
// See RFC 4975, section 7.1.
func (s *Session) Send(ctx context.Context, m Message) (*Receipt, error) {
	o := &outgoing{s: s, m: m}
	if err := s.checkMessage(&o.m); err != nil {
		return nil, err
	}
	if err := s.beginSend(); err != nil {
		return nil, err
	}
	defer s.endSend()
	select {
	case <-s.bound: // [RFC4975-5.4-9]
	case <-s.done:
		return nil, s.Err()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if o.to, o.toPath = s.target(); len(o.to) == 0 {
		return nil, errors.New("msrp: the peer's path is not known yet")
	}
	o.c = s.conn()
	o.changed, o.result = make(chan struct{}, 1), make(chan written, 1)
	o.r = newReceipt(o.m)
	s.announce(o)
	defer s.withdraw(o)
	if m.SuccessReport {
		if err := s.track(o.r); err != nil {
			return nil, err
		}
	}
	if err := o.send(ctx); err != nil {
		s.untrack(o.r)
		return nil, err
	}
	return o.r, nil
}

func (s *Session) checkMessage(m *Message) error {
	if m.MessageID == "" {
		m.MessageID = newID(messageIDSize) // [RFC4975-7.1.1-7]
	}
	if !validMessageID(m.MessageID) {
		return errors.New("msrp: Message.MessageID is not usable")
	}
	if m.Body == nil {
		if m.Size > 0 {
			return ErrBodySize
		}
		m.Body, m.Size = bytes.NewReader(nil), 0
	} else if m.ContentType == "" {
		return errors.New("msrp: Message.ContentType is empty") // [RFC4975-7.1-2]
	}
	for _, f := range m.Header {
		if f.Name == "" || !isToken([]byte(f.Name)) {
			return errors.New("msrp: Message.Header has a name that is not a token")
		}
		if _, known := ownHeaders[canonicalName([]byte(f.Name))]; known {
			return fmt.Errorf("msrp: Message.Header must not hold %s", f.Name)
		}
	}
	switch {
	case m.ContentType != "" && !typeAccepted(s.sc.PeerAcceptTypes, m.ContentType):
		return status(StatusUnsupportedType, "Not Accepted By The Peer") // [RFC4975-8.6-2]
	case s.sc.PeerMaxSize > 0 && m.Size > s.sc.PeerMaxSize:
		return status(StatusTooLarge, "Beyond The Peer's max-size")
	}
	return nil
}

// announce makes a message known to report while it is being sent.
func (s *Session) announce(o *outgoing) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sending == nil {
		s.sending = make(map[string]*outgoing)
	}
	s.sending[o.m.MessageID] = o
}

func (s *Session) withdraw(o *outgoing) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sending[o.m.MessageID] == o {
		delete(s.sending, o.m.MessageID)
	}
}

var ownHeaders = map[string]struct{}{
	hdrToPath: {}, hdrFromPath: {}, hdrMessageID: {}, hdrByteRange: {}, hdrSuccessReport: {},
	hdrFailureReport: {}, hdrContentType: {}, hdrStatus: {},
}

func (s *Session) beginSend() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.err != nil:
		return s.err
	case s.draining:
		return ErrClosed
	}
	s.sends++
	return nil
}

func (s *Session) endSend() {
	s.mu.Lock()
	s.sends--
	s.signal()
	s.mu.Unlock()
}

// chunkPool holds chunk buffers of the default size. The byte beyond a chunk
// tells whether it is the last.
var chunkPool = sync.Pool{New: func() any { b := make([]byte, DefaultChunkSize+1); return &b }}

func (o *outgoing) send(ctx context.Context) error {
	size := o.s.cfg.chunkSize(o.to)
	if o.m.Size >= 0 && o.m.Size < int64(size) {
		size = int(o.m.Size)
	}
	var buf []byte
	if size > 4096 && size <= DefaultChunkSize {
		pooled := chunkPool.Get().(*[]byte)
		buf = (*pooled)[:size+1]
		defer func() {
			// After an error the writer may still be busy with it.
			if !o.dead.Load() && ctx.Err() == nil {
				chunkPool.Put(pooled)
			}
		}()
	} else {
		buf = make([]byte, size+1)
	}
	err := o.sendChunks(ctx, buf)
	if err == nil {
		err = o.settle(ctx)
	}
	if err != nil {
		o.fail(err)
		o.freePlaces()
	}
	return err
}

// freePlaces gives back the places of a message that has failed: the answers
// that are still to come are no longer of interest, and may never come.
func (o *outgoing) freePlaces() {
	o.mu.Lock()
	var all []*place
	for p := o.places; p != nil; p = p.next {
		all = append(all, p)
	}
	o.mu.Unlock()
	for _, p := range all {
		p.free()
	}
}

// sendChunks reads the body and sends it.
func (o *outgoing) sendChunks(ctx context.Context, buf []byte) error {
	carry := 0 // bytes already at the start of buf
	size := len(buf) - 1
	for {
		n, err := io.ReadFull(o.m.Body, buf[carry:])
		n += carry
		last := err == io.EOF || err == io.ErrUnexpectedEOF
		if err != nil && !last {
			o.abort()
			return fmt.Errorf("msrp: reading the body: %w", err)
		}
		if !last {
			n = size
		}
		if o.m.Size >= 0 && (o.off+int64(n) > o.m.Size || !last && o.off+int64(n) == o.m.Size ||
			last && o.off+int64(n) < o.m.Size) {
			o.abort()
			return ErrBodySize
		}
		if err := o.sendPiece(ctx, buf[:n], last); err != nil {
			return err
		}
		if last {
			o.queued() // if it was too long to be told sooner
			return nil
		}
		buf[0] = buf[size]
		carry = 1
	}
}

// queued tells that nothing sent from now on can come before the message.
func (o *outgoing) queued() {
	if o.m.Queued != nil && !o.told {
		o.told = true
		o.m.Queued()
	}
}

// sendPiece sends b as one chunk, or as several if the writer interrupts it.
func (o *outgoing) sendPiece(ctx context.Context, b []byte, last bool) error {
	for {
		if err := o.acquire(ctx); err != nil {
			o.abort()
			return err
		}
		w, err := o.sendChunk(ctx, b, last)
		if err != nil {
			if err == errCut {
				o.dead.Store(true) // the writer ends the chunk with '#', if it can
				o.begun = true
			}
			if err == errCut || err == errCancelled {
				o.abort()
				err = ctx.Err()
			}
			return err
		}
		o.off += int64(w.n)
		o.begun = true
		o.r.sentChunk(o.off-int64(w.n), o.off)
		if w.flag == flagAbort {
			return o.failure()
		}
		if w.n == len(b) {
			return nil
		}
		b = b[w.n:]
	}
}

// acquire waits for a place in the window.
func (o *outgoing) acquire(ctx context.Context) error {
	if err := o.failure(); err != nil {
		return err
	}
	if ctx.Err() != nil || o.m.FailureReport != FailureYes {
		return ctx.Err()
	}
	for {
		select {
		case o.s.window <- struct{}{}:
			if err := o.failure(); err != nil {
				<-o.s.window
				return err
			}
			return nil
		case <-o.changed:
			if err := o.failure(); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		case <-o.c.stop:
			return lost(o.c.reason())
		case <-o.s.done:
			return o.s.Err()
		}
	}
}

func (o *outgoing) sendChunk(ctx context.Context, b []byte, last bool) (written, error) {
	tid := transactionIDFor(b, newTransactionID)
	place := &place{o: o}
	f := &place.frame
	*f = outFrame{tid: tid, body: b, hasBody: o.m.ContentType != "", flag: flagMore, of: o, result: o.result}
	if last {
		f.flag = flagLast
	}
	f.yields = len(b) > interruptible                       // [RFC4975-5.1-1]
	f.head = o.head(tid, len(b), last, f.yields, f.hasBody) // [RFC4975-7.1.1-8]
	if o.m.FailureReport != FailureNo {
		if o.m.FailureReport == FailureYes {
			place.take()
		}
		place.t = transaction{tid: tid, place: place}
		f.t = &place.t
	}
	w, err := o.c.write(f, ctx.Done())
	if err != nil && err != errCut {
		place.free()
	}
	return w, err
}

// transactionIDFor makes ids until one does not occur in the body
// [RFC4975-7.1-3].
func transactionIDFor(body []byte, make func() string) string {
	for {
		if tid := make(); !bytes.Contains(body, []byte(tid)) {
			return tid
		}
	}
}

// place is a chunk under way, with its place in the window, given back once.
type place struct {
	o          *outgoing
	frame      outFrame
	t          transaction
	taken      bool   // guarded by o.mu, as what follows
	prev, next *place // in o.places
}

func (p *place) take() {
	o := p.o
	o.mu.Lock()
	defer o.mu.Unlock()
	p.taken = true
	if p.next = o.places; p.next != nil {
		p.next.prev = p
	}
	o.places = p
}

func (p *place) free() {
	o := p.o
	o.mu.Lock()
	taken := p.taken
	if taken {
		p.taken = false
		if p.next != nil {
			p.next.prev = p.prev
		}
		if p.prev != nil {
			p.prev.next = p.next
		} else {
			o.places = p.next
		}
	}
	o.mu.Unlock()
	if taken {
		<-o.s.window
	}
}

func (o *outgoing) head(tid string, n int, last, yields, hasBody bool) []byte {
	r := byteRange{o.off + 1, o.off + int64(n), o.m.Size}
	if o.m.Size < 0 && last {
		r.total = r.end
	}
	if yields {
		r.end = -1 // [RFC4975-7.1.1-2]
	}
	b := make([]byte, 0, 256+len(o.toPath)+len(o.s.from))
	b = appendRequest(b, tid, "SEND", o.toPath, o.s.from)
	b = appendField(b, hdrMessageID, o.m.MessageID) // [RFC4975-7.1.1-6]
	if o.m.SuccessReport {
		b = appendField(b, hdrSuccessReport, "yes")
	}
	if o.m.FailureReport != FailureYes {
		b = appendField(b, hdrFailureReport, o.m.FailureReport.String())
	}
	b = appendRange(b, r)
	for _, f := range o.m.Header {
		if !isMIME(f.Name) {
			b = appendField(b, f.Name, f.Value)
		}
	}
	if !hasBody {
		return b // MIME headers go with a body only [RFC4975-7.1-4]
	}
	for _, f := range o.m.Header {
		if isMIME(f.Name) {
			b = appendField(b, f.Name, f.Value)
		}
	}
	return appendField(b, hdrContentType, o.m.ContentType) // the last one [RFC4975-7.1-5]
}

// answered takes the response to a chunk, in the reader's goroutine.
func (p *place) answered(se *StatusError, err error) {
	o := p.o
	o.mu.Lock()
	if o.err == nil {
		partial := o.m.FailureReport == FailurePartial
		switch {
		case se != nil:
			o.err = se
		case err != nil && !(partial && errors.Is(err, ErrNoResponse)):
			// Silence is consent if the report is partial (RFC 4975, 7.1.1).
			o.err = err
			if !errors.Is(err, ErrNoResponse) {
				o.err = lost(err)
			}
		}
		if o.err != nil {
			o.dead.Store(true)
			o.r.fail(o.err)
		}
	}
	o.mu.Unlock()
	p.free()
	o.wake()
}

// refused takes a failure report: it means what a response means
// [RFC4975-7.3.2-1].
func (o *outgoing) refused(se *StatusError) {
	o.fail(se)
	o.wake()
}

func (o *outgoing) wake() {
	select {
	case o.changed <- struct{}{}:
	default:
	}
}

func (o *outgoing) fail(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err == nil {
		o.err = err
	}
	o.dead.Store(true)
	o.r.fail(o.err)
}

func (o *outgoing) failure() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.err
}

// settle waits until all chunks are answered.
func (o *outgoing) settle(ctx context.Context) error {
	for {
		o.mu.Lock()
		err, all := o.err, o.places == nil
		o.mu.Unlock()
		if err != nil {
			return err
		}
		if all {
			return nil
		}
		select {
		case <-o.changed:
		case <-ctx.Done():
			return ctx.Err()
		case <-o.s.done:
			return o.s.Err()
		}
	}
}

// abort tells the peer that the rest of a message begun will not come. The
// peer need not have answered for it to be sent. See RFC 4975, section 7.1.
func (o *outgoing) abort() {
	var refused *StatusError
	if !o.begun || errors.As(o.failure(), &refused) {
		return // or the peer has given it up already
	}
	tid := newTransactionID()
	head := o.head(tid, 0, false, true, false)
	select {
	case o.c.ctl <- &outFrame{tid: tid, head: head, flag: flagAbort}:
		o.c.kick()
	default: // the peer takes nothing; it will find out
	}
}
