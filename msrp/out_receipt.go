package msrp

import (
	"context"
	"sort"
	"sync"
)

// Receipt follows the success reports of a message that was sent.
type Receipt struct {
	id     string
	wanted bool
	done   chan struct{}

	mu      sync.Mutex
	over    bool
	err     error
	total   int64           // -1 until the last chunk has been written
	chunks  map[int64]int64 // start to end of the chunks not reported yet
	covered []span          // sorted, apart
}

type span struct{ from, to int64 }

func newReceipt(m Message) *Receipt {
	r := &Receipt{id: m.MessageID, wanted: m.SuccessReport, total: m.Size}
	if r.wanted {
		r.done = make(chan struct{})
		r.chunks = make(map[int64]int64)
	} else {
		r.over = true
	}
	return r
}

// MessageID returns the Message-ID of the message.
func (r *Receipt) MessageID() string { return r.id }

// Wait returns nil when success reports cover the whole message, or at once if none was
// requested. A failure report is a *StatusError. Only ctx and the end of the session
// bound the wait. See RFC 4975, section 7.1.2.
func (r *Receipt) Wait(ctx context.Context) error {
	if !r.wanted {
		return nil
	}
	select {
	case <-r.done:
		r.mu.Lock()
		defer r.mu.Unlock()
		return r.err
	default:
	}
	select {
	case <-r.done:
		r.mu.Lock()
		defer r.mu.Unlock()
		return r.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (r *Receipt) failWith(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.finishLocked(err)
}

func (r *Receipt) finishLocked(err error) {
	if !r.over {
		r.over = true
		r.err = err
		r.chunks, r.covered = nil, nil
		close(r.done)
	}
}

// sentChunk notes which bytes a chunk carried: the end of a report's range
// may be "*".
func (r *Receipt) sentChunk(from, to int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.over || from == to {
		return
	}
	r.chunks[from] = to
}

// addReport takes one success report; true means that all is covered now.
func (r *Receipt) addReport(rng byteRange) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.over {
		return true
	}
	sp := span{rng.start - 1, rng.end}
	if rng.end < 0 {
		to, ok := r.chunks[sp.from]
		if !ok {
			return false
		}
		sp.to = to
	}
	if rng.total >= 0 && r.total < 0 {
		r.total = rng.total
	}
	delete(r.chunks, sp.from)
	if sp.to > sp.from && !r.cover(sp) {
		return false
	}
	whole := r.total == 0 || r.total > 0 && len(r.covered) == 1 &&
		r.covered[0].from == 0 && r.covered[0].to >= r.total
	if whole {
		r.finishLocked(nil)
	}
	return whole
}

// cover merges a span into those there are.
func (r *Receipt) cover(sp span) bool {
	c := r.covered
	i := sort.Search(len(c), func(i int) bool { return c[i].to >= sp.from })
	j := i
	for j < len(c) && c[j].from <= sp.to {
		sp.from, sp.to = min(sp.from, c[j].from), max(sp.to, c[j].to)
		j++
	}
	if i == j && len(c) >= maxRanges {
		return false
	}
	c = append(c[:i], append([]span{sp}, c[j:]...)...)
	r.covered = c
	return true
}

// receipts are those of a session that wait for reports, in order.
type receipts struct {
	byID map[string]*Receipt
}

func (rs *receipts) removeAll() []*Receipt {
	var all []*Receipt
	for _, r := range rs.byID {
		all = append(all, r)
	}
	rs.byID = nil
	return all
}

// track registers r for reports. It stays until they have covered the message, the
// message is sent again, or the session ends. There may be maxReceipts.
func (s *Session) track(r *Receipt) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return s.err
	}
	if s.receipts.byID == nil {
		s.receipts.byID = make(map[string]*Receipt)
	}
	if old := s.receipts.byID[r.id]; old != nil {
		old.failWith(errMessageID)
		delete(s.receipts.byID, r.id)
	}
	if len(s.receipts.byID) >= maxReceipts {
		return errReceipts
	}
	s.receipts.byID[r.id] = r
	return nil
}

func (s *Session) untrack(r *Receipt) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.receipts.byID[r.id] == r {
		delete(s.receipts.byID, r.id)
	}
}

// handleReport takes a REPORT request. What makes no sense is ignored: it cannot
// be answered. See RFC 4975, section 7.1.2.
func (s *Session) handleReport(f *frame) {
	s.mu.Lock()
	r, o := s.receipts.byID[f.messageID], s.sending[f.messageID]
	s.mu.Unlock()
	if r == nil && o == nil || f.bad != "" {
		return // nothing we know of (RFC 4975, section 7.1.2)
	}
	st, err := parseStatus(f.status) // [RFC4975-7.3.2-1]
	if err != nil {
		return
	}
	if st.Code/100 != 2 {
		if o != nil {
			o.failByReport(st) // [RFC4975-7.3.2-2]
		}
		if r != nil {
			r.failWith(st)
			s.untrack(r)
		}
		return
	}
	if r == nil {
		return
	}
	rng := f.rng
	if !f.hasRange {
		rng = byteRange{1, -1, -1}
	}
	if r.addReport(rng) {
		s.untrack(r)
	}
}
