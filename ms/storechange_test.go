package ms

import (
	"bytes"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/gomscp/gomscp/mscp"
	"github.com/gomscp/gomscp/store"
	"github.com/gomscp/gomscp/store/archive"
)

// put keeps a message that no session brings.
func (a *fakeAS) put(from, to, id string) store.ID {
	a.t.Helper()
	w, err := a.ms.Store().Begin(a.ctx(), store.Meta{
		Recipient: to, Sender: from, MessageID: id, ContentType: "text/plain", Received: time.Unix(1_700_000_000, 0), ConnectionID: "as1;a;b",
	})
	if err != nil {
		a.t.Fatal(err)
	}
	p := w.Commit()
	if err := p.Wait(a.ctx()); err != nil {
		a.t.Fatal(err)
	}
	return p.ID()
}

// TestStoreChangesAreTold changes what is kept by every way that is no session: the AS
// hears of each, with the number that is left and whose it was.
func TestStoreChangesAreTold(t *testing.T) {
	a := newFakeAS(t, nil)
	a.notified = make(chan mscp.Element, 10)
	want := func(what, messages, connection string) {
		t.Helper()
		o, ok := a.next().(*mscp.MsgKept)
		if !ok || o.Session != "store-change" || o.FromURI != alice ||
			o.ToURI != bob || strconv.Itoa(o.Messages) != messages || o.ConnectionID != connection {
			t.Errorf("%s: notified of %+v, want %s of %q", what, o, messages, connection)
		}
	}
	s, ctx := a.ms.Store(), a.ctx()
	one := a.put(alice, bob, "1")
	a.put(alice, bob, "2")
	if err := s.SetAside(ctx, "refused", one); err != nil {
		t.Fatal(err)
	}
	want("set aside", "1", "as1;a;b")
	if err := s.Restore(ctx, one); err != nil {
		t.Fatal(err)
	}
	want("restored", "2", "as1;a;b")
	var file bytes.Buffer
	if _, err := archive.Export(ctx, s, &file, store.Filter{}, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Purge(ctx, store.Filter{}, nil); err != nil {
		t.Fatal(err)
	}
	want("purged", "0", "")
	if _, err := archive.Import(ctx, s, &file, nil); err != nil {
		t.Fatal(err)
	}
	want("imported", "2", "as1;a;b")
	w, err := s.Begin(ctx, store.Meta{Recipient: bob, Sender: "sip:carol@example.com", Received: time.Now(), Expires: time.Now().Add(time.Minute)})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Commit().Wait(ctx); err != nil {
		t.Fatal(err)
	}
	a.ms.expireNow(time.Now().Add(2 * time.Minute))
	if o, ok := a.next().(*mscp.MsgKept); !ok || o.FromURI != "sip:carol@example.com" || strconv.Itoa(o.Messages) != "0" {
		t.Errorf("expired: notified of %+v", o)
	}
}

// TestImportDoesNotFlood imports very many messages of few pairs: the AS hears of each
// pair, and not of each message.
func TestImportDoesNotFlood(t *testing.T) {
	const messages, senders = 2000, 3
	from := newFakeAS(t, nil)
	for i := range messages {
		w, err := from.ms.Store().Begin(from.ctx(), store.Meta{Recipient: bob, Sender: fmt.Sprintf("sip:s%d@example.com", i%senders), MessageID: fmt.Sprint(i), Received: time.Now()})
		if err != nil {
			t.Fatal(err)
		}
		if p := w.Commit(); i%500 == 499 || i == messages-1 {
			if err := p.Wait(from.ctx()); err != nil {
				t.Fatal(err)
			}
		}
	}
	var file bytes.Buffer
	if _, err := archive.Export(from.ctx(), from.ms.Store(), &file, store.Filter{}, nil); err != nil {
		t.Fatal(err)
	}
	a := newFakeAS(t, nil)
	a.notified = make(chan mscp.Element, messages)
	began := time.Now()
	if _, err := archive.Import(a.ctx(), a.ms.Store(), &file, nil); err != nil {
		t.Fatal(err)
	}
	most := int(time.Since(began)/storeChangePause) + 2 // while it lasts, and once afterwards
	words, whole := 0, map[string]bool{}
	for len(whole) < senders {
		o := a.next().(*mscp.MsgKept)
		words++
		n := strconv.Itoa(o.Messages)
		if n == fmt.Sprint((messages+senders-1)/senders) || n == fmt.Sprint(messages/senders) {
			whole[o.FromURI] = true
		}
		if words > most*senders {
			t.Fatalf("%d words of %d senders", words, senders)
		}
	}
}

// TestStoreChangesAreBounded has more pairs wait than there may.
func TestStoreChangesAreBounded(t *testing.T) {
	c := newStoreChanges()
	for i := range maxStoreChanges {
		c.pairs[store.Pair{Sender: fmt.Sprint(i)}] = true
	}
	c.note("r", "one more")
	c.note("", "7")
	if len(c.pairs) != maxStoreChanges || !c.missed {
		t.Errorf("%d pairs wait, missed %v", len(c.pairs), c.missed)
	}
}
