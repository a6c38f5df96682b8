package msrp

import (
	"fmt"
	"strings"
)

// NotAcceptedError means that Send did not send a message because the peer's SDP does not
// accept it. No part of the message was sent, unless its size was not known: then it was
// aborted when it became longer than MaxSize. The error wraps a *StatusError with the
// code of the peer's answer, 415 or 413. See RFC 4975, section 8.6.
type NotAcceptedError struct {
	// ContentType is the type that is not accepted; "" if the size is the reason.
	ContentType string
	// Wrapped reports whether that type is one of Message.WrappedTypes.
	Wrapped bool
	// Accepted are the media ranges that the peer accepts there.
	Accepted []string
	// MaxSize is the peer's max-size in bytes; 0 if the type is the reason.
	MaxSize int64
}

// Error returns one line with the type or size that is not accepted, and what the peer
// accepts.
func (e *NotAcceptedError) Error() string {
	switch {
	case e.ContentType == "":
		return fmt.Sprintf("msrp: not sent: the peer accepts messages of %d bytes at most", e.MaxSize)
	case e.Wrapped:
		return fmt.Sprintf("msrp: not sent: the peer does not accept %q in a container, only %q", e.ContentType, strings.Join(e.Accepted, " "))
	}
	return fmt.Sprintf("msrp: not sent: the peer does not accept %q, only %q", e.ContentType, strings.Join(e.Accepted, " "))
}

// Unwrap returns a *StatusError with the peer's code for such a message: 415 or 413.
func (e *NotAcceptedError) Unwrap() error {
	if e.ContentType == "" {
		return status(StatusTooLarge, "Beyond The Peer's max-size")
	}
	return status(StatusUnsupportedType, "Not Accepted By The Peer")
}

// checkPeer refuses what the peer's SDP does not accept. It returns the peer's
// max-size, 0 if there is none, for messages whose size is not known.
func (s *Session) checkPeer(m *Message) (int64, error) {
	s.mu.Lock()
	types, wrapped, most := s.sc.PeerAcceptTypes, s.sc.PeerAcceptWrappedTypes, s.sc.PeerMaxSize
	s.mu.Unlock()
	if m.ContentType != "" && !TypeAccepted(types, m.ContentType) {
		return 0, &NotAcceptedError{ContentType: m.ContentType, Accepted: types} // [RFC4975-8.6-2]
	}
	for _, t := range m.WrappedTypes {
		if !wrappedAccepted(types, wrapped, t) {
			accepted := append(wrapped[:len(wrapped):len(wrapped)], types...)
			return 0, &NotAcceptedError{ContentType: t, Wrapped: true, Accepted: accepted} // [RFC4975-8.6-3]
		}
	}
	if most > 0 && m.Size > most {
		return 0, &NotAcceptedError{MaxSize: most} // [RFC4975-8.6-4]
	}
	return most, nil
}
