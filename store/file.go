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
)

// ErrFailing says that a write or sync of the disk has failed, so that nothing is
// known of what is on it. The store takes nothing until it has opened the file
// anew, which it tries by itself.
var ErrFailing = errors.New("store: the disk has failed, and the file is to be opened anew")

// ErrUnknown says that a message may be on disk or not: the disk has failed, and
// the store was closed before it could find out.
var ErrUnknown = errors.New("store: it is not known whether the message is on disk")

// ErrDamaged is what every error of a damaged part of the file is.
var ErrDamaged = errors.New("store: damaged")

// reopenMin and reopenMax bound the pause between attempts to open a file anew,
// which doubles.
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

// damaged has every error of a damaged file be ErrDamaged.
func damaged(err error) error {
	if boltfile.IsDamage(err) && !errors.Is(err, ErrDamaged) {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return err
}

// view reads the file in one transaction. What is damaged gives ErrDamaged.
func (s *Store) view(read func(*bolt.Tx) error) error {
	s.reopening.RLock()
	defer s.reopening.RUnlock()
	return damaged(boltfile.Guard(func() error { return s.db.View(read) }))
}

// each calls read for a part of what a transaction of view reads, so that damage
// there does not end the transaction.
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

// SetBeforeCommit has f called before each transaction is committed. It may wait, as a
// slow disk does, and its error counts as one of the disk. It is for tests.
func (s *Store) SetBeforeCommit(f func() error) { s.beforeCommit.Store(&f) }

// changedNothing reports whether a commit that failed is certainly not in the
// file: a write was refused for want of room, which comes before the page that
// makes a transaction valid. After a failed sync the kernel may have dropped what
// it had not written, and the page cache says otherwise.
func changedNothing(err error) bool {
	var path *fs.PathError
	return errors.As(err, &path) &&
		(errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EFBIG))
}

// Healthy returns nil if messages can be stored. It returns ErrFailing while the
// file is opened anew, and ErrDamaged when the part of the file is damaged to which
// messages are added: then only reading is left, and [Store.Export].
func (s *Store) Healthy() error {
	switch {
	case s.failing.Load():
		return ErrFailing
	case s.broken.Load():
		return ErrDamaged
	}
	return nil
}

// Room returns why no message could be stored now, whoever it is for; nil if one
// can.
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

// taken are the bytes of all bodies, with those of unfinished messages, and of the
// memory that the index takes.
func (s *Store) taken() (kept, index int64) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.index.kept.bytes + s.index.open, s.index.memory()
}

// recover opens the file anew after a commit of which nobody knows whether it is
// on disk, and returns whether it is. It tries until that works, and gives up
// with ErrClosed when the store closes.
func (s *Store) recover(tx uint64, cause error) (committed bool, err error) {
	s.failing.Store(true)
	s.log.Error("store: nothing is known of the last commit; the file is opened anew", "path", s.path, "err", cause)
	began := time.Now()
	for pause := reopenMin; ; pause = min(2*pause, reopenMax) {
		if committed, err = s.reopen(tx); err == nil {
			s.failing.Store(false)
			s.log.Warn("store: the file is open again", "path", s.path, "committed", committed, "seconds", time.Since(began).Seconds())
			return committed, nil
		}
		s.log.Error("store: the file cannot be opened anew; trying on", "path", s.path, "in", pause, "err", err)
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-s.stop:
			timer.Stop()
			return false, ErrClosed
		}
	}
}

// reopen closes and opens the file, reads the index from it, and makes sure by a
// commit of its own that what was read is on disk: the pages of the commit in
// question were synced before the one that makes it valid was written, and this
// commit writes that one anew. Readers wait meanwhile.
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
