package mailbox

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gomscp/gomscp/internal/budget"
)

// TestMemoryForRecipients refuses a new recipient where there is no memory, but not what
// the directory has already; what retires gives its memory back.
func TestMemoryForRecipients(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		defer o.close()
		memory := budget.New(24<<10, nil)
		o.boxes.cfg.Memory = memory
		all := memory.Limit()
		if !memory.Take(all) {
			t.Fatal("not taken")
		}
		o.remember(t, "ms1", testRecipient)
		if err := o.boxes.Follow(named("ms1"), nil); err != nil {
			t.Fatal(err)
		}
		p := Pair{Recipient: "sip:new@example.com", Sender: "sip:alice@example.com", Server: "ms1"}
		if _, err := o.boxes.Begin(p, "c"); !errors.Is(err, ErrTooMany) {
			t.Errorf("a new recipient without memory: %v", err)
		}
		memory.Give(all)
		if _, err := o.boxes.Begin(p, "c"); err != nil {
			t.Error(err)
		}
		if got := memory.Used(); got != 2*Cost {
			t.Errorf("%d bytes for two recipients", got)
		}
		o.boxes.Cancel(p, "c")
		synctest.Wait()
		o.presence.say(true, true)
		time.Sleep(time.Minute)
		synctest.Wait()
		if got := memory.Used(); got != 0 {
			t.Errorf("%d bytes after the last has retired", got)
		}
	})
}
