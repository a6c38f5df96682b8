package store

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"
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
			size = SegmentSize + m.rnd.IntN(SegmentSize)
		}
		body := bytes.Repeat([]byte{byte(m.rnd.Int())}, size)
		w, err := m.s.Begin(m.t.Context(), Meta{Recipient: fmt.Sprint("r", m.rnd.IntN(20)), Sender: fmt.Sprint("s", m.rnd.IntN(20)), MessageID: fmt.Sprint(m.rnd.Uint64())})
		if err == nil {
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
	for range len(m.s.index.spans) + 100 {
		if err := m.s.Delete(m.t.Context()); err != nil {
			m.t.Fatal(err)
		}
	}
	err := m.s.db.View(func(tx *bolt.Tx) error {
		l := &loader{m.s, map[uint64]*[spanLength / 64]uint64{}}
		before := m.s.logged
		m.s.logged = 0
		defer func() { m.s.logged = before }()
		l.readLog(tx.Bucket(deadBucket))
		if m.s.logged != before {
			m.t.Errorf("%d IDs are in the log, %d counted", m.s.logged, before)
		}
		if before > 2*m.s.index.buried+logSlack {
			m.t.Errorf("%d IDs in the log, but %d needed", before, m.s.index.buried)
		}
		return nil
	})
	if err != nil {
		m.t.Fatal(err)
	}
	for n, x := range m.s.index.spans {
		last, _ := spanOf(ID(m.s.seq))
		if kept := x.live + x.dead; n < last && kept > 0 && reclaimPart*(x.used+recordCost*int64(x.live)) < x.size+recordCost*int64(kept) {
			m.t.Errorf("span %d is not reclaimed: %+v", n, x)
		}
	}
}

// TestSpans stores and deletes over many spans, with the file opened again in
// between.
func TestSpans(t *testing.T) {
	m := newModel(t)
	for round := range 8 {
		m.put(spanLength / 2)
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
	for m.s.Stats().Deleted < logSlack+3*spanLength {
		m.put(spanLength)
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
	if n := len(m.s.index.spans); n > 1 {
		t.Errorf("%d spans are left of nothing", n)
	}
}

// TestSpanFullOfBytes has few messages fill spans.
func TestSpanFullOfBytes(t *testing.T) {
	s := newStore(t)
	s.db.NoSync = true
	const n = 3*spanBytes/SegmentSize + 1
	for i := range n {
		put(t, s, Meta{Recipient: "bob", Sender: "alice"}, bytes.Repeat([]byte{byte(i)}, SegmentSize))
	}
	if got := len(s.index.spans); got != 4 {
		t.Errorf("%d spans", got)
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

// TestReclaimWithRemoval removes a message in the batch that writes its span
// anew: its record must not be in it.
func TestReclaimWithRemoval(t *testing.T) {
	m := newModel(t)
	m.put(spanLength + 1)
	ids := slices.Sorted(maps.Keys(m.bodies))
	spare := ids[:10] // of the first span, and enough that it is not simply dropped
	dead := slices.DeleteFunc(slices.Clone(ids), func(id ID) bool { n, _ := spanOf(id); return n > 0 || id <= spare[9] })
	j, last := newJob(), newJob()
	j.remove, last.remove = dead, spare[:1]
	m.s.commit([]*job{j}) // the committer sleeps: its queue is empty
	if len(m.s.wasted) != 1 {
		t.Fatalf("%d spans to reclaim", len(m.s.wasted))
	}
	m.s.commit([]*job{last})
	_ = m.s.db.View(func(tx *bolt.Tx) error {
		has := func(id ID) bool { v, err := readRecord(tx, id); return v != nil && err == nil }
		if has(spare[0]) || has(dead[0]) || !has(spare[1]) {
			t.Error("the span does not hold what it should")
		}
		return nil
	})
	if m.s.index.buried != 0 || m.s.index.spans[0].live != 9 {
		t.Errorf("%+v, %d buried", m.s.index.spans[0], m.s.index.buried)
	}
}

// TestSealedThenReopened goes on after a file whose last span is sealed.
func TestSealedThenReopened(t *testing.T) {
	m := newModel(t)
	m.put(spanLength - 1 - int(m.s.seq%spanLength)) // the last ID of the span is given
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

// TestMigrate opens a file of the first layout.
func TestMigrate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "old.db")
	bodies := map[string][]byte{}
	db, err := bolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	var lastID ID
	err = db.Update(func(tx *bolt.Tx) error {
		messages, _ := tx.CreateBucket(oldBucket)
		data, _ := tx.CreateBucket(bodiesBucket)
		open, _ := tx.CreateBucket(openBucket)
		number := uint64(0)
		for i, size := range []int{0, 1, 1000, SegmentSize, 2*SegmentSize + 1} {
			for _, span := range []ID{0, 1, 7} {
				number++
				id := span*spanLength + ID(i) + 1
				name := fmt.Sprint(id)
				bodies[name] = randomBody(size)
				v, _ := json.Marshal(MessageInfo{Meta: Meta{Recipient: "bob", Sender: "alice", MessageID: name, Received: time.Unix(5, 0)}, Size: int64(size), Body: number})
				if err := messages.Put(messageKey(id), v); err != nil {
					return err
				}
				for n, rest := uint32(0), bodies[name]; len(rest) > 0; n++ {
					part := rest[:min(len(rest), SegmentSize)]
					rest = rest[len(part):]
					if err := data.Put(bodyKey(number, n), part); err != nil {
						return err
					}
				}
				lastID = max(lastID, id)
			}
		}
		if err := messages.Put(messageKey(3*spanLength), []byte("{")); err != nil { // cannot be decoded
			return err
		}
		if err := data.Put(bodyKey(number+1, 0), []byte("unfinished")); err != nil {
			return err
		}
		if err := messages.SetSequence(uint64(lastID) + 10*spanLength); err != nil {
			return err
		}
		return open.Put(messageKey(ID(number+1)), nil)
	})
	if err != nil {
		t.Fatal(err)
	}
	db.Close()
	if _, err := Open(path, Options{ReadOnly: true}); err == nil {
		t.Error("a file of the first layout was opened read-only")
	}
	for range 3 {
		s := openStore(t, path)
		list := s.Messages("bob", "alice")
		if len(list) != 15 || s.Stats().Unreadable != 1 {
			t.Fatalf("%d messages, %d unreadable", len(list), s.Stats().Unreadable)
		}
		for _, m := range list {
			if m.MessageID != fmt.Sprint(m.ID) || m.Received.Unix() != 5 || !bytes.Equal(bodyOf(t, s, m.ID), bodies[m.MessageID]) {
				t.Errorf("%+v has other bytes", m)
			}
		}
		id := commitOf(t, s, Meta{Recipient: "carol", Sender: "alice"}, randomBody(3*SegmentSize)).ID()
		if id <= lastID+10*spanLength {
			t.Errorf("ID %d was given before", id)
		}
		if err := s.Delete(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		s.Close()
	}
	s := openStore(t, path)
	if _, err := s.PurgeFilter(t.Context(), Filter{}, nil); err != nil {
		t.Fatal(err)
	}
	if n := segmentsIn(t, s); n != 0 {
		t.Errorf("%d segments are left", n)
	}
}

// FuzzRecord: what can be decoded is encoded to what decodes to the same.
func FuzzRecord(f *testing.F) {
	for _, m := range []MessageInfo{
		{}, {Meta: Meta{Recipient: "bob", Sender: "alice", MessageID: "m", ContentType: "text/plain", ConnectionID: "c", SuccessReport: true}, Size: 5, Body: 7},
		{Meta: Meta{Received: time.Unix(1, 2), Expires: time.Unix(-3, 4)}, Sum: randomBody(sumSize)},
	} {
		v, err := encodeRecord(&m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(v)
	}
	f.Add([]byte(`{"r":"bob","s":"alice","d":"2024-01-01T00:00:00Z","n":3,"b":1}`))
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

// FuzzSealed opens damaged spans: nothing but a fault may come of it.
func FuzzSealed(f *testing.F) {
	var s sealer
	s.add(3, []byte("abc"))
	s.add(9, nil)
	s.add(spanLength-1, []byte("z"))
	f.Add(s.bytes(77))
	f.Fuzz(func(t *testing.T, v []byte) {
		sealed, err := openSealed(v)
		if err != nil {
			return
		}
		var again sealer
		for i := range sealed.len() {
			if sealed.place(i) < spanLength && sealed.record(i) != nil {
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
