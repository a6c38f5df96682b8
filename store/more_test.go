package store

import (
	"path/filepath"
	"reflect"
	"testing"
	"time"
)

// TestNameAndFile keeps a sender's name and what is known of a file, through a new
// start. A message without them is written as before.
func TestNameAndFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ms.db")
	s := openStore(t, path)
	file := &File{Name: "p ü.png", Type: "image/png", Size: 28232, Hash: "sha-1:72:24", Disposition: "render"}
	put(t, s, Meta{Recipient: "bob", Sender: "alice", ContentType: "image/png", SenderName: "Alice W", File: file, Received: time.Unix(1, 0).UTC()}, []byte("png"))
	put(t, s, Meta{Recipient: "bob", Sender: "alice", ContentType: "text/plain", Received: time.Unix(2, 0).UTC()}, []byte("plain"))
	want := func(s *Store) {
		t.Helper()
		list := s.Messages("bob", "alice")
		if len(list) != 2 || list[0].SenderName != "Alice W" || !reflect.DeepEqual(list[0].File, file) || list[1].SenderName != "" || list[1].File != nil {
			t.Errorf("kept %+v", list)
		}
	}
	want(s)
	s.Close()
	s = openStore(t, path)
	want(s)

	plain, err := encodeRecord(&MessageInfo{Meta: Meta{Recipient: "bob"}})
	if err != nil || plain[1]&flagMore != 0 {
		t.Errorf("%x, %v", plain, err)
	}
	named, err := encodeRecord(&MessageInfo{Meta: Meta{Recipient: "bob", SenderName: "A"}})
	if err != nil {
		t.Fatal(err)
	}
	named[len(named)-2] = '{' // within the JSON
	if m, err := decodeMessage(1, named); err == nil {
		t.Errorf("a damaged record is read as %+v", m)
	}
}
