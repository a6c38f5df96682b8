package operator

import (
	"context"
	"io"
	"iter"
	"time"

	"github.com/gomscp/gomscp/store"
	"github.com/gomscp/gomscp/store/archive"
)

// A Store is one media server's messages, in a file at rest or in a running
// server.
type Store interface {
	// Recipients are the users for whom messages wait to be delivered, by URI.
	Recipients(ctx context.Context) iter.Seq2[Recipient, error]
	// Messages are the messages that the filter selects, oldest first: those that wait to be
	// delivered or, with Filter.Aside, those that are set aside.
	Messages(ctx context.Context, f store.Filter) iter.Seq2[Message, error]
	// Message is one message. The error is store.ErrNotFound if it is not kept.
	Message(ctx context.Context, id store.ID) (Message, error)
	// Body is the body of a message.
	Body(ctx context.Context, id store.ID) (io.ReadCloser, error)

	// Restore ends the setting aside of messages: they wait to be delivered again.
	Restore(ctx context.Context, ids ...store.ID) error
	// Purge deletes the messages that the filter selects.
	Purge(ctx context.Context, f store.Filter, progress func(store.Progress)) (store.Purged, error)
	// Export writes the messages that the filter selects in the format of
	// store/archive/EXPORT.md.
	Export(ctx context.Context, w io.Writer, f store.Filter) error
	// Import stores messages in the format of store/archive/EXPORT.md.
	Import(ctx context.Context, r io.Reader, progress func(store.Progress)) (archive.Imported, error)
	// Backup writes a copy of the file.
	Backup(ctx context.Context, w io.Writer) error
	// Check looks for damage in the file.
	Check(ctx context.Context) error

	Close() error
}

// A Recipient is a user for whom messages are kept.
type Recipient struct {
	URI      string    `json:"recipient"`
	Messages int       `json:"messages"`
	Bytes    int64     `json:"bytes"`  // of bodies
	Oldest   time.Time `json:"oldest"` // when the first of them arrived
}

// A Message describes a kept message, without its body.
type Message struct {
	ID           store.ID  `json:"id"`
	Recipient    string    `json:"recipient"`
	Sender       string    `json:"sender"`
	MessageID    string    `json:"messageId,omitempty"`
	ContentType  string    `json:"contentType,omitempty"`
	ConnectionID string    `json:"connection,omitempty"`
	Size         int64     `json:"size"` // bytes of the body
	Received     time.Time `json:"received"`
	Expires      time.Time `json:"expires,omitzero"`
	// Reason is why it was set aside, at the time Aside; "" if it was not.
	Reason string    `json:"reason,omitempty"`
	Aside  time.Time `json:"aside,omitzero"`
}

func messageOf(m store.MessageInfo) Message {
	return Message{
		ID: m.ID, Recipient: m.Recipient, Sender: m.Sender, MessageID: m.MessageID, ContentType: m.ContentType,
		ConnectionID: m.ConnectionID, Size: m.Size, Received: m.Received, Expires: m.Expires,
	}
}

func asideOf(a store.AsideInfo) Message {
	m := messageOf(a.MessageInfo)
	m.Reason, m.Aside = a.Reason, a.Since
	return m
}
