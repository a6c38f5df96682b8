package memory

import (
	"io"

	"github.com/gomscp/gomscp/msrp"
	"github.com/gomscp/gomscp/store"
)

const (
	// MaxBody is how many bytes of one message the store holds: a segment that is being
	// written, and one that is being filled.
	MaxBody = 2 * store.SegmentSize

	step = 4 << 10 // bytes of a message that are taken at a time
)

// A Writer takes from a budget what a message holds until it is on disk, as its bytes come.
type Writer struct {
	w     io.Writer
	from  *msrp.Budget
	bytes int64
	held  int64
}

// NewWriter returns a Writer that writes to w and takes from a budget, which may be nil.
func NewWriter(w io.Writer, from *msrp.Budget) *Writer { return &Writer{w: w, from: from} }

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
	return h.w.Write(p)
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
