package store

import (
	"encoding/binary"
	"os"

	bolt "go.etcd.io/bbolt"
)

// bbolt writes its list of free pages with each commit, or not at all. Without the list,
// the next Open must scan every page of the file. A short list is cheap to write, and a very
// long one costs more than the messages. So it is written while it is short, and by Close.
// If it is missing after a crash, prepare reads the file sequentially, before bbolt scans
// the pages in the order of its tree.

// maxSavedFree is the longest list of free pages that is written with each commit. A page
// takes 8 bytes in the list.
const maxSavedFree = 16 << 10

// decideFreelist decides before each commit whether the list is written.
func (s *Store) decideFreelist() {
	st := s.db.Stats()
	s.db.NoFreelistSync = st.FreePageN+st.PendingPageN > maxSavedFree
}

// saveFreelist writes the list. If that fails, the next Open is slower.
func (s *Store) saveFreelist() {
	if s.readOnly || s.failing.Load() {
		return
	}
	s.db.NoFreelistSync = false
	if _, err := s.update(func(*bolt.Tx) error { return nil }); err != nil {
		s.log.Warn("store: list of free pages not saved, opening will take longer", "err", err)
	}
}

// prepare reads the file into the system's cache if its list of free pages is missing.
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

// Offsets in bbolt's two pages of metadata, in bytes, and the value that means that there
// is no list.
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
