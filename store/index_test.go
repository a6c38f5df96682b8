package store

import (
	"fmt"
	"runtime"
	"testing"
	"time"
)

// TestIndexMemory compares what an index is said to take with what it takes.
func TestIndexMemory(t *testing.T) {
	tests := []struct {
		name                         string
		recipients, senders, letters int
		expires                      bool
	}{
		{"a recipient for each message", 100_000, 1, 1, false},
		{"two messages each", 50_000, 1, 2, false},
		{"one recipient of everything", 1, 1, 200_000, false},
		{"that expires", 1, 1, 200_000, true},
		{"a sender for each message", 1, 100_000, 1, false},
		{"a few of each", 2_000, 10, 10, true},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			x := newIndex()
			before := heapBytes()
			id := ID(1)
			for n := range tc.letters {
				for r := range tc.recipients {
					for s := range tc.senders {
						m := MessageInfo{ID: id, Meta: Meta{Recipient: fmt.Sprintf("sip:recipient%d@example.com", r), Sender: fmt.Sprintf("sip:sender%d@example.com", s), Received: time.Now()}, Size: 1}
						if tc.expires {
							m.Expires = m.Received.Add(time.Hour)
						}
						x.add(&m, uint64(id)+uint64(n))
						id++
					}
				}
			}
			took, said := heapBytes()-before, x.memory()
			t.Logf("%.1f MB, said to be %.1f MB; %d bytes a message", float64(took)/1e6, float64(said)/1e6, took/int64(id-1))
			if ratio := float64(said) / float64(took); ratio < 0.7 || ratio > 1.6 {
				t.Errorf("the estimate is %.2f of what it is", ratio)
			}
			for i := range id {
				x.remove(i)
			}
			if n := x.memory(); n != 0 {
				t.Errorf("%d bytes when nothing is kept", n)
			}
			runtime.KeepAlive(x)
		})
	}
}

// heapBytes is what is in use after a collection.
func heapBytes() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
