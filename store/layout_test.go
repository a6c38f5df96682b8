package store

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/gomscp/gomscp/internal/testutil"
)

// A model is what a store must hold.
type model struct {
	t      *testing.T
	path   string
	s      *Store
	bodies map[ID][]byte
	rnd    *rand.Rand
}

func newModel(t *testing.T) *model {
	m := &model{t: t, path: filepath.Join(t.TempDir(), "ms.db"), bodies: map[ID][]byte{}, rnd: rand.New(rand.NewPCG(1, 2))}
	m.open()
	t.Cleanup(func() { m.s.Close() })
	return m
}

func (m *model) open() {
	m.s = openStore(m.t, m.path)
	m.s.db.NoSync = true
}

// put stores n messages, which share transactions.
func (m *model) put(n int) {
	m.t.Helper()
	type sent struct {
		p    *Pending
		body []byte
	}
	var waiting []sent
	for range n {
		size := m.rnd.IntN(200)
		if m.rnd.IntN(1000) == 0 {
			size = SegmentSize + m.rnd.IntN(9*SegmentSize)
		}
		body := bytes.Repeat([]byte{byte(m.rnd.Int())}, size)
		w, err := m.s.Begin(m.t.Context(), Meta{Recipient: fmt.Sprint("r", m.rnd.IntN(20)), Sender: fmt.Sprint("s", m.rnd.IntN(20)), MessageID: fmt.Sprint(m.rnd.Uint64())})
		if err == nil {
			w.SetAhead(m.rnd.IntN(2 * MaxAhead))
			_, err = w.Write(body)
		}
		if err != nil {
			m.t.Fatal(err)
		}
		waiting = append(waiting, sent{w.Commit(), body})
	}
	for _, x := range waiting {
		if err := x.p.Wait(m.t.Context()); err != nil {
			m.t.Fatal(err)
		}
		m.bodies[x.p.ID()] = x.body
	}
}

// remove deletes messages with some probability.
func (m *model) remove(probability float64) {
	m.t.Helper()
	var ids []ID
	for _, id := range slices.Sorted(maps.Keys(m.bodies)) {
		if m.rnd.Float64() < probability {
			ids = append(ids, id)
			delete(m.bodies, id)
		}
	}
	if err := m.s.Delete(m.t.Context(), ids...); err != nil {
		m.t.Fatal(err)
	}
}

// check compares, by way of the lists and of the bodies.
func (m *model) check() {
	m.t.Helper()
	if err := m.s.Check(m.t.Context()); err != nil {
		m.t.Fatal(err)
	}
	seen := map[ID]bool{}
	for _, r := range m.s.Recipients() {
		last := ID(0)
		for _, info := range m.s.Messages(r.Recipient, "") {
			if info.ID <= last {
				m.t.Fatalf("message %d behind %d", info.ID, last)
			}
			last = info.ID
			seen[info.ID] = true
			if want, ok := m.bodies[info.ID]; !ok || int64(len(want)) != info.Size {
				m.t.Fatalf("message %d should not be there, or has %d bytes for %d", info.ID, info.Size, len(want))
			}
		}
	}
	if len(seen) != len(m.bodies) || m.s.Stats().Messages != len(m.bodies) {
		m.t.Fatalf("%d messages are listed, %d counted, %d should be", len(seen), m.s.Stats().Messages, len(m.bodies))
	}
	for id, want := range m.bodies {
		if m.rnd.IntN(50) == 0 && !bytes.Equal(bodyOf(m.t, m.s, id), want) {
			m.t.Fatalf("message %d has other bytes", id)
		}
	}
}

// settle has the committer do what deleting left to do, and checks the counts
// against the file.
func (m *model) settle() {
	m.t.Helper()
	for range len(m.s.index.extents) + 100 {
		if err := m.s.Delete(m.t.Context()); err != nil {
			m.t.Fatal(err)
		}
	}
	err := m.s.db.View(func(tx *bolt.Tx) error {
		l := &loader{m.s, map[uint64]*[extentLength / 64]uint64{}}
		before := m.s.logged
		m.s.logged = 0
		defer func() { m.s.logged = before }()
		l.readLog(tx.Bucket(deadBucket))
		if m.s.logged != before {
			m.t.Errorf("%d IDs are in the log, %d counted", m.s.logged, before)
		}
		if before > 2*m.s.index.deadRecords+logSlack {
			m.t.Errorf("%d IDs in the log, but %d needed", before, m.s.index.deadRecords)
		}
		return nil
	})
	if err != nil {
		m.t.Fatal(err)
	}
	for n, x := range m.s.index.extents {
		last, _ := extentOf(ID(m.s.seq))
		if kept := x.live + x.dead; n < last && kept > 0 && reclaimPart*(x.used+recordCost*int64(x.live)) < x.size+recordCost*int64(kept) {
			m.t.Errorf("extent %d is not reclaimed: %+v", n, x)
		}
	}
}

// TestExtents stores and deletes over many extents, with the file opened again in
// between.
func TestExtents(t *testing.T) {
	m := newModel(t)
	for round := range 8 {
		m.put(extentLength / 2)
		m.remove([]float64{0.1, 0.9, 0.5}[round%3])
		m.check()
		if round%3 == 2 {
			m.settle()
			m.s.Close()
			m.open()
			m.check()
		}
	}
	// So many that the log of the deleted is trimmed.
	for m.s.Stats().Deleted < logSlack+3*extentLength {
		m.put(extentLength)
		m.remove(0.98)
	}
	m.settle()
	m.check()
	m.s.Close()
	m.open()
	m.check()
	m.remove(1)
	m.settle()
	m.check()
	if n := len(m.s.index.extents); n > 1 {
		t.Errorf("%d extents are left of nothing", n)
	}
}

// TestExtentFullOfBytes has few messages fill extents.
func TestExtentFullOfBytes(t *testing.T) {
	s := newStore(t)
	s.db.NoSync = true
	const n = 3*extentBytes/SegmentSize + 1
	for i := range n {
		put(t, s, Meta{Recipient: "bob", Sender: "alice"}, bytes.Repeat([]byte{byte(i)}, SegmentSize))
	}
	if got := len(s.index.extents); got != 4 {
		t.Errorf("%d extents", got)
	}
	list := s.Messages("bob", "")
	for i, m := range list {
		if b := bodyOf(t, s, m.ID); b[0] != byte(i) || len(b) != SegmentSize {
			t.Fatalf("message %d has other bytes", i)
		}
	}
	if len(list) != n {
		t.Errorf("%d messages", len(list))
	}
}

// TestReclaimWithRemoval removes a message in the batch that writes its extent
// anew: its record must not be in it.
func TestReclaimWithRemoval(t *testing.T) {
	m := newModel(t)
	m.put(extentLength + 1)
	ids := slices.Sorted(maps.Keys(m.bodies))
	spare := ids[:10] // of the first extent, and enough that it is not simply dropped
	dead := slices.DeleteFunc(slices.Clone(ids), func(id ID) bool { n, _ := extentOf(id); return n > 0 || id <= spare[9] })
	m.s.commit([]job{&removeJob{jobBase: newBase(), ids: dead}}) // the committer sleeps: its queue is empty
	if len(m.s.wasted) != 1 {
		t.Fatalf("%d extents to reclaim", len(m.s.wasted))
	}
	m.s.commit([]job{&removeJob{jobBase: newBase(), ids: spare[:1]}})
	_ = m.s.db.View(func(tx *bolt.Tx) error {
		has := func(id ID) bool { v, err := readRecord(tx, id); return v != nil && err == nil }
		if has(spare[0]) || has(dead[0]) || !has(spare[1]) {
			t.Error("the extent does not hold what it should")
		}
		return nil
	})
	if m.s.index.deadRecords != 0 || m.s.index.extents[0].live != 9 {
		t.Errorf("%+v, %d records of deleted messages", m.s.index.extents[0], m.s.index.deadRecords)
	}
}

// TestSealedThenReopened goes on after a file whose last extent is sealed.
func TestSealedThenReopened(t *testing.T) {
	m := newModel(t)
	m.put(extentLength - 1 - int(m.s.seq%extentLength)) // the last ID of the extent is given
	m.s.Close()
	m.open()
	m.put(1) // seals it
	m.remove(1)
	m.put(10)
	for range 3 {
		m.s.Close()
		m.open()
		m.check()
		m.put(1)
	}
	m.check()
}

// FuzzRecord: what can be decoded is encoded to what decodes to the same.
func FuzzRecord(f *testing.F) {
	for _, m := range []MessageInfo{
		{}, {Meta: Meta{Recipient: "bob", Sender: "alice", MessageID: "m", ContentType: "text/plain", ConnectionID: "c", SuccessReport: true}, Size: 5, Body: 7},
		{Meta: Meta{Received: time.Unix(1, 2), Expires: time.Unix(-3, 4)}, Sum: testutil.Bytes(sumSize)},
	} {
		v, err := encodeRecord(&m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(v)
	}
	f.Fuzz(func(t *testing.T, v []byte) {
		first, err := decodeMessage(1, v)
		if err != nil {
			return
		}
		again, err := encodeRecord(&first)
		if err != nil {
			return // a time out of range
		}
		second, err := decodeMessage(1, again)
		if err != nil || fmt.Sprint(first.Received.UTC(), first.Expires.UTC()) != fmt.Sprint(second.Received.UTC(), second.Expires.UTC()) {
			t.Fatalf("%+v became %+v: %v", first, second, err)
		}
		first.Received, first.Expires, second.Received, second.Expires = time.Time{}, time.Time{}, time.Time{}, time.Time{}
		if fmt.Sprintf("%+v", first) != fmt.Sprintf("%+v", second) {
			t.Fatalf("%+v became %+v", first, second)
		}
	})
}

// FuzzSealed opens damaged extents: nothing but a fault may come of it.
func FuzzSealed(f *testing.F) {
	var s sealer
	s.add(3, []byte("abc"))
	s.add(9, nil)
	s.add(extentLength-1, []byte("z"))
	f.Add(s.bytes(77))
	f.Fuzz(func(t *testing.T, v []byte) {
		sealed, err := openSealed(v)
		if err != nil {
			return
		}
		var again sealer
		for i := range sealed.len() {
			if sealed.place(i) < extentLength && sealed.record(i) != nil {
				again.add(ID(sealed.place(i)), sealed.record(i))
			}
			sealed.find(i)
		}
		second, err := openSealed(again.bytes(sealed.weight))
		if err != nil || second.weight != sealed.weight {
			t.Fatal(err)
		}
		for i := range second.len() {
			if second.record(i) == nil {
				t.Fatalf("record %d is lost", i)
			}
		}
	})
}

// TestCommitWritesLittle looks at what a short message makes bbolt write, with no extent
// full and with several: their records, each as long as a megabyte, must stay as they are.
func TestCommitWritesLittle(t *testing.T) {
	m := newModel(t)
	for extents := range 4 {
		before := m.s.db.Stats().TxStats
		m.put(1)
		after := m.s.db.Stats().TxStats
		if wrote := after.Sub(&before).PageAlloc; wrote > 64<<10 {
			t.Errorf("with %d full extents, a message of 200 bytes writes %d", extents, wrote)
		}
		m.put(extentLength)
	}
}
