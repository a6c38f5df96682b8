package msrp

import (
	"bytes"
	"context"
	"errors"
	"io"
)

// messageIDSize is the length of the Message-IDs we make: 100 random bits.
const messageIDSize = 20

// Message is a message to be sent.
type Message struct {
	// MessageID is 1 to 128 visible characters, unique in the session, preferably at most
	// the 32 of RFC 4975. With "", Send makes one.
	MessageID string
	// ContentType is the media type of the body. It is required unless the body is empty.
	ContentType string
	// WrappedTypes are the known types inside a body that is a container, such as
	// message/cpim. Send refuses those that the peer does not accept there.
	WrappedTypes []string
	// Body is read as fast as the peer reads; nil means an empty body. With neither Body
	// nor ContentType, the SEND has no body: it keeps the connection open, and no handler
	// gets it. See RFC 4975, section 7.1.
	Body io.Reader
	// Size is the length of Body in bytes, -1 if it is not known.
	Size int64
	// SuccessReport requests the REPORTs for which Receipt.Wait waits.
	SuccessReport bool
	// FailureReport is which responses the peer sends.
	FailureReport FailureReport
	// Header is added to every chunk. It must not have headers that this package writes,
	// except Success-Report and Failure-Report. These two are written unchanged, even if
	// they have their default value, and set the fields above, which must not have
	// another value.
	Header Header
	// Queued, if not nil, is called once, by the goroutine that called Send, when the
	// last chunk is in the queue of the connection. This is usually before the chunk is
	// written, and always before it is answered. A message whose Send begins later is
	// sent after this one. So up to Config.Window messages can be unanswered in a known
	// order, each in its own Send. A Send that fails earlier does not call Queued. It
	// must not block.
	Queued func()
}

// Send sends one message in chunks. It returns when each chunk was answered with 200 or,
// if m.FailureReport is not FailureYes, when the last chunk was written. A refusal is a
// *StatusError. When ctx ends or Body fails, the message is aborted. Concurrent messages
// share the connection fairly. Send waits until the session is bound. See RFC 4975,
// section 7.1.
func (s *Session) Send(ctx context.Context, m Message) (*Receipt, error) {
	o := &outgoing{s: s, m: m}
	if err := s.checkMessage(&o.m); err != nil {
		return nil, err
	}
	if _, err := s.checkPeer(&o.m); err != nil {
		return nil, err
	}
	if err := s.beginSend(); err != nil {
		return nil, err
	}
	defer s.finishSend()
	if err := s.awaitBound(ctx); err != nil {
		return nil, err
	}
	var err error
	if o.to, o.toPath, err = s.target(); err != nil {
		return nil, err
	}
	if o.most, err = s.checkPeer(&o.m); err != nil { // SetPeer may have come meanwhile
		return nil, err
	}
	o.c = s.conn()
	o.changed, o.result = make(chan struct{}, 1), make(chan written, 1)
	o.r = newReceipt(o.m)
	s.announce(o)
	defer s.unannounce(o)
	if o.m.SuccessReport {
		if err := s.track(o.r); err != nil {
			return nil, err
		}
	}
	if err := o.sendMessage(ctx); err != nil {
		s.untrack(o.r)
		return nil, err
	}
	return o.r, nil
}

// awaitBound waits until the session may send. A handler of the session, which
// is known by its context, need not wait for the answer to the request that has
// bound it: that may be the one to its own message.
func (s *Session) awaitBound(ctx context.Context) error {
	if ctx.Value(sessionKey{}) == s {
		return ctx.Err()
	}
	select {
	case <-s.bound: // [RFC4975-5.4-9]
		return nil
	case <-s.done:
		return s.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
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
	if err := m.checkHeader(); err != nil {
		return err
	}
	return nil
}

// announce lets handleReport find a message while it is being sent.
func (s *Session) announce(o *outgoing) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sending == nil {
		s.sending = make(map[string]*outgoing)
	}
	s.sending[o.m.MessageID] = o
}

func (s *Session) unannounce(o *outgoing) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sending[o.m.MessageID] == o {
		delete(s.sending, o.m.MessageID)
	}
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

func (s *Session) finishSend() {
	s.mu.Lock()
	s.sends--
	s.wakeWaiters()
	s.mu.Unlock()
}
