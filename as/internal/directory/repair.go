package directory

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/gomscp/gomscp/internal/boltfile"
)

// soundFile returns nil if every page of the file at path can be read, or if there
// is no file.
func soundFile(path string) error {
	if err := boltfile.CheckSize(path); err != nil {
		return err
	}
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	if st, err := f.Stat(); err != nil || st.Size() == 0 {
		return err
	}
	m, err := boltfile.ReadMeta(f)
	if err != nil {
		return err
	}
	return errors.Join(boltfile.Walk(f, m, maxFaults)...)
}

// salvage moves a damaged directory out of the way, and makes a new one of the
// entries that can be read. The media servers' inventories bring the others back:
// the new file does not say that it has had any.
func salvage(path string, cause error) (*Salvage, error) {
	list := readableEntries(path)
	s := &Salvage{Cause: cause, Path: path + ".damaged-" + time.Now().UTC().Format("20060102T150405.000"), Entries: len(list)}
	fresh := path + ".new"
	if err := os.Remove(fresh); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	d, err := openSound(fresh)
	if err != nil {
		return nil, err
	}
	_, err = d.AddAll(list)
	if err = errors.Join(err, d.Close()); err != nil {
		return nil, err
	}
	if err := os.Rename(path, s.Path); err != nil {
		return nil, err
	}
	return s, os.Rename(fresh, path)
}

// readableEntries reads a damaged directory from its beginning and from its end, as
// far as either goes.
func readableEntries(path string) (list []Pair) {
	_ = boltfile.Guard(func() error {
		db, err := bolt.Open(path, 0o600, &bolt.Options{Timeout: lockWait, ReadOnly: true})
		if err != nil {
			return err
		}
		defer db.Close()
		return db.View(func(tx *bolt.Tx) error {
			bucket := tx.Bucket(pairsBucket)
			if bucket == nil {
				return nil
			}
			var last []byte
			add := func(k, v []byte) {
				if p, err := entryOf(k, v); err == nil {
					list = append(list, p)
				}
			}
			err := boltfile.Guard(func() error {
				return bucket.ForEach(func(k, v []byte) error { add(k, v); last = bytes.Clone(k); return nil })
			})
			if err == nil {
				return nil
			}
			return boltfile.Guard(func() error {
				c := bucket.Cursor()
				for k, v := c.Last(); k != nil && bytes.Compare(k, last) > 0; k, v = c.Prev() {
					add(k, v)
				}
				return nil
			})
		})
	})
	return list
}

// Open opens or creates the file at path. A file that another process
// holds is an error after five seconds. A damaged file is replaced by one with the
// entries that can be read; see [Directory.Salvaged].
func Open(path string) (*Directory, error) {
	var saved *Salvage
	if cause := soundFile(path); boltfile.IsDamage(cause) {
		var err error
		if saved, err = salvage(path, cause); err != nil {
			return nil, fmt.Errorf("directory %s: %w; and it cannot be replaced: %w", path, cause, err)
		}
	}
	d, err := openSound(path)
	if err != nil {
		return nil, fmt.Errorf("directory %s: %w", path, err)
	}
	d.salvaged = saved
	return d, nil
}
