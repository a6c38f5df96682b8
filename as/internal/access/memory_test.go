package access

import (
	"testing"
	"time"
)

// TestMemoryForCalls has memory for two calls: a third gets 503 until one has ended, and a
// lower limit keeps those that are there.
func TestMemoryForCalls(t *testing.T) {
	mem := NewMemory(minMemory)
	l := newLimiter(Limits{}, mem, time.Second)
	if !mem.Take(mem.Limit() - 2*callCost) {
		t.Fatal("not taken")
	}
	var ends []func()
	for range 2 {
		end, over := l.begin("sip:a@x", "sip:b@x", false)
		if over != nil {
			t.Fatal(over)
		}
		ends = append(ends, end)
	}
	_, over := l.begin("sip:a@x", "sip:b@x", false)
	if over == nil || over.Why != rejectMemory {
		t.Fatalf("a third: %v", over)
	}
	if code, _ := over.Code(); code != 503 {
		t.Errorf("code %d", code)
	}
	for range 2 {
		ends[0]() // which counts once
	}
	if _, over = l.begin("sip:a@x", "sip:b@x", false); over != nil {
		t.Error(over)
	}
	l.set(Limits{Memory: minMemory / 2})
	ends[1]()
	if _, over = l.begin("sip:a@x", "sip:b@x", false); over == nil {
		t.Error("a lower limit does not hold")
	}
}
