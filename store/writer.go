package store

import (
	"context"
	"crypto/sha256"
	"hash"
	"time"
	"unicode/utf8"
)

// A Writer takes the body of one message. It ends with Commit or Abort.
type Writer struct {
	s       *Store
	ctx     context.Context
	info    MessageInfo
	buf     []byte
	segment uint32
	last    *segmentJob // the segment being written, at most one ahead
	ahead   int64       // bytes in segments that were handed to the committer
	opened  uint64      // Store.opened at the first of them
	sum     hash.Hash
	mark    *asideMark // the message is set aside from its beginning
	outside bool       // by BeginImport
	err     error
	ended   bool
}

// Begin begins a message. ctx bounds the waits of Write. A message that is over
// a limit is refused with a [LimitError] as early as that is known: here, by
// Write, or by Wait.
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
	return &Writer{s: s, ctx: ctx, info: MessageInfo{Meta: m}, sum: sha256.New()}, nil
}

// BeginImport is Begin for a message that another store has kept: Options.Changed is
// called for it, and it is set aside from its beginning if aside is not nil.
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

// Write adds to the body. It waits while the disk is slower than the sender.
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

// flush hands a full segment to the committer, after the one before it is on
// disk. A message that is over a limit by now stops here, so that one without an
// end does not fill the disk.
func (w *Writer) flush() error {
	if w.last != nil {
		if err := w.s.wait(w.ctx, w.last); err != nil {
			return err
		}
	}
	if w.opened == 0 {
		w.opened = w.s.opened.Load()
	} else if w.opened != w.s.opened.Load() {
		return ErrFailing // what is in the file of it has gone
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
	w.last = j
	return nil
}

func (w *Writer) take() segment {
	g := segment{w.info.Body, w.segment, w.buf}
	w.segment++
	w.buf = nil
	return g
}

// Pending is a message on its way to the disk.
type Pending struct {
	s   *Store
	job *messageJob
	err error
}

// Commit ends the message and gives it its place: behind every message of the
// same sender and recipient whose Commit was called before. A message
// of one segment does not wait for the disk; a longer one waits for its
// second-last segment. The Pending waits for all.
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
	if w.last != nil {
		if err := w.s.wait(w.ctx, w.last); err != nil {
			w.discard()
			return &Pending{err: err}
		}
	}
	if err := w.s.submit(w.ctx, j); err != nil {
		w.discard()
		return &Pending{err: err}
	}
	return &Pending{s: w.s, job: j}
}

// Wait returns nil when the message is on disk, fsynced. If ctx ends first, the
// message may still get there, unless it is withdrawn; after [ErrUnknown] it may be
// there. After any other error it is not kept. Wait may be called again.
func (p *Pending) Wait(ctx context.Context) error {
	if p.err != nil {
		return p.err
	}
	return p.s.wait(ctx, p.job)
}

// Withdraw takes the message back, if the committer has not yet begun to write it.
// It reports whether the message is not kept and never will be: after false, only
// Wait can tell.
func (p *Pending) Withdraw() bool { return p.err != nil || p.job.withdraw() }

// Duplicate says, after Wait has returned nil, that the message was kept
// already: one with the same Message-ID and the same body, from the same sender
// to the same recipient. It is on disk, once.
func (p *Pending) Duplicate() bool { return p.finished() && p.job.duplicate }

// ID is the message's name after Wait has returned nil, or that of the message
// which it repeats; 0 before.
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

// Abort gives the message up. After Commit it does nothing.
func (w *Writer) Abort() {
	if w.ended {
		return
	}
	w.ended = true
	w.discard()
}

// discard removes the segments that are in the file. What cannot be removed now
// goes when the file is next opened.
func (w *Writer) discard() {
	if w.ahead == 0 {
		return
	}
	j := &discardJob{jobBase: newBase(), bodies: []unfinished{{w.info.Body, w.ahead}}}
	j.opened = w.opened
	w.s.submitLater(j)
}
