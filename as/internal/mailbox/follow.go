package mailbox

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

// Follow adapts the mailboxes to a change of the media servers: entries of names that have
// gone are put aside, and those of names that have come are taken from the directory. It
// counts what stays unserved.
func (ms *Mailboxes) Follow(came, gone map[string]bool) error {
	if len(gone) > 0 {
		for _, m := range ms.all() {
			m.putAside(gone)
		}
	}
	unserved := map[string]int{}
	err := ms.cfg.Directory.EachInPages(func(p Pair) error {
		if came[p.Server] {
			return ms.found(p, letterEvent{kind: letterListed}, true)
		}
		if !ms.cfg.Pusher.MediaServer(p.Server).Configured {
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
		ms.cfg.Log.Warn("the directory has entries of media servers that are not configured; they wait until the name comes back",
			"entries", total(unserved), "media_servers", namesOf(unserved))
	}
	return nil
}

// putAside drops the letters of the named media servers from memory. They stay on disk.
func (m *mailbox) putAside(servers map[string]bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	maps.DeleteFunc(m.letters, func(k letterKey, _ *letter) bool { return servers[k.server] })
	m.wakeUp() // it retires if nothing is left
}

// Unserved is how many entries each media server that is not configured has.
func (ms *Mailboxes) Unserved() map[string]int {
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
