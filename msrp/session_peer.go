package msrp

import "slices"

// SetPeer copies all values of the peer's SDP into sc: Remote, PeerAcceptTypes,
// PeerAcceptWrappedTypes, PeerMaxSize and, if m is over TLS, Fingerprints. Use it if the
// SDP is known before the session is made; otherwise use Session.SetPeer. See RFC 4975,
// section 8.
func (sc *SessionConfig) SetPeer(m *Media) {
	sc.Remote, sc.Fingerprints = m.Path, nil
	sc.PeerAcceptTypes, sc.PeerAcceptWrappedTypes, sc.PeerMaxSize = m.AcceptTypes, m.AcceptWrappedTypes, m.MaxSize
	if m.TLS {
		sc.Fingerprints = m.Fingerprints
	}
}

// SetPeer applies the peer's SDP to a session, like SessionConfig.SetPeer. Use it if the
// SDP arrives after the session was accepted, for example in an answer, or if the peer
// has sent another one. Messages whose first chunk has begun are not checked again. Its
// errors are those of SetFingerprints.
func (s *Session) SetPeer(m *Media) error {
	s.mu.Lock()
	s.sc.SetPeer(m)
	s.setRemote(m.Path)
	prints := s.sc.Fingerprints
	s.mu.Unlock()
	return s.SetFingerprints(prints)
}

// SetRemote sets the peer's path only, from the peer's SDP. While the path is missing or
// not valid, Send fails. It need not include our own relays. SetPeer sets the path and
// all other values of the SDP.
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
