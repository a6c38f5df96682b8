package as

import "fmt"

// A ConfiguredError means that the media server of the entries is configured. An operator
// cannot change its entries, because its inventory would restore them.
type ConfiguredError struct{ Name string }

// Error implements error.
func (e *ConfiguredError) Error() string {
	return fmt.Sprintf("as: the media server %q is configured; take it out of media_servers first", e.Name)
}

// ForgetEntries removes entries of a media server that is not configured: all, or those
// with this recipient or sender, as canonical URIs; "" means any. It returns the number
// of removed entries. The error is a *ConfiguredError or that of the file; entries
// removed before an error stay removed.
func (s *Server) ForgetEntries(server, recipient, sender string) (int, error) {
	return s.changeUnserved(server, func() (int, error) { return s.dir.Forget(server, recipient, sender) }, "")
}

// RenameEntries moves the entries of a media server that is not configured to another
// name, for example after the server was renamed or its store was moved. If the new name
// is configured, they are delivered from there at once. It returns the number of moved
// entries. The error is a *ConfiguredError or that of the file; entries moved before an
// error stay moved.
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
