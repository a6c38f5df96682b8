package as

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gomscp/gomscp/as/internal/control"
	"github.com/gomscp/gomscp/as/internal/directory"
)

// named makes the names of media servers that follow takes.
func named(names ...string) map[string]bool {
	m := map[string]bool{}
	for _, n := range names {
		m[n] = true
	}
	return m
}

func (o *postOffice) remember(t *testing.T, server string, recipients ...string) {
	t.Helper()
	for _, r := range recipients {
		if err := o.s.dir.Add(Pair{Recipient: r, Sender: "sip:alice@example.com", Server: server, Since: time.Now()}); err != nil {
			t.Fatal(err)
		}
	}
}

func (o *postOffice) watched() []string {
	o.presence.mu.Lock()
	defer o.presence.mu.Unlock()
	return slices.Sorted(maps.Keys(o.presence.told))
}

// TestUnservedEntriesCostNothing has as many entries of a media server that is gone as
// there may be recipients: nobody is watched for them, and others get messages. When the
// name is back they are delivered.
func TestUnservedEntriesCostNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newPostOffice(t)
		defer o.close()
		o.s.cfg.Store.MaxRecipients = 3
		o.remember(t, "gone", testRecipient, "sip:b@example.com", "sip:c@example.com", "sip:d@example.com")
		o.remember(t, "ms1", "sip:e@example.com")
		if err := o.s.mailboxes.follow(named("ms1"), nil); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if got := fmt.Sprint(o.watched()); got != "[sip:e@example.com]" {
			t.Errorf("watched: %s", got)
		}
		for _, r := range []string{"sip:f@example.com", "sip:g@example.com"} {
			if _, err := o.s.mailboxes.begin(Pair{Recipient: r, Sender: "sip:alice@example.com", Server: "ms1"}, "c"); err != nil {
				t.Errorf("%s: %v", r, err)
			}
		}
		if _, err := o.s.mailboxes.begin(Pair{Recipient: "sip:h@example.com", Sender: "sip:alice@example.com", Server: "ms1"}, "c"); !errors.Is(err, errTooManyRecipients) {
			t.Errorf("the limit does not hold for others: %v", err)
		}
		if n := o.s.mailboxes.unservedEntries()["gone"]; n != 4 {
			t.Errorf("%d entries are unserved, want 4", n)
		}

		o.s.servers.Set(append(o.s.servers.All(), upServer("gone")))
		if err := o.s.mailboxes.follow(named("gone"), nil); err != nil {
			t.Fatal(err)
		}
		if n := len(o.s.mailboxes.unservedEntries()); n != 0 {
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
		o := newPostOffice(t)
		defer o.close()
		ms2 := upServer("ms2")
		o.s.servers.Set(append(o.s.servers.All(), ms2))
		o.remember(t, "ms1", testRecipient)
		o.remember(t, "ms2", testRecipient, "sip:b@example.com")
		if err := o.s.mailboxes.follow(named("ms1", "ms2"), nil); err != nil {
			t.Fatal(err)
		}
		end, err := o.s.mailboxes.begin(Pair{Recipient: "sip:b@example.com", Sender: "sip:carol@example.com", Server: "ms2"}, "c")
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		o.s.servers.Set([]*control.MediaServer{o.s.servers.All()[0]})
		if err := o.s.mailboxes.follow(nil, named("ms2")); err != nil {
			t.Fatal(err)
		}
		end()
		synctest.Wait()
		if n := o.s.mailboxes.len(); n != 1 {
			t.Errorf("%d mailboxes, want that of ms1 alone", n)
		}
		// A call that the balancer had given to ms2 before is served, and remembered.
		if _, err := o.s.mailboxes.begin(Pair{Recipient: "sip:late@example.com", Sender: "sip:carol@example.com", Server: "ms2"}, "d"); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if n := o.s.mailboxes.len(); n != 1 {
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
		if err := o.s.dir.Each(func(p Pair) error { left = append(left, p.Server+" "+p.Recipient); return nil }); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(left, ", "); got != "ms2 sip:b@example.com, ms2 sip:b@example.com, ms2 sip:bob@example.com, ms2 sip:late@example.com" {
			t.Errorf("on disk: %s", got)
		}
	})
}

// TestUnservedPages forgets and renames entries through the admin address.
func TestUnservedPages(t *testing.T) {
	a := newFakeMS(t)
	name := a.ua.Addr()
	const bob, dave = "sip:bob@example.com", "sip:dave@example.com"
	s := startAS(t, func(c *Config) {
		c.Admin, c.MediaServers[0].Name, c.Store.MaxRecipients = "127.0.0.1:0", name, 10
		d, err := OpenDirectory(c.Directory)
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		list := []Pair{{Recipient: bob, Sender: dave, Server: "old", Since: time.Now()}, {Recipient: dave, Sender: bob, Server: name, Since: time.Now()}}
		for i := range 2*directory.ChangesAtOnce + 1 { // of several transactions
			list = append(list, Pair{Recipient: fmt.Sprintf("sip:r%d@example.com", i), Sender: dave, Server: "lost", Since: time.Now()})
		}
		if _, err := d.AddAll(list); err != nil {
			t.Fatal(err)
		}
	}, a)
	post := func(path string) (int, string) {
		t.Helper()
		resp, err := http.Post("http://"+s.admin.Addr()+path, "", nil)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, strings.TrimSpace(string(b))
	}
	for _, tc := range []struct {
		path   string
		status int
		text   string
	}{
		{"/deliver?to=bob@example.com", 404, "what is kept for sip:bob@example.com is with media servers that are not configured"},
		{"/directory/forget?ms=" + name, 409, "take it out of media_servers first"},
		{"/directory/rename?ms=" + name + "&name=x", 409, "take it out of media_servers first"},
		{"/directory/rename?ms=old&name=", 500, "the new name"},
		{"/directory/forget?ms=lost&to=%20", 400, "to:"},
		{"/directory/forget?ms=nobody", 200, "0 entries forgotten"},
		{"/directory/forget?ms=lost&to=r7@example.com", 200, "1 entries forgotten"},
		{"/directory/forget?ms=lost&from=dave@example.com", 200, "2000 entries forgotten"},
		{"/directory/rename?ms=old&name=" + name, 200, "1 entries renamed"},
	} {
		if status, text := post(tc.path); status != tc.status || !strings.Contains(text, tc.text) {
			t.Errorf("%s: %d %q, want %d %q", tc.path, status, text, tc.status, tc.text)
		}
	}
	if n := s.mailboxes.len(); n != 2 {
		t.Errorf("%d mailboxes, want those of bob and dave", n)
	}
	for e, err := range s.dir.Entries("", "", "") {
		if err != nil || e.MediaServer != name {
			t.Errorf("left: %+v, %v", e, err)
		}
	}
}

// TestRenameMeets renames entries to a name that has some of the same pairs.
func TestRenameMeets(t *testing.T) {
	d := openDirectory(t, filepath.Join(t.TempDir(), "as.db"))
	defer d.Close()
	at := time.Unix(1000, 0)
	for _, p := range []Pair{
		{Recipient: "sip:b@x", Sender: "sip:a@x", Server: "old", Name: "Old", Since: at},
		{Recipient: "sip:b@x", Sender: "sip:a@x", Server: "new", Name: "New", Since: at.Add(time.Hour)},
		{Recipient: "sip:b@x", Sender: "sip:c@x", Server: "old", Name: "Only", Since: at},
		{Recipient: "sip:b@x", Sender: "sip:d@x", Server: "third", Since: at},
	} {
		if err := d.Add(p); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := d.Rename("old", "new"); n != 2 || err != nil {
		t.Fatalf("%d, %v", n, err)
	}
	var got []string
	if err := d.Each(func(p Pair) error {
		got = append(got, fmt.Sprintf("%s %s %q %d", p.Sender, p.Server, p.Name, p.Since.Unix()))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if want := `[sip:a@x new "New" 1000 sip:c@x new "Only" 1000 sip:d@x third "" 1000]`; fmt.Sprint(got) != want {
		t.Errorf("%v, want %s", got, want)
	}
	if _, err := d.Rename("new", "a\x00b"); err == nil {
		t.Error("a name with a NUL was taken")
	}
}
