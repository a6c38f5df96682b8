package store

import (
	"context"
	"crypto/sha256"
	"hash"
	"time"
	"unicode/utf8"
)

// A Writer writes the body of one message. Call Commit or Abort at the end.
type Writer struct {
	s       *Store
	ctx     context.Context
	info    MessageInfo
	buf     []byte
	segment uint32
	flight  []*segmentJob // segments on their way to the disk, at most depth
	depth   int           // see SetAhead
	ahead   int64         // bytes in segments that were given to the committer
	opened  uint64        // Store.opened at the first of these segments
	sum     hash.Hash
	mark    *asideMark // the message is set aside from the beginning
	outside bool       // by BeginImport
	err     error
	ended   bool
}

// Begin begins a message. ctx bounds the waits of Write. A message over a limit is
// refused with a [LimitError] as early as possible: by Begin, Write or Pending.Wait.
// Other errors are ErrClosed, ErrMetaNotUTF8, ErrReadOnly, and those of [Store.Healthy].
func (s *Store) Begin(ctx context.Context, m Meta) (*Writer, error) {
	select {
	case <-s.stop:
		return nil, ErrClosed
	default:
	}
	for _, text := range m.texts() {
		if !utf8.ValidString(text) {
			return nil, ErrMetaNotUTF8
		}
	}
	if s.readOnly {
		return nil, ErrReadOnly
	}
	if m.Expires.IsZero() && s.ttl > 0 {
		from := m.Received
		if from.IsZero() {
			from = time.Now()
		}
		m.Expires = from.Add(s.ttl)
	}
	if err := s.Healthy(); err != nil {
		return nil, err
	}
	if err := s.admitNow(m, 0, 0, 0); err != nil {
		s.countRefused(err)
		return nil, err
	}
	return &Writer{s: s, ctx: ctx, info: MessageInfo{Meta: m}, sum: sha256.New(), depth: 1}, nil
}

// SetAhead sets how many segments of a long body may be on their way to the disk before
// Write waits: n, from 1 (the default) to MaxAhead. The Writer holds one segment more. With
// more segments on their way, a body needs fewer transactions.
func (w *Writer) SetAhead(n int) { w.depth = min(max(n, 1), MaxAhead) }

// BeginImport is like Begin, for a message from another store. Options.Changed is called
// for it. If aside is not nil, the message is set aside from the beginning.
func (s *Store) BeginImport(ctx context.Context, m Meta, aside *Aside) (*Writer, error) {
	w, err := s.Begin(ctx, m)
	if err != nil {
		return nil, err
	}
	w.outside = true
	if aside != nil {
		w.mark = &asideMark{Reason: aside.Reason, Since: aside.Since}
	}
	return w, nil
}

// Write adds bytes to the body. It waits while the disk is slower than the caller.
func (w *Writer) Write(p []byte) (int, error) {
	if w.ended {
		return 0, ErrEnded
	}
	if limit := w.s.limits.Load().MaxBody; w.err == nil && limit > 0 && w.info.Size+int64(len(p)) > limit {
		w.err = &LimitError{LimitBody, limit}
		w.s.countRefused(w.err)
	}
	n := 0
	for len(p) > 0 && w.err == nil {
		take := min(SegmentSize-len(w.buf), len(p))
		w.buf = append(w.buf, p[:take]...)
		_, _ = w.sum.Write(p[:take])
		p = p[take:]
		n += take
		w.info.Size += int64(take)
		if len(w.buf) == SegmentSize && len(p) > 0 {
			w.err = w.flush()
		}
	}
	return n, w.err
}

// await waits until at most n segments are on their way. The error is that of a segment
// that was not written.
func (w *Writer) await(n int) error {
	for len(w.flight) > n {
		if err := w.s.wait(w.ctx, w.flight[0]); err != nil {
			return err
		}
		w.flight = w.flight[1:]
	}
	return nil
}

// flush gives a full segment to the committer, after waiting until fewer than depth are on
// their way. It checks the limits, so that an endless message does not fill the disk.
func (w *Writer) flush() error {
	if err := w.await(w.depth - 1); err != nil {
		return err
	}
	if w.opened == 0 {
		w.opened = w.s.opened.Load()
	} else if w.opened != w.s.opened.Load() {
		return ErrFailing // its segments were removed from the file
	}
	more := int64(len(w.buf))
	if err := w.s.admitNow(w.info.Meta, w.info.Size, w.ahead, more); err != nil {
		w.s.countRefused(err)
		return err
	}
	w.ahead += more
	if w.info.Body == 0 {
		w.info.Body = w.s.nextBody.Add(1)
	}
	j := &segmentJob{jobBase: newBase(), segment: w.take()}
	j.opened = w.opened
	if err := w.s.submit(w.ctx, j); err != nil {
		return err
	}
	w.flight = append(w.flight, j)
	return nil
}

func (w *Writer) take() segment {
	g := segment{w.info.Body, w.segment, w.buf}
	w.segment++
	w.buf = nil
	return g
}

// A Pending is a message whose commit has begun.
type Pending struct {
	s   *Store
	job *messageJob
	err error
}

// Commit ends the message. Its place is after every message of the same sender and
// recipient whose Commit was called before. For a message of one segment, Commit does not
// wait for the disk. For a longer message it waits for all segments but the last.
// Pending.Wait waits for the whole message.
func (w *Writer) Commit() *Pending {
	if w.ended {
		return &Pending{err: ErrEnded}
	}
	if w.err != nil {
		w.Abort()
		return &Pending{err: w.err}
	}
	w.ended = true
	w.info.Sum = w.sum.Sum(nil)
	meta, err := encodeRecord(&w.info)
	if err == nil && len(meta) > MaxMeta {
		err = ErrMetaTooLong
	}
	if err != nil {
		w.discard()
		return &Pending{err: err}
	}
	// Segments of earlier jobs come before this one in the committer's queue,
	// and a failed one fails the message below.
	j := &messageJob{
		jobBase: newBase(), message: &w.info, meta: meta, ahead: w.ahead, mark: w.mark,
		tag: tagOf(w.s.seed, []byte(w.info.MessageID), w.info.Sum),
	}
	j.opened, j.outside = w.opened, w.outside
	if len(w.buf) > 0 {
		last := w.take()
		j.last = &last
	}
	if err := w.await(0); err != nil {
		w.discard()
		return &Pending{err: err}
	}
	if err := w.s.submit(w.ctx, j); err != nil {
		w.discard()
		return &Pending{err: err}
	}
	return &Pending{s: w.s, job: j}
}

// Wait returns nil when the message is on disk, fsynced. If ctx ends first, the message
// may still be written, unless it is withdrawn. After [ErrUnknown], the message may be on
// disk. After any other error it is not kept. Wait may be called again.
func (p *Pending) Wait(ctx context.Context) error {
	if p.err != nil {
		return p.err
	}
	return p.s.wait(ctx, p.job)
}

// Withdraw withdraws the message if the committer has not begun to write it. It reports
// whether the message is certainly not kept. After false, call Wait to learn the result.
func (p *Pending) Withdraw() bool { return p.err != nil || p.job.withdraw() }

// Duplicate reports, after Wait has returned nil, whether a message with the same
// Message-ID, body, sender and recipient was kept already. The message is on disk once.
func (p *Pending) Duplicate() bool { return p.finished() && p.job.duplicate }

// ID returns the message's ID after Wait has returned nil; for a duplicate, the ID of the
// kept message. Before, it returns 0.
func (p *Pending) ID() ID {
	if !p.finished() {
		return 0
	}
	return p.job.id
}

func (p *Pending) finished() bool {
	if p.job == nil {
		return false
	}
	select {
	case <-p.job.done:
		return true
	default:
		return false
	}
}

// Abort discards the message. After Commit it does nothing.
func (w *Writer) Abort() {
	if w.ended {
		return
	}
	w.ended = true
	w.discard()
}

// discard removes the segments that are in the file. If this fails, the next Open removes
// them.
func (w *Writer) discard() {
	if w.ahead == 0 {
		return
	}
	j := &discardJob{jobBase: newBase(), bodies: []unfinished{{w.info.Body, w.ahead}}}
	j.opened = w.opened
	w.s.submitLater(j)
}
