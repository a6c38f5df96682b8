package directory

import (
	"bytes"
	"errors"
	"fmt"

	bolt "go.etcd.io/bbolt"

	"github.com/gomscp/gomscp/internal/boltfile"
)

// EachInPages calls f for every entry, ordered by recipient. Unlike Each it holds no
// transaction meanwhile: what changes in between may be there or not.
func (d *Directory) EachInPages(f func(Pair) error) error {
	var last Pair
	for {
		page, err := d.Page(last, pageSize)
		if err != nil || len(page) == 0 {
			return err
		}
		for _, p := range page {
			if err := f(p); err != nil {
				return err
			}
			last = p
		}
	}
}

// Forget removes the entries of a media server: all, or those for a recipient or from a
// sender, whose URIs are canonical; "" is any. It returns how many there were. With an
// error, what was removed before stays removed.
func (d *Directory) Forget(server, recipient, sender string) (n int, err error) {
	return d.each(server, func(p Pair) bool {
		return (recipient == "" || p.Recipient == recipient) && (sender == "" || p.Sender == sender)
	}, nil)
}

// Rename gives the entries of a media server to another name, and returns how many there
// were. If the other name has an entry of a pair, the older Since and that entry's display
// name stay. With an error, what was moved before stays moved.
func (d *Directory) Rename(server, name string) (n int, err error) {
	if name == "" || name == server {
		return 0, errors.New("directory: the new name must be another one")
	}
	if _, err := (Pair{Server: name}).key(); err != nil {
		return 0, err
	}
	return d.each(server, func(Pair) bool { return true }, func(b *bolt.Bucket, p Pair) error {
		p.Server = name
		k, err := p.key()
		if err != nil {
			return err
		}
		if old := b.Get(k); old != nil {
			known, err := entryOf(k, old)
			if err != nil {
				return err
			}
			if known.Since.Before(p.Since) {
				p.Since = known.Since
			}
			if known.Name != "" {
				p.Name = known.Name
			}
		}
		return b.Put(k, p.value())
	})
}

// each removes the entries of a media server that are selected, and has put, if it is
// there, write them down elsewhere in the same transaction.
func (d *Directory) each(server string, selected func(Pair) bool, put func(*bolt.Bucket, Pair) error) (n int, err error) {
	var list []Pair
	flush := func() error {
		err := boltfile.Guard(func() error {
			return d.db.Update(func(tx *bolt.Tx) error { return replace(tx.Bucket(pairsBucket), list, put) })
		})
		if err != nil {
			return fmt.Errorf("directory: %w", err)
		}
		n += len(list)
		list = list[:0]
		return nil
	}
	err = d.EachInPages(func(p Pair) error {
		if p.Server != server || !selected(p) {
			return nil
		}
		if list = append(list, p); len(list) < ChangesAtOnce {
			return nil
		}
		return flush()
	})
	if err == nil && len(list) > 0 {
		err = flush()
	}
	return n, err
}

// replace takes entries off a bucket, and has put write down what comes instead.
func replace(b *bolt.Bucket, list []Pair, put func(*bolt.Bucket, Pair) error) error {
	for _, p := range list {
		k, err := p.key()
		if err != nil {
			return err
		}
		v := bytes.Clone(b.Get(k))
		if v == nil {
			continue // removed meanwhile
		}
		if put != nil {
			if p, err = entryOf(k, v); err != nil {
				return err
			}
			if err := put(b, p); err != nil {
				return err
			}
		}
		if err := b.Delete(k); err != nil {
			return err
		}
	}
	return nil
}
