package mscp

import (
	"bytes"
	"sync"
)

// A Session writes the session descriptions of one SIP dialog, offers and
// answers: their o= lines have one session id, and a version that rises by one
// with each change. An offer of a new connection once more is a change, though its
// text is that of the last time: a peer may take the same version for nothing new. Its
// zero value is ready. See RFC 3264, section 8.
type Session struct {
	mu     sync.Mutex
	origin origin
	last   []byte
}

// An origin is the id and the version in an o= line.
type origin struct{ id, version uint64 }

// Marshal is [Media.Marshal].
func (s *Session) Marshal(m *Media) ([]byte, error) { return s.write(m.Connection == "new", m.marshal) }

// MarshalAnswer is [Media.MarshalAnswer].
func (s *Session) MarshalAnswer(m *Media, offer []byte) ([]byte, error) {
	return s.write(false, func(o origin) ([]byte, error) { return m.marshalAnswer(o, offer) })
}

func (s *Session) write(changed bool, marshal func(origin) ([]byte, error)) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.origin.id == 0 {
		s.origin = newOrigin()
	}
	b, err := marshal(s.origin)
	if err != nil || s.last == nil || !changed && bytes.Equal(b, s.last) {
		s.last = b
		return b, err
	}
	s.origin.version++ // [RFC3264-8-1]
	s.last, err = marshal(s.origin)
	return s.last, err
}
