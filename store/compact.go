package store

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	bolt "go.etcd.io/bbolt"
)

// ErrInUse means that a store that is open for writing cannot do this.
var ErrInUse = errors.New("store: the file is in use: open it read-only")

// Compact writes a copy of the store to a new file at dst, which must not exist. The copy
// has no free pages and no byte of a deleted message. The store must be open read-only,
// so that nothing is stored at the same time; otherwise the error is [ErrInUse]. IDs, and
// records that cannot be decoded, are copied unchanged. The new file gets its name when
// it is complete and on disk. progress, if not nil, is called after each extent.
//
// To erase a user's data, purge all messages for and from the user, close the store,
// compact the file, and replace it with the new one.
func (s *Store) Compact(ctx context.Context, dst string, progress func(Progress)) error {
	if !s.readOnly {
		return ErrInUse
	}
	if _, err := os.Lstat(dst); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("store: compact: %s: %w", dst, fs.ErrExist)
	}
	part := dst + ".part"
	if err := os.Remove(part); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("store: compact: %w", err)
	}
	if err := s.compact(ctx, part, progress); err != nil {
		os.Remove(part)
		return fmt.Errorf("store: compact: %w", closedError(err))
	}
	if err := os.Rename(part, dst); err != nil {
		return fmt.Errorf("store: compact: %w", err)
	}
	return syncDir(filepath.Dir(dst))
}

func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	defer dir.Close()
	return dir.Sync()
}

func (s *Store) compact(ctx context.Context, path string, progress func(Progress)) error {
	db, err := bolt.Open(path, 0o600, &bolt.Options{
		FreelistType: bolt.FreelistMapType, NoSync: true, PageSize: pageSize,
	})
	if err != nil {
		return err
	}
	defer db.Close()
	if err := db.Update(createBuckets); err != nil {
		return err
	}
	err = s.db.View(func(from *bolt.Tx) error {
		c := &compaction{s: s, from: from, to: db, progress: progress}
		c.done.Total = s.index.kept.count
		return c.all(ctx)
	})
	if err != nil {
		return err
	}
	return db.Sync()
}

// A compaction copies one extent at a time, each in its own transaction. The new file is
// valid only when all are copied.
type compaction struct {
	s        *Store
	from     *bolt.Tx
	to       *bolt.DB
	progress func(Progress)
	done     Progress

	keys, values [][]byte // segments of long bodies to be written
	bytes        int      // of values
}

func (c *compaction) all(ctx context.Context) error {
	cursor := c.from.Bucket(sealedBucket).Cursor()
	for k, v := cursor.First(); k != nil; k, v = cursor.Next() {
		if err := ctx.Err(); err != nil {
			return err
		}
		sealed, err := openSealed(v)
		if err != nil || len(k) != 8 {
			return fmt.Errorf("extent %x: %w", k, errSealed)
		}
		var ids []ID
		var records [][]byte
		for i := range sealed.len() {
			ids = append(ids, ID(binary.BigEndian.Uint64(k)*extentLength)+ID(sealed.place(i)))
			records = append(records, sealed.record(i))
		}
		if err := c.extent(ids, records); err != nil {
			return err
		}
	}
	var ids []ID
	var records [][]byte
	err := c.from.Bucket(freshBucket).ForEach(func(k, v []byte) error {
		if len(k) == 8 {
			ids, records = append(ids, ID(binary.BigEndian.Uint64(k))), append(records, v)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := c.extent(ids, records); err != nil {
		return err
	}
	return c.rest()
}

// extent copies the messages of an extent that are kept: all records in one value, and
// the short bodies.
func (c *compaction) extent(ids []ID, records [][]byte) error {
	var sealed sealer
	size := int64(0)
	err := c.to.Update(func(tx *bolt.Tx) error {
		for i, id := range ids {
			if c.s.index.hasDeadRecord(id) {
				continue
			}
			sealed.add(id, records[i])
			n, err := c.body(tx, id, records[i])
			if err != nil {
				return fmt.Errorf("message %d: %w", id, err)
			}
			size += n
		}
		if len(sealed.table) == 0 {
			return nil
		}
		n, _ := extentOf(ids[0])
		return tx.Bucket(sealedBucket).Put(extentKey(n), sealed.bytes(size))
	})
	for i, id := range ids {
		if r, rerr := decodeRaw(records[i]); err == nil && rerr == nil && r.body != 0 && !c.s.index.hasDeadRecord(id) {
			err = c.long(r.body)
		}
	}
	if err == nil {
		err = c.flush()
	}
	if err == nil && c.progress != nil {
		c.progress(c.done)
	}
	return err
}

// body copies a message's body if it is in the extent, and returns its bytes.
func (c *compaction) body(tx *bolt.Tx, id ID, record []byte) (int64, error) {
	r, err := decodeRaw(record)
	if err == nil {
		c.done.Messages++
		c.done.Bytes += r.size
		if r.body != 0 {
			return 0, nil
		}
	}
	v := readSegment(c.from, id, 0, 0)
	if v == nil {
		if err == nil && r.size > 0 {
			return 0, ErrNotFound
		}
		return 0, nil
	}
	n, _ := extentOf(id)
	data, err := tx.Bucket(dataBucket).CreateBucketIfNotExists(extentKey(n))
	if err != nil {
		return 0, err
	}
	data.FillPercent = 1
	return int64(len(v)), data.Put(messageKey(id), v)
}

// long copies the segments of a long body, MaxBatchBytes at a time.
func (c *compaction) long(number uint64) error {
	cursor := c.from.Bucket(bodiesBucket).Cursor()
	for k, v := cursor.Seek(bodyKey(number, 0)); len(k) == 12 && binary.BigEndian.Uint64(k) == number; k, v = cursor.Next() {
		c.keys, c.values = append(c.keys, k), append(c.values, v)
		if c.bytes += len(v); c.bytes >= MaxBatchBytes {
			if err := c.flush(); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *compaction) flush() error {
	if len(c.keys) == 0 {
		return nil
	}
	err := c.to.Update(func(tx *bolt.Tx) error {
		bodies := tx.Bucket(bodiesBucket)
		bodies.FillPercent = 1
		for i, k := range c.keys {
			if err := bodies.Put(k, c.values[i]); err != nil {
				return err
			}
		}
		return nil
	})
	c.keys, c.values, c.bytes = nil, nil, 0
	return err
}

// rest copies the marks of what is set aside or was refused, and the last ID.
func (c *compaction) rest() error {
	return c.to.Update(func(tx *bolt.Tx) error {
		err := c.from.Bucket(asideBucket).ForEach(func(k, v []byte) error {
			if len(k) != 8 || !c.s.index.holds(ID(binary.BigEndian.Uint64(k))) {
				return nil
			}
			return tx.Bucket(asideBucket).Put(k, v)
		})
		if err != nil {
			return err
		}
		return setLastID(tx, lastID(c.from))
	})
}
