package operator

import (
	"context"
	"errors"
	"io"
	"iter"

	"github.com/gomscp/gomscp/store"
	"github.com/gomscp/gomscp/store/archive"
)

// pageSize is how many messages are looked up at a time.
const pageSize = 256

// file is an open store.
type file struct{ *store.Store }

var _ Store = file{}

// Open opens the file of a server that does not run. With readOnly it cannot be changed. The
// error is store.ErrLocked if a server runs on the file.
func Open(path string, readOnly bool) (Store, error) {
	s, err := store.Open(path, store.Options{ReadOnly: readOnly})
	if err != nil {
		return nil, err
	}
	return file{s}, nil
}

func (f file) Recipients(ctx context.Context) iter.Seq2[Recipient, error] {
	return func(yield func(Recipient, error) bool) {
		for _, r := range f.Store.Recipients() {
			if !yield(Recipient{r.Recipient, r.Count, r.Bytes, r.Oldest}, ctx.Err()) {
				return
			}
		}
	}
}

func (f file) Messages(ctx context.Context, by store.Filter) iter.Seq2[Message, error] {
	return func(yield func(Message, error) bool) {
		if by.Aside {
			for _, a := range f.Aside(by.Recipient) {
				if (by.Sender == "" || a.Sender == by.Sender) && before(a.MessageInfo, by) && !yield(asideOf(a), ctx.Err()) {
					return
				}
			}
			return
		}
		if by.Recipient != "" {
			f.pages(ctx, by, yield)
			return
		}
		for _, r := range f.Store.Recipients() {
			by.Recipient = r.Recipient
			if !f.pages(ctx, by, yield) {
				return
			}
		}
	}
}

func before(m store.MessageInfo, by store.Filter) bool {
	return by.Before.IsZero() || m.Received.Before(by.Before)
}

// pages yields one recipient's messages, and reports whether more is wanted.
func (f file) pages(ctx context.Context, by store.Filter, yield func(Message, error) bool) bool {
	var last store.ID
	for {
		page := f.Page(by.Recipient, by.Sender, last, pageSize)
		if len(page) == 0 {
			return true
		}
		for _, m := range page {
			if before(m, by) && !yield(messageOf(m), ctx.Err()) || ctx.Err() != nil {
				return false
			}
			last = m.ID
		}
	}
}

func (f file) Message(_ context.Context, id store.ID) (Message, error) {
	m, err := f.Store.Message(id)
	if err != nil {
		return Message{}, err
	}
	for _, a := range f.Aside(m.Recipient) {
		if a.ID == id {
			return asideOf(a), nil
		}
	}
	return messageOf(m), nil
}

func (f file) Body(_ context.Context, id store.ID) (io.ReadCloser, error) { return f.OpenBody(id) }

func (f file) Export(ctx context.Context, w io.Writer, by store.Filter) error {
	_, err := archive.Export(ctx, f.Store, w, by, nil)
	return err
}

func (f file) Import(ctx context.Context, r io.Reader, progress func(store.Progress)) (archive.Imported, error) {
	return archive.Import(ctx, f.Store, r, progress)
}

func (f file) Backup(ctx context.Context, w io.Writer) error {
	_, err := f.Store.Backup(contextWriter{ctx, w})
	return err
}

// A contextWriter fails when its context has ended.
type contextWriter struct {
	ctx context.Context
	w   io.Writer
}

func (w contextWriter) Write(p []byte) (int, error) {
	if err := w.ctx.Err(); err != nil {
		return 0, errors.New("interrupted")
	}
	return w.w.Write(p)
}
