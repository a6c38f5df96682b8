package as

import "fmt"

// A ConfiguredError says that entries are of a media server that is configured, so that
// they are not an operator's to change: its inventory would bring them back.
type ConfiguredError struct{ Name string }

// Error implements error.
func (e *ConfiguredError) Error() string {
	return fmt.Sprintf("as: the media server %q is configured; take it out of media_servers first", e.Name)
}

// ForgetEntries removes entries of a media server that is not configured: all, or those
// for a recipient or from a sender, whose URIs are canonical; "" is any. It returns how
// many there were. The error is a [*ConfiguredError], or that of the file; what was
// removed before it stays removed.
func (s *Server) ForgetEntries(server, recipient, sender string) (int, error) {
	return s.changeUnserved(server, func() (int, error) { return s.dir.Forget(server, recipient, sender) }, "")
}

// RenameEntries gives the entries of a media server that is not configured to another
// name, as when the server was renamed or its store was moved. If the new name is
// configured, they are delivered from there at once. It returns how many there were. The
// error is a [*ConfiguredError], or that of the file; what was moved before it stays.
func (s *Server) RenameEntries(server, name string) (int, error) {
	return s.changeUnserved(server, func() (int, error) { return s.dir.Rename(server, name) }, name)
}

// changeUnserved changes entries of a name that is not configured, and takes up those that
// came to the name given, if that one is.
func (s *Server) changeUnserved(server string, change func() (int, error), came string) (int, error) {
	s.cluster.changing.Lock()
	defer s.cluster.changing.Unlock()
	if s.cluster.Get(server) != nil {
		return 0, &ConfiguredError{server}
	}
	n, err := change()
	names := map[string]bool{}
	if s.cluster.Get(came) != nil {
		names[came] = true
	}
	if ferr := s.mailboxes.Follow(names, nil); err == nil {
		err = ferr
	}
	return n, err
}
