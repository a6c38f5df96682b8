package as

import (
	"github.com/gomscp/gomscp/as/internal/directory"
	"github.com/gomscp/gomscp/as/internal/mailbox"
)

// A Directory is the durable list of which media server keeps messages for which
// recipient from which sender. It is safe for concurrent use. Each change is on disk when
// its method returns.
type Directory = directory.Directory

// A Pair is one entry of a Directory.
type Pair = directory.Pair

// An Entry is one entry of a Directory, for operators.
type Entry = directory.Entry

// OpenDirectory opens or creates the file at path. Another process that holds the file is
// an error after five seconds. A damaged file is replaced by one with the readable
// entries; see [Directory.Salvaged].
func OpenDirectory(path string) (*Directory, error) { return directory.Open(path) }

// ReadDirectory opens the file of a server that does not run, read-only.
func ReadDirectory(path string) (*Directory, error) { return directory.OpenReadOnly(path) }

// entries are the directory as the mailboxes see it.
type entries struct{ dir *Directory }

func (e entries) Add(p mailbox.Pair) error    { return e.dir.Add(Pair(p)) }
func (e entries) Remove(p mailbox.Pair) error { return e.dir.Remove(Pair(p)) }
func (e entries) EachInPages(f func(mailbox.Pair) error) error {
	return e.dir.EachInPages(func(p Pair) error { return f(mailbox.Pair(p)) })
}
