package boltfile

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
)

// Flags of pages and of elements, and the sizes of elements, in bytes.
const (
	branchPage = 0x01
	leafPage   = 0x02
	bucketLeaf = 0x01

	elementSize  = 16 // of a branch and of a leaf alike
	bucketHeader = 16

	maxDepth = 64       // of a tree, and of buckets in buckets
	maxPage  = 64 << 20 // bytes of a page with its overflow
)

// A walker reads the pages of a tree.
type walker struct {
	f      io.ReaderAt
	m      Meta
	seen   map[uint64]bool
	most   int
	faults []error
}

// Walk reads all pages under m.Root and returns at most so many faults. The pages must
// not change during the call: the file is not in use, or a read transaction of bbolt with
// this root is open.
func Walk(f io.ReaderAt, m Meta, most int) []error {
	w := &walker{f: f, m: m, seen: map[uint64]bool{}, most: most}
	w.page(m.Root, 0, nil)
	return w.faults
}

func (w *walker) fault(page uint64, format string, args ...any) {
	if len(w.faults) < w.most {
		w.faults = append(w.faults, &DamageError{Page: page, Reason: fmt.Sprintf(format, args...)})
	}
}

// page checks a page and what is below it. low is the least key that its parent
// says it has.
func (w *walker) page(n uint64, depth int, low []byte) {
	if len(w.faults) >= w.most {
		return
	}
	if n < 2 || n >= w.m.HighWater {
		w.fault(n, "the page is outside of the file")
		return
	}
	if w.seen[n] || depth > maxDepth {
		w.fault(n, "the page is referred to twice")
		return
	}
	w.seen[n] = true
	p := w.read(n)
	if p == nil {
		return
	}
	switch flags := binary.NativeEndian.Uint16(p[8:]); flags {
	case branchPage, leafPage:
		w.elements(n, p, flags == branchPage, depth, low)
	default:
		w.fault(n, "unexpected type %#x", flags)
	}
}

// read returns the bytes of a page with its overflow; nil if it has no valid
// header.
func (w *walker) read(n uint64) []byte {
	var header [pageHeader]byte
	offset := int64(n) * w.m.PageSize
	if _, err := w.f.ReadAt(header[:], offset); err != nil {
		w.fault(n, "cannot be read: %v", err)
		return nil
	}
	if id := binary.NativeEndian.Uint64(header[:]); id != n {
		w.fault(n, "the page names itself %d", id)
		return nil
	}
	overflow := uint64(binary.NativeEndian.Uint32(header[12:]))
	if n+overflow >= w.m.HighWater || int64(overflow+1)*w.m.PageSize > maxPage {
		w.fault(n, "the page has %d more pages than the file holds", overflow)
		return nil
	}
	p := make([]byte, int64(overflow+1)*w.m.PageSize)
	if _, err := w.f.ReadAt(p, offset); err != nil {
		w.fault(n, "cannot be read: %v", err)
		return nil
	}
	return p
}

// elements checks the elements of a page, whose keys must rise.
func (w *walker) elements(n uint64, p []byte, branch bool, depth int, low []byte) {
	count := int(binary.NativeEndian.Uint16(p[10:]))
	if pageHeader+count*elementSize > len(p) {
		w.fault(n, "%d elements do not fit into the page", count)
		return
	}
	if branch && count == 0 {
		w.fault(n, "a branch without elements")
		return
	}
	var before []byte
	for i := range count {
		at := pageHeader + i*elementSize
		key, value, flags, child, ok := element(p, at, branch)
		if !ok {
			w.fault(n, "element %d is outside of the page", i)
			return
		}
		if i == 0 && bytes.Compare(key, low) < 0 || i > 0 && bytes.Compare(key, before) <= 0 {
			w.fault(n, "the keys of element %d do not rise", i)
			return
		}
		before = key
		switch {
		case branch:
			w.page(child, depth+1, key)
		case flags&bucketLeaf != 0:
			w.bucket(n, value, depth)
		}
	}
}

// element reads the element at an offset of the page: of a branch, the key and
// the page below; of a leaf, key, value and flags.
func element(p []byte, at int, branch bool) (key, value []byte, flags uint32, child uint64, ok bool) {
	e := p[at:]
	var pos, ksize, vsize uint64
	if branch {
		pos, ksize = uint64(binary.NativeEndian.Uint32(e)), uint64(binary.NativeEndian.Uint32(e[4:]))
		child = binary.NativeEndian.Uint64(e[8:])
	} else {
		flags = binary.NativeEndian.Uint32(e)
		pos, ksize = uint64(binary.NativeEndian.Uint32(e[4:])), uint64(binary.NativeEndian.Uint32(e[8:]))
		vsize = uint64(binary.NativeEndian.Uint32(e[12:]))
	}
	if pos+ksize+vsize > uint64(len(e)) {
		return nil, nil, 0, 0, false
	}
	return e[pos : pos+ksize], e[pos+ksize : pos+ksize+vsize], flags, child, true
}

// bucket checks the tree of a bucket, which may stand in the value itself.
func (w *walker) bucket(n uint64, value []byte, depth int) {
	if len(value) < bucketHeader {
		w.fault(n, "a bucket without header")
		return
	}
	if root := binary.NativeEndian.Uint64(value); root != 0 {
		w.page(root, depth+1, nil)
		return
	}
	p := value[bucketHeader:]
	if len(p) < pageHeader || binary.NativeEndian.Uint16(p[8:]) != leafPage {
		w.fault(n, "a bucket without page")
		return
	}
	w.elements(n, p, false, depth+1, nil)
}
