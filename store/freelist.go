package store

import (
	"encoding/binary"
	"os"

	bolt "go.etcd.io/bbolt"
)

// While the store is open, bbolt's list of free pages is not written with each
// commit, which would cost more than the messages once there are many. It is
// written by Close. After a crash bbolt finds the free pages by looking at every
// page, in the order of its tree: prepare has the file read in the order of the
// disk before that.

// saveFreelist writes the list; when that fails, the next Open is slower.
func (s *Store) saveFreelist() {
	if s.readOnly {
		return
	}
	s.db.NoFreelistSync = false
	if err := s.db.Update(func(*bolt.Tx) error { return nil }); err != nil {
		s.log.Warn("store: list of free pages not saved, opening will take longer", "err", err)
	}
}

// prepare gets the file into memory if its list of free pages is missing.
func prepare(path string) {
	f, err := os.Open(path)
	if err != nil {
		return // bolt.Open tells
	}
	defer f.Close()
	if !freelistSaved(f) {
		preread(f)
	}
}

// bbolt's two pages of metadata: where it keeps what, in bytes, and how it says
// that there is no list.
const (
	boltMagic    = 0xED0CDAED
	metaMagic    = 16
	metaPageSize = metaMagic + 8
	metaFreelist = metaMagic + 32
	metaTx       = metaFreelist + 16
	metaEnd      = metaTx + 8
	noFreelist   = ^uint64(0)
	maxPageSize  = 1 << 20
)

// freelistSaved looks at the newer page of metadata; no harm is done if it is
// wrong.
func freelistSaved(f *os.File) bool {
	var newest, freelist uint64
	var p [metaEnd]byte
	offset := int64(0)
	for range 2 {
		if _, err := f.ReadAt(p[:], offset); err != nil || binary.NativeEndian.Uint32(p[metaMagic:]) != boltMagic {
			return false
		}
		if tx := binary.NativeEndian.Uint64(p[metaTx:]); tx >= newest {
			newest, freelist = tx, binary.NativeEndian.Uint64(p[metaFreelist:])
		}
		if offset = int64(binary.NativeEndian.Uint32(p[metaPageSize:])); offset <= 0 || offset > maxPageSize {
			return false
		}
	}
	return freelist != noFreelist
}
