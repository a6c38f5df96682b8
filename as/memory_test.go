package as

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// TestMemoryForCalls has memory for two calls: a third gets 503 until one has ended, and a
// lower limit keeps those that are there.
func TestMemoryForCalls(t *testing.T) {
	mem := newMemory(minMemory)
	l := newLimiter(LimitsConfig{}, mem, time.Second)
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
	if over == nil || over.why != rejectMemory {
		t.Fatalf("a third: %v", over)
	}
	if code, _ := over.code(); code != 503 {
		t.Errorf("code %d", code)
	}
	for range 2 {
		ends[0]() // which counts once
	}
	if _, over = l.begin("sip:a@x", "sip:b@x", false); over != nil {
		t.Error(over)
	}
	l.set(LimitsConfig{Memory: minMemory / 2})
	ends[1]()
	if _, over = l.begin("sip:a@x", "sip:b@x", false); over == nil {
		t.Error("a lower limit does not hold")
	}
}

// TestMemoryForRecipients refuses a new recipient where there is no memory, but not what
// the directory has already; what retires gives its memory back.
func TestMemoryForRecipients(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newPostOffice(t)
		defer o.close()
		o.s.memory = newMemory(minMemory)
		all := o.s.memory.Limit()
		if !o.s.memory.Take(all) {
			t.Fatal("not taken")
		}
		o.remember(t, "ms1", testRecipient)
		if err := o.s.mailboxes.follow(named("ms1"), nil); err != nil {
			t.Fatal(err)
		}
		p := Pair{Recipient: "sip:new@example.com", Sender: "sip:alice@example.com", Server: "ms1"}
		if _, err := o.s.mailboxes.begin(p, "c"); !errors.Is(err, errTooManyRecipients) {
			t.Errorf("a new recipient without memory: %v", err)
		}
		o.s.memory.Give(all)
		if _, err := o.s.mailboxes.begin(p, "c"); err != nil {
			t.Error(err)
		}
		if got := o.s.memory.Used(); got != 2*recipientCost {
			t.Errorf("%d bytes for two recipients", got)
		}
		o.s.mailboxes.cancel(p, "c")
		synctest.Wait()
		o.presence.say(true, true)
		time.Sleep(time.Minute)
		synctest.Wait()
		if got := o.s.memory.Used(); got != 0 {
			t.Errorf("%d bytes after the last has retired", got)
		}
	})
}
