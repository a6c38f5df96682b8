package archive

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/gomscp/gomscp/store"
)

// Export writes the messages that the filter selects, oldest first, in the format of
// EXPORT.md, and returns the number of messages and bytes written. Storing and deleting
// continue; messages stored after the start are not exported. A message that cannot be
// read, or whose body does not have its SHA-256, is omitted. Export then writes all
// others, and returns an error that wraps [store.ErrDamaged] and has the IDs of the
// omitted messages. It holds no read transaction while it writes, so a slow w does not
// delay the store. It calls progress, if not nil, after every 256 messages.
func Export(ctx context.Context, s *store.Store, w io.Writer, f store.Filter, progress func(store.Progress)) (store.Progress, error) {
	e := newExportWriter(w)
	selected := s.Select(f)
	e.done.Total = len(selected)
	var lost lostMessages
	for ids := range slices.Chunk(selected, exportPart) {
		list, unread := s.Read(ids...)
		lost.add(unread...)
		for _, m := range list {
			err := e.message(ctx, s, m)
			if errors.Is(err, store.ErrDamaged) {
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

// lostMessages are the messages that an export omits because they cannot be read.
type lostMessages struct {
	count int
	first []store.ID
}

func (l *lostMessages) add(ids ...store.ID) {
	l.count += len(ids)
	l.first = append(l.first, ids[:min(len(ids), maxLostNamed-len(l.first))]...)
}

func (l *lostMessages) err() error {
	if l.count == 0 {
		return nil
	}
	return fmt.Errorf("store: export: %d messages cannot be read and were omitted, with the IDs %d: %w", l.count, l.first, store.ErrDamaged)
}

// message writes a message. It writes nothing for a deleted message.
func (e *exportWriter) message(ctx context.Context, s *store.Store, m store.MessageInfo) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if m.Sum == nil {
		sum, err := sumOf(s, m.ID)
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		m.Sum = sum
	}
	body, err := s.OpenBody(m.ID)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	defer body.Close()
	if err := e.begin(metaOf(s, &m)); err != nil {
		return err
	}
	buf := make([]byte, min(int64(store.SegmentSize), m.Size+1))
	for sum := sha256.New(); ; {
		n, err := io.ReadFull(body, buf)
		sum.Write(buf[:n])
		if werr := e.piece(buf[:n]); werr != nil {
			return werr
		}
		switch {
		case errors.Is(err, store.ErrNotFound):
			return e.finish(m.Size, false)
		case errors.Is(err, store.ErrDamaged):
			return errors.Join(err, e.finish(m.Size, false))
		case (err == io.EOF || err == io.ErrUnexpectedEOF) && !bytes.Equal(sum.Sum(nil), m.Sum): // a page of the body is not what was written
			return errors.Join(store.ErrDamaged, e.finish(m.Size, false))
		case err == io.EOF || err == io.ErrUnexpectedEOF:
			return e.finish(m.Size, true)
		case err != nil:
			return err
		}
	}
}

func metaOf(s *store.Store, m *store.MessageInfo) *exportMeta {
	x := &exportMeta{
		Recipient: m.Recipient, Sender: m.Sender, Connection: m.ConnectionID, MessageID: m.MessageID,
		ContentType: m.ContentType, SuccessReport: m.SuccessReport, Received: m.Received, Expires: m.Expires,
		SenderName: m.SenderName, File: m.File, Size: &m.Size, SHA256: hex.EncodeToString(m.Sum),
	}
	if a, ok := s.AsideOf(m.ID); ok {
		x.Aside = &exportAside{a.Reason, a.Since}
	}
	return x
}

// sumOf returns the SHA-256 of a body whose record has none.
func sumOf(s *store.Store, id store.ID) ([]byte, error) {
	r, err := s.OpenBody(id)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	h := sha256.New()
	_, err = io.Copy(h, r)
	return h.Sum(nil), err
}
