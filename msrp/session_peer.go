package msrp

import "slices"

// SetPeer takes all that the peer's SDP says of the session into sc: Remote,
// PeerAcceptTypes, PeerAcceptWrappedTypes, PeerMaxSize, and, if m is over TLS,
// Fingerprints. It is for sessions made when that SDP is known already;
// Session.SetPeer is for the others. See RFC 4975, section 8.
func (sc *SessionConfig) SetPeer(m *Media) {
	sc.Remote, sc.Fingerprints = m.Path, nil
	sc.PeerAcceptTypes, sc.PeerAcceptWrappedTypes, sc.PeerMaxSize = m.AcceptTypes, m.AcceptWrappedTypes, m.MaxSize
	if m.TLS {
		sc.Fingerprints = m.Fingerprints
	}
}

// SetPeer gives a session what the peer's SDP says of it, as SessionConfig.SetPeer
// has it, when that SDP comes after the session was accepted, as an answer does, or
// when the peer has sent another one. Messages whose Send has begun their first
// chunk are not checked again. Its error is that of SetFingerprints.
func (s *Session) SetPeer(m *Media) error {
	s.mu.Lock()
	s.sc.SetPeer(m)
	s.setRemote(m.Path)
	prints := s.sc.Fingerprints
	s.mu.Unlock()
	return s.SetFingerprints(prints)
}

// SetRemote gives the session the peer's path alone, as the peer's SDP has it.
// While there is none, or one that is not valid, Send fails. Relays of our own need
// not be in it. SetPeer sets the path and all else that the SDP says.
func (s *Session) SetRemote(p Path) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.setRemote(p)
}

// setRemote sets the path of what is sent; s.mu is held.
func (s *Session) setRemote(p Path) {
	var to Path
	if len(p) > 0 {
		to = append(slices.Clone(s.via), p...) // ours come first, in the order of Use-Path [RFC4976-5.1-2]
	}
	s.remote, s.to, s.toPath = p, to, ""
	if to.checkWire() == nil {
		s.toPath = to.String()
	}
}

// target gives the To-Path of what we send, and as it goes on the wire. It fails
// while the peer's path is not known.
func (s *Session) target() (Path, string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.toPath == "" {
		return nil, "", errNoRemote
	}
	return s.to, s.toPath, nil
}
