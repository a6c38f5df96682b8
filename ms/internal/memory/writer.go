package memory

import (
	"io"

	"github.com/gomscp/gomscp/msrp"
	"github.com/gomscp/gomscp/store"
)

const (
	// MaxBody is how many bytes of one message the store holds if memory is scarce: a segment
	// that is being written, and one that is being filled.
	MaxBody = 2 * store.SegmentSize

	step = 4 << 10 // bytes of a message that are taken at a time
)

// A Writer takes from a budget what a message holds until it is on disk, as its bytes come.
type Writer struct {
	w     io.Writer
	from  *msrp.Budget
	bytes int64
	held  int64
	ahead int // segments that the store may have on their way; 0 if w is no store.Writer
}

// NewWriter returns a Writer that writes to w and takes from a budget, which may be nil.
// While at most half of the budget is used, a long message that goes to a [store.Writer]
// has more of its segments on their way to the disk at once.
func NewWriter(w io.Writer, from *msrp.Budget) *Writer {
	h := &Writer{w: w, from: from}
	if _, ok := w.(*store.Writer); ok {
		h.ahead = 1
	}
	return h
}

// Write implements [io.Writer]. Its own error is ErrNoMemory.
func (h *Writer) Write(p []byte) (int, error) {
	h.bytes += int64(len(p))
	if need := min(h.bytes, MaxBody); need > h.held {
		more := (need - h.held + step - 1) / step * step
		if !h.from.Take(more) {
			return 0, ErrNoMemory
		}
		h.held += more
	}
	h.spread()
	return h.w.Write(p)
}

// spread lets the store have one segment more on its way if the message is longer than
// what it may hold now, and memory is left.
func (h *Writer) spread() {
	if h.ahead == 0 || h.ahead == store.MaxAhead || h.bytes <= int64(h.ahead+1)*store.SegmentSize || !h.from.TakeSpare(store.SegmentSize) {
		return
	}
	h.held += store.SegmentSize
	h.ahead++
	h.w.(*store.Writer).SetAhead(h.ahead)
}

// Free gives all back.
func (h *Writer) Free() { h.from.Give(h.held) }

// Split hands what is held to the Writer that it returns: the caller frees that one when the
// store does not hold the message any more.
func (h *Writer) Split() *Writer {
	rest := &Writer{from: h.from, held: h.held}
	h.held = 0
	return rest
}
