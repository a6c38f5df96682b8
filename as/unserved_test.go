package as

import (
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gomscp/gomscp/as/internal/directory"
)

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
	if n := s.mailboxes.Len(); n != 2 {
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
