// Package directory remembers durably which media server keeps messages for which recipient
// from which sender, in one bbolt file. It repairs a damaged file as far as it can be read.
package directory

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"github.com/gomscp/gomscp/internal/boltfile"
)

// Directory is the durable memory of which media server keeps messages for
// which recipient from which sender. The media servers cannot be asked for it
// by anything that the paper defines, so the application server keeps it.
//
// It is safe for concurrent use. Every change is on disk when the method that
// makes it returns.
type Directory struct {
	db       *bolt.DB
	salvaged *Salvage
}

// A Salvage says what became of a damaged directory.
type Salvage struct {
	Cause   error  // what is wrong with the file
	Path    string // where the damaged file is now
	Entries int    // that could be read, and are in the new file
}

// Salvaged returns what Open did about a damaged file; nil if the file was
// sound.
func (d *Directory) Salvaged() *Salvage { return d.salvaged }

// Pair is one entry: messages from Sender to Recipient are kept, or may be
// kept, by the media server named Server.
type Pair struct {
	Recipient string    // canonical SIP URI
	Sender    string    // canonical SIP URI
	Server    string    // name of the media server
	Name      string    // display name of the sender, as it was last; "" if there is none
	Since     time.Time // when the first of them may have arrived
}

var (
	pairsBucket   = []byte("pairs")
	rebuiltBucket = []byte("rebuilt") // by the name of a media server whose inventory was taken
)

// ErrTooLong says that the URIs of a pair are longer than the directory
// takes.
var ErrTooLong = errors.New("directory: recipient and sender URIs too long")

// openSound opens or creates a file that is not damaged.
func openSound(path string) (*Directory, error) {
	var db *bolt.DB
	err := boltfile.Guard(func() (err error) {
		db, err = bolt.Open(path, 0o600, &bolt.Options{Timeout: lockWait, FreelistType: bolt.FreelistMapType})
		return err
	})
	if err != nil {
		return nil, err
	}
	db.MaxBatchDelay = batchDelay
	err = db.Update(func(tx *bolt.Tx) error {
		for _, name := range [][]byte{pairsBucket, rebuiltBucket} {
			if _, err := tx.CreateBucketIfNotExists(name); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		db.Close()
		return nil, err
	}
	return &Directory{db: db}, nil
}

// OpenReadOnly opens the file of a server that does not run, for reading only.
func OpenReadOnly(path string) (*Directory, error) {
	var db *bolt.DB
	err := boltfile.Guard(func() (err error) {
		if db, err = bolt.Open(path, 0o600, &bolt.Options{Timeout: lockWait, ReadOnly: true}); err != nil {
			return err
		}
		err = db.View(func(tx *bolt.Tx) error {
			if tx.Bucket(pairsBucket) == nil {
				return errors.New("is no directory of an application server")
			}
			return nil
		})
		if err != nil {
			db.Close()
		}
		return err
	})
	if errors.Is(err, bolterrors.ErrTimeout) {
		return nil, fmt.Errorf("directory %s: a server runs on it; use -admin with its admin address", path)
	}
	if err != nil {
		return nil, fmt.Errorf("directory %s: %w", path, err)
	}
	return &Directory{db: db}, nil
}

// key is recipient, sender and server, each ended by a NUL, which no URI and
// no configured name may hold.
func (p Pair) key() ([]byte, error) {
	k := p.Recipient + "\x00" + p.Sender + "\x00" + p.Server + "\x00"
	if len(k) > maxPairKey {
		return nil, ErrTooLong
	}
	if strings.Count(k, "\x00") != 3 {
		return nil, fmt.Errorf("directory: NUL in %q", k)
	}
	return []byte(k), nil
}

// Check returns an error if the directory cannot have p as an entry.
func (p Pair) Check() error {
	_, err := p.key()
	return err
}

// value is the time, and behind it the sender's name.
func (p Pair) value() []byte {
	return append(binary.BigEndian.AppendUint64(nil, uint64(p.Since.UnixNano())), p.Name...)
}

// update is the value that adding p makes of an entry; nil if it stays as it is.
func (p Pair) update(old []byte) []byte {
	switch {
	case len(old) < 8:
		return p.value()
	case p.Name == "" || string(old[8:]) == p.Name:
		return nil
	}
	return append(bytes.Clone(old[:8]), p.Name...)
}

// Add remembers p. If it is known already, its Since stays as it was, and a name
// takes the place of the one before.
func (d *Directory) Add(p Pair) error {
	k, err := p.key()
	if err != nil {
		return err
	}
	known := false
	if err := d.db.View(func(tx *bolt.Tx) error {
		known = p.update(tx.Bucket(pairsBucket).Get(k)) == nil
		return nil
	}); err != nil || known {
		return err
	}
	return d.db.Batch(func(tx *bolt.Tx) error {
		b := tx.Bucket(pairsBucket)
		if v := p.update(b.Get(k)); v != nil {
			return b.Put(k, v)
		}
		return nil
	})
}

// AddAll remembers all of list, or nothing, and returns how many were new. As
// with Add, what is known keeps its Since.
func (d *Directory) AddAll(list []Pair) (added int, err error) {
	if len(list) == 0 {
		return 0, nil
	}
	known := true
	if err := d.db.View(func(tx *bolt.Tx) error {
		for _, p := range list {
			k, err := p.key()
			if err != nil {
				return err
			}
			known = known && p.update(tx.Bucket(pairsBucket).Get(k)) == nil
		}
		return nil
	}); err != nil || known {
		return 0, err
	}
	err = d.db.Update(func(tx *bolt.Tx) error {
		added = 0
		b := tx.Bucket(pairsBucket)
		for _, p := range list {
			k, err := p.key()
			if err != nil {
				return err
			}
			old := b.Get(k)
			v := p.update(old)
			if v == nil {
				continue
			}
			if old == nil {
				added++
			}
			if err := b.Put(k, v); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	return added, nil
}

// Rebuilt reports whether the inventory of a media server has been taken into this
// file.
func (d *Directory) Rebuilt(server string) (is bool) {
	_ = d.db.View(func(tx *bolt.Tx) error {
		is = tx.Bucket(rebuiltBucket).Get([]byte(server)) != nil
		return nil
	})
	return is
}

// SetRebuilt records that the inventory of a media server has been taken into this file.
func (d *Directory) SetRebuilt(server string) error {
	if d.Rebuilt(server) {
		return nil
	}
	return d.db.Update(func(tx *bolt.Tx) error {
		return tx.Bucket(rebuiltBucket).Put([]byte(server), []byte{1})
	})
}

// Remove forgets p. It is no error if p is not known.
func (d *Directory) Remove(p Pair) error {
	k, err := p.key()
	if err != nil {
		return err
	}
	return d.db.Batch(func(tx *bolt.Tx) error { return tx.Bucket(pairsBucket).Delete(k) })
}

// Each calls f for every entry, ordered by recipient. It holds a read
// transaction, so f must not change the directory.
func (d *Directory) Each(f func(Pair) error) error {
	return d.db.View(func(tx *bolt.Tx) error {
		return tx.Bucket(pairsBucket).ForEach(func(k, v []byte) error {
			p, err := entryOf(k, v)
			if err != nil {
				return err
			}
			return f(p)
		})
	})
}

// Page is up to n entries behind the one given, ordered as by Each; the zero Pair is
// before all.
func (d *Directory) Page(after Pair, n int) (list []Pair, err error) {
	from, err := after.key()
	if err != nil {
		return nil, err
	}
	err = boltfile.Guard(func() error {
		return d.db.View(func(tx *bolt.Tx) (err error) { list, err = pageOf(tx, from, n); return err })
	})
	return list, err
}

func pageOf(tx *bolt.Tx, from []byte, n int) (list []Pair, err error) {
	c := tx.Bucket(pairsBucket).Cursor()
	for k, v := c.Seek(from); k != nil && len(list) < n; k, v = c.Next() {
		if bytes.Equal(k, from) {
			continue
		}
		p, err := entryOf(k, v)
		if err != nil {
			return list, err
		}
		list = append(list, p)
	}
	return list, nil
}

// entryOf reads an entry of the file.
func entryOf(k, v []byte) (Pair, error) {
	parts := bytes.Split(k, []byte{0})
	if len(parts) != 4 || len(v) < 8 {
		return Pair{}, fmt.Errorf("directory: damaged entry %q", k)
	}
	return Pair{
		Recipient: string(parts[0]), Sender: string(parts[1]), Server: string(parts[2]),
		Name: string(v[8:]), Since: time.Unix(0, int64(binary.BigEndian.Uint64(v))),
	}, nil
}

// Close closes the file.
func (d *Directory) Close() error { return d.db.Close() }
