package boltfile

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"io/fs"
	"os"
)

// A Meta has the contents of one of bbolt's two pages of metadata.
type Meta struct {
	PageSize  int64  // bytes
	Root      uint64 // page of the bucket that has all others
	Freelist  uint64 // page of the list of free pages; NoFreelist if it is not saved
	HighWater uint64 // number of pages in use or free
	Tx        uint64 // the transaction that wrote this
}

// NoFreelist means that the list of free pages is not in the file.
const NoFreelist = ^uint64(0)

// The layout of a page of metadata, in bytes: the header of the page, and then
// magic, version, page size, flags, root, sequence of root, list of free pages,
// high water, transaction and checksum.
const (
	pageHeader = 16
	metaSize   = 64
	magic      = 0xED0CDAED
	version    = 2

	maxPageSize = 1 << 20
)

// errNoMeta says that neither page of metadata can be used.
var errNoMeta = &DamageError{Reason: "neither page of metadata is valid"}

// ReadMeta returns the valid page of metadata with the later transaction.
func ReadMeta(f io.ReaderAt) (Meta, error) {
	var newest Meta
	found := false
	for offset := int64(0); offset >= 0; {
		m, size, ok := readMeta(f, offset)
		if ok && (!found || m.Tx > newest.Tx) {
			newest, found = m, true
		}
		if offset > 0 {
			break
		}
		if offset = size; size == 0 {
			offset = int64(os.Getpagesize()) // page 0 is damaged, and so is what it says of its size
		}
	}
	if !found {
		return Meta{}, errNoMeta
	}
	return newest, nil
}

// readMeta reads the page at offset. size is the size of pages, or 0 if the page
// does not tell.
func readMeta(f io.ReaderAt, offset int64) (m Meta, size int64, ok bool) {
	var p [pageHeader + metaSize]byte
	if _, err := f.ReadAt(p[:], offset); err != nil {
		return m, 0, false
	}
	b := p[pageHeader:]
	if binary.NativeEndian.Uint32(b) != magic || binary.NativeEndian.Uint32(b[4:]) != version {
		return m, 0, false
	}
	size = int64(binary.NativeEndian.Uint32(b[8:]))
	if size <= 0 || size > maxPageSize {
		return m, 0, false
	}
	h := fnv.New64a()
	_, _ = h.Write(b[:metaSize-8])
	m = Meta{
		PageSize: size, Root: binary.NativeEndian.Uint64(b[16:]), Freelist: binary.NativeEndian.Uint64(b[32:]),
		HighWater: binary.NativeEndian.Uint64(b[40:]), Tx: binary.NativeEndian.Uint64(b[48:]),
	}
	return m, size, h.Sum64() == binary.NativeEndian.Uint64(b[metaSize-8:])
}

// CheckSize returns a DamageError if a file is shorter than its metadata says. A missing
// or empty file is valid.
func CheckSize(path string) error {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil || st.Size() == 0 || !st.Mode().IsRegular() {
		return err
	}
	m, err := ReadMeta(f)
	if err != nil {
		return err
	}
	if want := int64(m.HighWater) * m.PageSize; st.Size() < want {
		return &DamageError{Reason: fmt.Sprintf("the file has %d bytes, and its pages need %d: it was cut short", st.Size(), want)}
	}
	return nil
}
