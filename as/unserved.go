package as

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Entries of a media server that is not configured stay in the directory's file, and
// nowhere else: they have no mailbox, cost no subscription, and do not count for
// store.max_recipients. When the name comes back they are taken from the file again; until
// then an operator may list them, give them to another name, or forget them.

// follow adapts the mailboxes to a change of the media servers: entries of names that have
// gone are put aside, and those of names that have come are taken from the directory. It
// counts what stays unserved.
func (ms *mailboxes) follow(came, gone map[string]bool) error {
	if len(gone) > 0 {
		ms.putAside(gone)
	}
	unserved := map[string]int{}
	err := ms.s.dir.EachInPages(func(p Pair) error {
		if came[p.Server] {
			return ms.listed(p, true)
		}
		if ms.s.server(p.Server) == nil {
			unserved[p.Server]++
		}
		return nil
	})
	if err != nil {
		return err
	}
	ms.mu.Lock()
	changed := !maps.Equal(ms.unserved, unserved)
	ms.unserved = unserved
	ms.mu.Unlock()
	if changed && len(unserved) > 0 {
		ms.s.log.Warn("the directory has entries of media servers that are not configured; they wait until the name comes back",
			"entries", total(unserved), "media_servers", namesOf(unserved))
	}
	return nil
}

// putAside drops the letters of the named media servers from memory. They stay on disk.
func (ms *mailboxes) putAside(servers map[string]bool) {
	ms.mu.Lock()
	all := slices.Collect(maps.Values(ms.byURI))
	ms.mu.Unlock()
	for _, m := range all {
		m.putAside(servers)
	}
}

func (m *mailbox) putAside(servers map[string]bool) {
	m.disk.Lock()
	defer m.disk.Unlock()
	m.mu.Lock()
	defer m.mu.Unlock()
	maps.DeleteFunc(m.letters, func(k letterKey, _ *letter) bool { return servers[k.server] })
	m.wakeUp() // it retires if nothing is left
}

// unservedEntries is how many entries each media server that is not configured has.
func (ms *mailboxes) unservedEntries() map[string]int {
	ms.mu.Lock()
	defer ms.mu.Unlock()
	return ms.unserved // never changed in place
}

func total(counts map[string]int) (n int) {
	for _, c := range counts {
		n += c
	}
	return n
}

// maxNamesLogged bounds the names in one line of the log.
const maxNamesLogged = 10

// namesOf lists names in their order, with their counts.
func namesOf(counts map[string]int) string {
	var list []string
	for i, name := range slices.Sorted(maps.Keys(counts)) {
		if i == maxNamesLogged {
			list = append(list, fmt.Sprintf("and %d more", len(counts)-i))
			break
		}
		list = append(list, fmt.Sprintf("%s (%d)", name, counts[name]))
	}
	return strings.Join(list, ", ")
}

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
	s.servers.changing.Lock()
	defer s.servers.changing.Unlock()
	if s.server(server) != nil {
		return 0, &ConfiguredError{server}
	}
	n, err := change()
	names := map[string]bool{}
	if s.server(came) != nil {
		names[came] = true
	}
	if ferr := s.mailboxes.follow(names, nil); err == nil {
		err = ferr
	}
	return n, err
}
