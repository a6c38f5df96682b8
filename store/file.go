package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/gomscp/gomscp/internal/boltfile"
	"github.com/gomscp/gomscp/internal/wait"
)

// ErrFailing means that a write or sync of the disk failed, so that the contents of the
// disk are not known. The store refuses all changes until it has opened the file again,
// which it tries by itself.
var ErrFailing = errors.New("store: the disk has failed, and the file is being opened again")

// ErrUnknown means that a message may be on disk or not: the disk failed, and the store
// was closed before it could find out.
var ErrUnknown = errors.New("store: it is not known whether the message is on disk")

// ErrDamaged is wrapped by every error of a damaged part of the file.
var ErrDamaged = errors.New("store: damaged")

// reopenMin and reopenMax bound the pause between attempts to open a file again. The
// pause doubles.
const (
	reopenMin = 50 * time.Millisecond
	reopenMax = 5 * time.Second
)

func openFile(path string, opt Options) (*bolt.DB, error) {
	if err := boltfile.CheckSize(path); err != nil && !opt.ReadOnly {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	if !opt.ReadOnly {
		prepare(path)
	}
	var db *bolt.DB
	err := boltfile.Guard(func() (err error) {
		db, err = bolt.Open(path, 0o600, &bolt.Options{
			Timeout: opt.LockWait, ReadOnly: opt.ReadOnly,
			FreelistType: bolt.FreelistMapType, NoFreelistSync: true, InitialMmapSize: initialMmap, PageSize: pageSize,
		})
		return err
	})
	return db, damaged(err)
}

// damaged makes the error of a damaged file wrap ErrDamaged.
func damaged(err error) error {
	if boltfile.IsDamage(err) && !errors.Is(err, ErrDamaged) {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return err
}

// view reads the file in one transaction. Damage gives ErrDamaged.
func (s *Store) view(read func(*bolt.Tx) error) error {
	s.reopening.RLock()
	defer s.reopening.RUnlock()
	return damaged(boltfile.Guard(func() error { return s.db.View(read) }))
}

// each calls read for a part of a transaction of view, so that damage in this part does
// not end the transaction.
func each(read func() error) error { return damaged(boltfile.Guard(read)) }

// update writes in one transaction. known is false for an error after which the
// transaction may be on disk or not.
func (s *Store) update(write func(*bolt.Tx) error) (known bool, err error) {
	known = true
	err = damaged(boltfile.Guard(func() error {
		tx, err := s.db.Begin(true)
		if err != nil {
			return err
		}
		defer tx.Rollback()
		s.writing = uint64(tx.ID())
		if err := write(tx); err != nil {
			return err
		}
		if before := s.beforeCommit.Load(); before != nil {
			err = (*before)()
		}
		if err == nil {
			err = s.commitTx(tx)
		}
		if err != nil {
			known = changedNothing(err)
			return err
		}
		return nil
	}))
	return known, err
}

// SetBeforeCommit makes the store call f before each commit. f may wait, like a slow
// disk, and its error counts as an error of the disk. It is for tests.
func (s *Store) SetBeforeCommit(f func() error) { s.beforeCommit.Store(&f) }

// changedNothing reports whether a failed commit is certainly not in the file: a write
// was refused for lack of space. Such a write comes before the page that makes a
// transaction valid. After a failed sync the result is not known, because the kernel may
// have dropped data that the page cache still has.
func changedNothing(err error) bool {
	var path *fs.PathError
	return errors.As(err, &path) &&
		(errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EFBIG))
}

// Healthy returns nil if messages can be stored. It returns [ErrFailing] while the file
// is being opened again. It returns [ErrDamaged] if the part of the file to which
// messages are added is damaged; then messages can only be read and exported.
func (s *Store) Healthy() error {
	switch {
	case s.failing.Load():
		return ErrFailing
	case s.broken.Load():
		return ErrDamaged
	}
	return nil
}

// Room returns nil if a message for some recipient could be stored now, and otherwise the
// reason: ErrFailing, ErrDamaged or a [LimitError].
func (s *Store) Room() error {
	if err := s.Healthy(); err != nil {
		return err
	}
	limits := s.Limits()
	kept, index := s.taken()
	switch {
	case limits.MaxTotalBytes > 0 && kept >= limits.MaxTotalBytes:
		return &LimitError{LimitTotal, limits.MaxTotalBytes}
	case limits.MaxIndexBytes > 0 && index+entryCost > limits.MaxIndexBytes:
		return &LimitError{LimitIndex, limits.MaxIndexBytes}
	}
	return s.checkDisk()
}

// taken returns the bytes of all bodies, with those of unfinished messages, and the
// memory of the index in bytes.
func (s *Store) taken() (kept, index int64) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.index.kept.bytes + s.index.open, s.index.memory()
}

// recover opens the file again after a commit whose result is unknown, and returns
// whether the commit is on disk. It tries until it succeeds. If the store closes, it
// returns ErrClosed.
func (s *Store) recover(tx uint64, cause error) (committed bool, err error) {
	s.failing.Store(true)
	s.log.Error("store: the result of the last commit is not known; opening the file again", "path", s.path, "err", cause)
	began := time.Now()
	for pause := reopenMin; ; pause = min(2*pause, reopenMax) {
		if committed, err = s.reopen(tx); err == nil {
			s.failing.Store(false)
			s.log.Warn("store: the file is open again", "path", s.path, "committed", committed, "seconds", time.Since(began).Seconds())
			return committed, nil
		}
		s.log.Error("store: the file cannot be opened again; trying later", "path", s.path, "in", pause, "err", err)
		if !wait.For(pause, s.stop) {
			return false, ErrClosed
		}
	}
}

// reopen closes and opens the file and reads the index from it. Then it commits, so that
// everything that it read is on disk: bbolt syncs the pages of a transaction before it
// writes the page that makes the transaction valid, and this commit writes that page
// again. Readers wait for reopen.
func (s *Store) reopen(tx uint64) (committed bool, err error) {
	s.reopening.Lock()
	defer s.reopening.Unlock()
	if err := s.db.Close(); err != nil {
		s.log.Warn("store: close", "err", err)
	}
	db, err := openFile(s.path, Options{LockWait: lockWait})
	if err != nil {
		return false, err
	}
	last, err := lastTx(s.path)
	if err == nil {
		err = boltfile.Guard(func() error { return db.Update(func(*bolt.Tx) error { return nil }) })
	}
	fresh := &Store{disk: disk{db: db, path: s.path, commitTx: (*bolt.Tx).Commit}, log: s.log, index: newIndex(), counts: newCounts()}
	fresh.index.seed = s.seed // Writers have used it
	if err == nil {
		err = fresh.load()
	}
	if err != nil {
		s.db = db // closed by the next attempt
		return false, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.db, s.index, s.unread, s.counts.Unreadable = db, fresh.index, fresh.unread, fresh.counts.Unreadable
	s.seq, s.fresh, s.logged, s.wasted, s.leftover = fresh.seq, fresh.fresh, fresh.logged, fresh.wasted, nil
	s.nextBody.Store(max(s.nextBody.Load(), fresh.nextBody.Load()))
	s.opened.Add(1)
	return last >= tx, nil
}

func lastTx(path string) (uint64, error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	m, err := boltfile.ReadMeta(f)
	return m.Tx, err
}
