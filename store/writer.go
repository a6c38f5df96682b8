package store

import (
	"context"
	"encoding/json"
	"io"
	"unicode/utf8"

	bolt "go.etcd.io/bbolt"
)

// A Writer takes the body of one message. It ends with Commit or Abort.
type Writer struct {
	s       *Store
	ctx     context.Context
	info    MessageInfo
	buf     []byte
	segment uint32
	last    *job // the segment being written, at most one ahead
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
	for _, text := range []string{m.Recipient, m.Sender, m.ConnectionID, m.MessageID, m.ContentType} {
		if !utf8.ValidString(text) {
			return nil, ErrMetaNotUTF8
		}
	}
	if err := s.admitNow(m, 0); err != nil {
		return nil, err
	}
	return &Writer{s: s, ctx: ctx, info: MessageInfo{Meta: m, Body: s.nextBody.Add(1)}}, nil
}

// Write adds to the body. It waits while the disk is slower than the sender.
func (w *Writer) Write(p []byte) (int, error) {
	if w.ended {
		return 0, ErrEnded
	}
	if limit := w.s.limits.MaxBody; w.err == nil && limit > 0 && w.info.Size+int64(len(p)) > limit {
		w.err = &LimitError{LimitBody, limit}
	}
	n := 0
	for len(p) > 0 && w.err == nil {
		take := min(SegmentSize-len(w.buf), len(p))
		w.buf = append(w.buf, p[:take]...)
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
	if err := w.s.admitNow(w.info.Meta, w.info.Size); err != nil {
		return err
	}
	if w.last != nil {
		if err := w.s.wait(w.ctx, w.last); err != nil {
			return err
		}
	}
	j := newJob()
	j.segments = []segment{w.take()}
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
	job *job
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
	meta, err := json.Marshal(w.info)
	if err == nil && len(meta) > MaxMeta {
		err = ErrMetaTooLong
	}
	if err != nil {
		w.discard()
		return &Pending{err: err}
	}
	// Segments of earlier jobs come before this one in the committer's queue,
	// and a failed one fails the message below.
	j := newJob()
	j.message, j.meta = &w.info, meta
	if len(w.buf) > 0 {
		j.segments = []segment{w.take()}
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
// message may still get there.
func (p *Pending) Wait(ctx context.Context) error {
	if p.err != nil {
		return p.err
	}
	return p.s.wait(ctx, p.job)
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
	if w.last == nil {
		return
	}
	j := newJob()
	j.discard = []uint64{w.info.Body}
	_ = w.s.submit(context.Background(), j)
}

// OpenBody opens the body of a message. Reading fails with ErrNotFound if the
// message is deleted meanwhile.
func (s *Store) OpenBody(id ID) (io.ReadCloser, error) {
	var m MessageInfo
	err := s.db.View(func(tx *bolt.Tx) error {
		v := tx.Bucket(messagesBucket).Get(messageKey(id))
		if v == nil {
			return ErrNotFound
		}
		return json.Unmarshal(v, &m)
	})
	if err != nil {
		return nil, closedError(err)
	}
	return &body{s: s, number: m.Body, left: m.Size}, nil
}

// A body reads a message's segments one by one.
type body struct {
	s       *Store
	number  uint64
	segment uint32
	left    int64
	buf     []byte
}

// Read reads on; io.EOF comes only after the whole body.
func (b *body) Read(p []byte) (int, error) {
	if len(b.buf) == 0 {
		if b.left == 0 {
			return 0, io.EOF
		}
		if err := b.next(); err != nil {
			return 0, err
		}
	}
	n := copy(p, b.buf)
	b.buf = b.buf[n:]
	b.left -= int64(n)
	return n, nil
}

func (b *body) next() error {
	err := b.s.db.View(func(tx *bolt.Tx) error {
		v := tx.Bucket(bodiesBucket).Get(bodyKey(b.number, b.segment))
		if v == nil {
			return ErrNotFound
		}
		b.buf = append(b.buf[:0], v...) // v is not valid beyond the transaction
		return nil
	})
	b.segment++
	return closedError(err)
}

// Close ends the reading; there is nothing to release.
func (b *body) Close() error { return nil }
