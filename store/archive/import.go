package archive

import (
	"context"
	"io"

	"github.com/gomscp/gomscp/store"
)

// Imported has the totals of an Import.
type Imported struct {
	Stored     int   // messages
	Duplicates int   // messages that repeated a kept one
	Bytes      int64 // of the bodies of the messages stored
}

// Import stores the messages of r, in the format of EXPORT.md, after all kept messages,
// in their order and with their times. A message that was set aside is set aside again.
// Import stops at the first error, such as a [FormatError], or a [store.LimitError] for a
// message over a limit. The counted messages are on disk, also after an error. If they
// have a Message-ID, a second import of the file finds them as duplicates. It calls
// progress, if not nil, after every 128 messages.
func Import(ctx context.Context, s *store.Store, r io.Reader, progress func(store.Progress)) (Imported, error) {
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

// An importer reads a file and stores its messages.
type importer struct {
	s        *store.Store
	r        *exportReader
	progress func(store.Progress)
	waiting  []importing // oldest first, at most importAhead
	done     Imported
	fault    error // the first
}

// importing is a message that is being committed.
type importing struct {
	*store.Pending
	size int64
}

// one reads a message and commits it. It does not wait for the disk while fewer than
// importAhead messages are being committed.
func (in *importer) one(ctx context.Context) error {
	x, err := in.r.next()
	if err != nil {
		return err
	}
	var aside *store.Aside
	if x.Aside != nil {
		aside = &store.Aside{Reason: x.Aside.Reason, Since: x.Aside.Since}
	}
	w, err := in.s.BeginImport(ctx, store.Meta{
		Recipient: x.Recipient, Sender: x.Sender, ConnectionID: x.Connection, MessageID: x.MessageID,
		ContentType: x.ContentType, SuccessReport: x.SuccessReport, Received: x.Received, Expires: x.Expires,
		SenderName: x.SenderName, File: x.File,
	}, aside)
	if err != nil {
		return err
	}
	defer w.Abort()
	whole, err := in.r.body(x, w)
	if err != nil || !whole {
		return err
	}
	in.waiting = append(in.waiting, importing{w.Commit(), *x.Size})
	if len(in.waiting) < importAhead {
		return nil
	}
	return in.wait(ctx, importAhead/2)
}

// wait waits until at most left messages are being committed.
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
		in.progress(store.Progress{Messages: in.done.Stored + in.done.Duplicates, Bytes: in.done.Bytes})
	}
	return in.fault
}
