package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
)

// Export writes the messages that the filter selects, oldest first, in the
// format of EXPORT.md, and returns what it wrote. Storing and deleting go on
// beside it; what comes later is not in it. Messages that cannot be read are left
// out, and named by an error, which is ErrDamaged and comes when all else is
// written. It holds no read transaction while it
// writes, so that a slow reader holds up nobody. progress, if it is not nil, is
// called after every some messages.
func (s *Store) Export(ctx context.Context, w io.Writer, f Filter, progress func(Progress)) (Progress, error) {
	e := newExportWriter(w)
	chosen := s.choose(f)
	e.done.Total = len(chosen)
	var lost lostMessages
	for part := range slices.Chunk(chosen, exportPart) {
		ids := make([]ID, len(part))
		for i, c := range part {
			ids[i] = c.id
		}
		list, unread := s.readSome(ids)
		lost.add(unread...)
		for _, m := range list {
			err := s.exportOne(ctx, e, m)
			if errors.Is(err, ErrDamaged) {
				lost.add(m.ID)
			} else if err != nil {
				return e.done, fmt.Errorf("store: export of message %d: %w", m.ID, err)
			}
		}
		if progress != nil {
			progress(e.done)
		}
	}
	if err := ctx.Err(); err != nil {
		return e.done, err
	}
	if err := e.end(lost.count); err != nil {
		return e.done, err
	}
	return e.done, lost.err()
}

// maxLostNamed bounds the damaged messages that an error names.
const maxLostNamed = 100

// lostMessages are those that an export had to leave out.
type lostMessages struct {
	count int
	first []ID
}

func (l *lostMessages) add(ids ...ID) {
	l.count += len(ids)
	l.first = append(l.first, ids[:min(len(ids), maxLostNamed-len(l.first))]...)
}

func (l *lostMessages) err() error {
	if l.count == 0 {
		return nil
	}
	return fmt.Errorf("store: export: left out because they cannot be read: %d, with the IDs %d: %w", l.count, l.first, ErrDamaged)
}

// exportPart is how many messages' metadata Export holds, and after how many it
// tells of its progress.
const exportPart = 256

func (s *Store) exportOne(ctx context.Context, e *exportWriter, m MessageInfo) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if m.Sum == nil {
		sum, err := s.sumOf(m.ID)
		if errors.Is(err, ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		m.Sum = sum
	}
	body, err := s.OpenBody(m.ID)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	defer body.Close()
	if err := e.begin(s.exportMeta(&m)); err != nil {
		return err
	}
	buf := make([]byte, min(int64(SegmentSize), m.Size+1))
	for {
		n, err := io.ReadFull(body, buf)
		if werr := e.piece(buf[:n]); werr != nil {
			return werr
		}
		switch {
		case errors.Is(err, ErrNotFound):
			return e.finish(m.Size, false)
		case errors.Is(err, ErrDamaged):
			return errors.Join(err, e.finish(m.Size, false))
		case err == io.EOF || err == io.ErrUnexpectedEOF:
			return e.finish(m.Size, true)
		case err != nil:
			return err
		}
	}
}

func (s *Store) exportMeta(m *MessageInfo) *exportMeta {
	x := &exportMeta{
		Recipient: m.Recipient, Sender: m.Sender, Connection: m.ConnectionID, MessageID: m.MessageID,
		ContentType: m.ContentType, SuccessReport: m.SuccessReport, Received: m.Received, Expires: m.Expires,
		SenderName: m.SenderName, File: m.File, Size: &m.Size, SHA256: hex.EncodeToString(m.Sum),
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if mark, ok := s.index.aside[m.ID]; ok {
		x.Aside = &exportAside{mark.Reason, mark.Since}
	}
	return x
}

// sumOf reads a body whose digest is not kept.
func (s *Store) sumOf(id ID) ([]byte, error) {
	r, err := s.OpenBody(id)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	h := sha256.New()
	_, err = io.Copy(h, r)
	return h.Sum(nil), err
}

// An Imported counts what Import did.
type Imported struct {
	Stored     int
	Duplicates int   // messages that were kept already
	Bytes      int64 // of the bodies of those stored
}

// Import stores the messages that r holds in the format of EXPORT.md, behind all
// that is kept, in their order, with their times; what was set aside is set aside
// again. It stops at the first error: a [FormatError] for what is not in the
// format, a [LimitError] for a message that is over a limit. What it counts is on
// disk even then, and is found to be duplicates when the import is done again,
// but for messages without Message-ID. progress, if it is not nil, is called
// after every some messages.
func (s *Store) Import(ctx context.Context, r io.Reader, progress func(Progress)) (Imported, error) {
	in := &importer{s: s, r: newExportReader(r), progress: progress}
	err := in.r.header()
	for err == nil {
		if err = ctx.Err(); err == nil {
			err = in.one(ctx)
		}
	}
	if err == io.EOF {
		err = nil
	}
	if waited := in.wait(ctx, 0); err == nil {
		err = waited
	}
	return in.done, err
}

// importAhead is how many messages Import has on their way to the disk.
const importAhead = 256

type importer struct {
	s        *Store
	r        *exportReader
	progress func(Progress)
	waiting  []importing
	done     Imported
	fault    error
}

type importing struct {
	*Pending
	size int64
}

// one reads a message and sends it on its way.
func (in *importer) one(ctx context.Context) error {
	x, err := in.r.next()
	if err != nil {
		return err
	}
	w, err := in.s.Begin(ctx, Meta{
		Recipient: x.Recipient, Sender: x.Sender, ConnectionID: x.Connection, MessageID: x.MessageID,
		ContentType: x.ContentType, SuccessReport: x.SuccessReport, Received: x.Received, Expires: x.Expires,
		SenderName: x.SenderName, File: x.File,
	})
	if err != nil {
		return err
	}
	defer w.Abort()
	w.outside = true
	whole, err := in.r.body(x, w)
	if err != nil || !whole {
		return err
	}
	if x.Aside != nil {
		w.mark = &asideMark{Reason: x.Aside.Reason, Since: x.Aside.Since}
	}
	in.waiting = append(in.waiting, importing{w.Commit(), *x.Size})
	if len(in.waiting) < importAhead {
		return nil
	}
	return in.wait(ctx, importAhead/2)
}

// wait waits until at most so many messages are on their way.
func (in *importer) wait(ctx context.Context, left int) error {
	for len(in.waiting) > left {
		p := in.waiting[0]
		in.waiting = in.waiting[1:]
		err := p.Wait(ctx)
		switch {
		case err != nil:
			if in.fault == nil {
				in.fault = err
			}
		case p.Duplicate():
			in.done.Duplicates++
		default:
			in.done.Stored++
			in.done.Bytes += p.size
		}
	}
	if in.progress != nil {
		in.progress(Progress{Messages: in.done.Stored + in.done.Duplicates, Bytes: in.done.Bytes})
	}
	return in.fault
}
