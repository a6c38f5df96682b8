package mailbox

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// named makes the names of media servers that follow takes.
func named(names ...string) map[string]bool {
	m := map[string]bool{}
	for _, n := range names {
		m[n] = true
	}
	return m
}

func (o *office) remember(t *testing.T, server string, recipients ...string) {
	t.Helper()
	for _, r := range recipients {
		if err := o.dir.Add(Pair{Recipient: r, Sender: "sip:alice@example.com", Server: server, Since: time.Now()}); err != nil {
			t.Fatal(err)
		}
	}
}

func (o *office) watched() []string {
	o.presence.mu.Lock()
	defer o.presence.mu.Unlock()
	return slices.Sorted(maps.Keys(o.presence.told))
}

// TestUnservedEntriesCostNothing has as many entries of a media server that is gone as
// there may be recipients: nobody is watched for them, and others get messages. When the
// name is back they are delivered.
func TestUnservedEntriesCostNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		defer o.close()
		o.boxes.cfg.MaxRecipients = 3
		o.remember(t, "gone", testRecipient, "sip:b@example.com", "sip:c@example.com", "sip:d@example.com")
		o.remember(t, "ms1", "sip:e@example.com")
		if err := o.boxes.Follow(named("ms1"), nil); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if got := fmt.Sprint(o.watched()); got != "[sip:e@example.com]" {
			t.Errorf("watched: %s", got)
		}
		for _, r := range []string{"sip:f@example.com", "sip:g@example.com"} {
			if _, err := o.boxes.Begin(Pair{Recipient: r, Sender: "sip:alice@example.com", Server: "ms1"}, "c"); err != nil {
				t.Errorf("%s: %v", r, err)
			}
		}
		if _, err := o.boxes.Begin(Pair{Recipient: "sip:h@example.com", Sender: "sip:alice@example.com", Server: "ms1"}, "c"); !errors.Is(err, ErrTooMany) {
			t.Errorf("the limit does not hold for others: %v", err)
		}
		if n := o.boxes.Unserved()["gone"]; n != 4 {
			t.Errorf("%d entries are unserved, want 4", n)
		}

		o.serve(true, "gone")
		if err := o.boxes.Follow(named("gone"), nil); err != nil {
			t.Fatal(err)
		}
		if n := len(o.boxes.Unserved()); n != 0 {
			t.Errorf("%d names are unserved when all are back", n)
		}
		synctest.Wait()
		o.presence.say(true, true)
		time.Sleep(time.Minute)
		synctest.Wait()
		if o.mu.Lock(); len(o.pushes) != 1 {
			t.Errorf("pushes to the one who is reachable: %q", o.pushes)
		}
		o.mu.Unlock()
	})
}

// TestPutAside takes a media server out of the list under a session and a wish to push:
// both are over for the application server, the entry stays on disk, and what the
// recipient has elsewhere is delivered.
func TestPutAside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		defer o.close()
		o.serve(true, "ms2")
		o.remember(t, "ms1", testRecipient)
		o.remember(t, "ms2", testRecipient, "sip:b@example.com")
		if err := o.boxes.Follow(named("ms1", "ms2"), nil); err != nil {
			t.Fatal(err)
		}
		end, err := o.boxes.Begin(Pair{Recipient: "sip:b@example.com", Sender: "sip:carol@example.com", Server: "ms2"}, "c")
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		o.serve(false, "ms2")
		if err := o.boxes.Follow(nil, named("ms2")); err != nil {
			t.Fatal(err)
		}
		end()
		synctest.Wait()
		if n := o.boxes.Len(); n != 1 {
			t.Errorf("%d mailboxes, want that of ms1 alone", n)
		}
		// A call that the balancer had given to ms2 before is served, and remembered.
		if _, err := o.boxes.Begin(Pair{Recipient: "sip:late@example.com", Sender: "sip:carol@example.com", Server: "ms2"}, "d"); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if n := o.boxes.Len(); n != 1 {
			t.Errorf("%d mailboxes after a late call, want that of ms1 alone", n)
		}
		o.presence.say(true, true)
		time.Sleep(time.Minute)
		synctest.Wait()
		o.mu.Lock()
		defer o.mu.Unlock()
		if len(o.pushes) != 1 {
			t.Errorf("pushes: %q, want one", o.pushes)
		}
		var left []string
		for _, p := range o.dir.all() {
			left = append(left, p.Server+" "+p.Recipient)
		}
		if got := strings.Join(left, ", "); got != "ms2 sip:b@example.com, ms2 sip:b@example.com, ms2 sip:bob@example.com, ms2 sip:late@example.com" {
			t.Errorf("on disk: %s", got)
		}
	})
}

// TestRemovedWhileLoaded has an entry removed between the time that it is read from the
// file and the time that its letter is made: the file and the letters agree afterwards.
func TestRemovedWhileLoaded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		defer o.close()
		o.remember(t, "ms1", testRecipient)
		o.dir.read = func(p Pair) { _ = o.dir.Remove(p) }
		if err := o.boxes.Follow(named("ms1"), nil); err != nil {
			t.Fatal(err)
		}
		p := Pair{Recipient: testRecipient, Sender: "sip:alice@example.com", Server: "ms1", Since: time.Now()}
		if _, err := o.boxes.Begin(p, "c"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if left := o.dir.all(); len(left) != 1 {
			t.Errorf("a store session is live, and the file has %d entries", len(left))
		}
	})
}
