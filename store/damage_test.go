package store

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/gomscp/gomscp/internal/boltfile"
)

// damagedFile is a file with sealed extents, a last one, long bodies, deleted
// messages and some that are set aside.
func damagedFile(t *testing.T) (image []byte, messages int) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ms.db")
	s := openStore(t, path)
	var waiting []*Pending
	for n := range extentLength + 600 {
		body := []byte(fmt.Sprint("message ", n))
		if n%900 == 0 {
			body = bytes.Repeat([]byte{byte(n)}, 2*SegmentSize)
		}
		waiting = append(waiting, commitNow(t, s, Meta{Recipient: fmt.Sprint("r", n%50), Sender: "alice", MessageID: fmt.Sprint(n)}, body))
	}
	for _, p := range waiting {
		if err := p.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	list := s.Messages("r7", "")
	ids := make([]ID, len(list))
	for i, m := range list {
		ids[i] = m.ID
	}
	if err := s.Delete(t.Context(), ids[:40]...); err != nil {
		t.Fatal(err)
	}
	if err := s.SetAside(t.Context(), "test", ids[40:60]...); err != nil {
		t.Fatal(err)
	}
	messages = s.Stats().Messages
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	image, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return image, messages
}

// commitNow stores a message and does not wait.
func commitNow(t *testing.T, s *Store, m Meta, body []byte) *Pending {
	t.Helper()
	w, err := s.Begin(t.Context(), m)
	if err == nil {
		_, err = w.Write(body)
	}
	if err != nil {
		t.Fatal(err)
	}
	return w.Commit()
}

// TestDamagedPages damages one page at a time, in three ways. Whatever page it is,
// nothing panics, Check tells of it if it is in use, everything that can be read is
// exported, and the store goes on with the rest.
func TestDamagedPages(t *testing.T) {
	image, total := damagedFile(t)
	pages := len(image) / pageSize
	ways := map[string]func(page []byte){
		"zero":   func(p []byte) { clear(p) },
		"header": func(p []byte) { copy(p, bytes.Repeat([]byte{0xA5}, 16)) },
		"counts": func(p []byte) { p[10], p[11] = 0xff, 0xff },
	}
	opened := 0
	for name, damage := range ways {
		for n := 2; n < pages; n += 1 + pages/24 {
			path := filepath.Join(t.TempDir(), "ms.db")
			damagedImage := slices.Clone(image)
			damage(damagedImage[n*pageSize : (n+1)*pageSize])
			if err := os.WriteFile(path, damagedImage, 0o600); err != nil {
				t.Fatal(err)
			}
			if useDamaged(t, fmt.Sprint(name, " page ", n), path, total) {
				opened++
			}
			os.Remove(path) // there are many
		}
	}
	if opened < 40 { // the other pages are the roots of everything
		t.Errorf("only %d damaged files could be opened", opened)
	}
}

// useDamaged does to a damaged file what a server and its operator do. It reports
// whether it could be opened.
func useDamaged(t *testing.T, name, path string, total int) bool {
	s, err := Open(path, Options{})
	if err != nil {
		if !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: Open: %v", name, err)
		}
		return false
	}
	defer s.Close()
	s.db.NoSync = true // the disk's speed is not the matter
	unread := int(s.Stats().Unreadable)
	done, lost, err := readSelected(s)
	if err != nil {
		t.Errorf("%s: read: %v", name, err)
	}
	whole := slices.ContainsFunc(s.unread, func(err error) bool { return strings.Contains(err.Error(), "extent") }) // counts once
	if done+lost+unread < total-20 && !whole {                                                                      // 20 are set aside
		t.Errorf("%s: %d read, %d damaged, %d unreadable, of %d", name, done, lost, unread, total)
	}
	if lost+unread > 0 && s.Check(t.Context()) == nil {
		t.Errorf("%s: Check finds nothing, and %d are damaged, %d unreadable", name, lost, unread)
	}
	readAll(s)
	for range 3 {
		w, err := s.Begin(t.Context(), Meta{Recipient: "new", Sender: "alice"})
		if err == nil {
			_, _ = w.Write([]byte("new"))
			err = w.Commit().Wait(t.Context())
		}
		if err != nil && !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: a new message: %v", name, err)
		}
		if err == nil && len(s.Messages("new", "")) == 0 {
			t.Errorf("%s: a new message is not there", name)
		}
	}
	all := s.Recipients()
	for _, r := range all[:min(len(all), 5)] {
		list := s.Messages(r.Recipient, "")
		for _, m := range list[:min(len(list), 1)] {
			if err := s.Delete(t.Context(), m.ID); err != nil && !errors.Is(err, ErrDamaged) {
				t.Errorf("%s: Delete: %v", name, err)
			}
		}
	}
	return true
}

// readSelected reads all messages as an export does: done were read whole, lost are
// damaged, and err is any other error.
func readSelected(s *Store) (done, lost int, err error) {
	for ids := range slices.Chunk(s.Select(Filter{}), 256) {
		list, unread := s.Read(ids...)
		lost += len(unread)
		for _, m := range list {
			b, err := s.OpenBody(m.ID)
			if err == nil {
				_, err = io.Copy(io.Discard, b)
			}
			switch {
			case err == nil:
				done++
			case errors.Is(err, ErrDamaged):
				lost++
			case !errors.Is(err, ErrNotFound):
				return done, lost, err
			}
		}
	}
	return done, lost, nil
}

// readAll reads every body that can be read.
func readAll(s *Store) {
	for _, r := range s.Recipients() {
		for _, m := range s.Messages(r.Recipient, "") {
			if b, err := s.OpenBody(m.ID); err == nil {
				_, _ = io.Copy(io.Discard, b)
				b.Close()
			}
		}
	}
}

// TestDamagedBodyIsSetAside has a message whose body cannot be read leave the list
// of what is to be delivered, once somebody has tried.
func TestDamagedBodyIsSetAside(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ms.db")
	s := openStore(t, path)
	bad := bytes.Repeat([]byte("broken "), SegmentSize/7+100)
	put(t, s, Meta{Recipient: "bob", Sender: "alice"}, []byte("good"))
	put(t, s, Meta{Recipient: "bob", Sender: "alice"}, bad)
	put(t, s, Meta{Recipient: "bob", Sender: "alice"}, []byte("good"))
	s.Close()
	image, _ := os.ReadFile(path)
	last := 0 // where the last page begins; one with its overflow is many
	for page := range len(image) / pageSize {
		if binary.NativeEndian.Uint64(image[page*pageSize:]) == uint64(page) {
			last = page
		}
		if bytes.Contains(image[page*pageSize:(page+1)*pageSize], []byte("broken broken")) {
			clear(image[last*pageSize:][:16]) // of those that are free, too
		}
	}
	if err := os.WriteFile(path, image, 0o600); err != nil {
		t.Fatal(err)
	}
	s = openStore(t, path)
	id := s.Messages("bob", "")[1].ID
	b, err := s.OpenBody(id)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(b); !errors.Is(err, ErrDamaged) {
		t.Errorf("reading the body: %v", err)
	}
	for len(s.Aside("bob")) == 0 && t.Context().Err() == nil { // the committer is at it
		if err := s.Delete(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if list := s.Messages("bob", ""); len(list) != 2 {
		t.Errorf("%d messages are to be delivered", len(list))
	}
}

// TestShortFile has a file that was cut: Open says so, and what is left can be
// exported from a file that is opened to be read only.
func TestShortFile(t *testing.T) {
	image, _ := damagedFile(t)
	path := filepath.Join(t.TempDir(), "ms.db")
	m, err := boltfile.ReadMeta(bytes.NewReader(image))
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []int{90, 60, 30} {
		if err := os.WriteFile(path, image[:int(m.HighWater)*pageSize*part/100], 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(path, Options{}); !errors.Is(err, ErrDamaged) {
			t.Errorf("%d %%: Open: %v", part, err)
		}
		s, err := Open(path, Options{ReadOnly: true})
		if err != nil {
			if !errors.Is(err, ErrDamaged) {
				t.Errorf("%d %%: Open to read: %v", part, err)
			}
			continue
		}
		if _, _, err := readSelected(s); err != nil {
			t.Errorf("%d %%: read: %v", part, err)
		}
		if err := s.Check(t.Context()); err == nil {
			t.Errorf("%d %%: Check finds nothing", part)
		}
		s.Close()
	}
}

// failCommits has the next commit fail like a sync: after it, if late, or instead.
func failCommits(s *Store, late bool, times int) {
	_ = s.Delete(context.Background()) // what was submitted before is done
	s.commitTx = func(tx *bolt.Tx) error {
		if times--; times < 0 {
			return tx.Commit()
		}
		if late {
			if err := tx.Commit(); err != nil {
				return err
			}
		}
		return syscall.EIO
	}
}

// TestFailedSync has a sync fail once, when the commit is in the file already, and
// when it is not. Either way the answer is what is found when the file was opened
// anew, also after a restart.
func TestFailedSync(t *testing.T) {
	for _, late := range []bool{true, false} {
		path := filepath.Join(t.TempDir(), "ms.db")
		s := openStore(t, path)
		put(t, s, Meta{Recipient: "bob", Sender: "alice", MessageID: "1"}, []byte("before"))
		failCommits(s, late, 1)
		err := commitNow(t, s, Meta{Recipient: "bob", Sender: "alice", MessageID: "2"}, []byte("in doubt")).Wait(t.Context())
		if (err == nil) != late {
			t.Errorf("late %v: the message in doubt: %v", late, err)
		}
		put(t, s, Meta{Recipient: "bob", Sender: "alice", MessageID: "3"}, []byte("after"))
		want := 2
		if late {
			want = 3
		}
		for range 2 {
			if list := s.Messages("bob", ""); len(list) != want {
				t.Errorf("late %v: %d messages, want %d", late, len(list), want)
			}
			if err := s.Check(t.Context()); err != nil {
				t.Error(err)
			}
			s.Close()
			s = openStore(t, path)
		}
	}
}

// TestFailedSyncOfDelete has the sync of a delete fail.
func TestFailedSyncOfDelete(t *testing.T) {
	for _, late := range []bool{true, false} {
		s := newStore(t)
		put(t, s, Meta{Recipient: "bob", Sender: "alice"}, []byte("x"))
		failCommits(s, late, 1)
		err := s.Delete(t.Context(), s.Messages("bob", "")[0].ID)
		if gone := len(s.Messages("bob", "")) == 0; gone != late || (err == nil) != late {
			t.Errorf("late %v: gone %v, %v", late, gone, err)
		}
	}
}

// TestFailedSyncOfLongBody has a sync fail while a long body is written: what was
// written of it goes when the file is opened anew, the writer hears of it, and no
// bytes of it are counted any more.
func TestFailedSyncOfLongBody(t *testing.T) {
	s := newStore(t)
	w, err := s.Begin(t.Context(), Meta{Recipient: "bob", Sender: "alice"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(make([]byte, 3*SegmentSize)); err != nil {
		t.Fatal(err)
	}
	failCommits(s, true, 1)
	_ = s.Delete(t.Context()) // any commit
	if _, err := w.Write(make([]byte, 2*SegmentSize)); err == nil {
		err = w.Commit().Wait(t.Context())
		if err == nil {
			t.Error("a message is confirmed whose beginning is gone")
		}
	}
	w.Abort()
	if err := s.Delete(t.Context()); err != nil {
		t.Error(err)
	}
	if st := s.Stats(); st.Open != 0 || st.Messages != 0 {
		t.Errorf("%d bytes open, %d messages", st.Open, st.Messages)
	}
	put(t, s, Meta{Recipient: "bob", Sender: "alice"}, make([]byte, 3*SegmentSize))
	if err := s.Check(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestFailingDisk has every commit fail: the store takes nothing, says why, and
// what was in doubt is unknown when it closes.
func TestFailingDisk(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ms.db")
	s := openStore(t, path)
	put(t, s, Meta{Recipient: "bob", Sender: "alice"}, []byte("before"))
	failCommits(s, false, 1)
	if err := os.Rename(path, path+".away"); err != nil { // so that it cannot be opened anew
		t.Fatal(err)
	}
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	p := commitNow(t, s, Meta{Recipient: "bob", Sender: "alice"}, []byte("in doubt"))
	for s.Healthy() == nil {
		if _, err := s.Begin(t.Context(), Meta{Recipient: "bob", Sender: "alice"}); err != nil && !errors.Is(err, ErrFailing) {
			t.Fatal(err)
		}
	}
	if _, err := s.Begin(t.Context(), Meta{Recipient: "bob", Sender: "alice"}); !errors.Is(err, ErrFailing) {
		t.Errorf("Begin: %v", err)
	}
	s.Close()
	if err := p.Wait(t.Context()); !errors.Is(err, ErrUnknown) {
		t.Errorf("the message in doubt: %v", err)
	}
}

// TestHiddenBody has a body be missing that its message was not deleted with, as on a page
// whose counts are damaged: the message is damaged, not deleted, and is set aside.
func TestHiddenBody(t *testing.T) {
	s := openStore(t, filepath.Join(t.TempDir(), "ms.db"))
	p := commitNow(t, s, Meta{Recipient: "bob", Sender: "alice"}, []byte("Hello"))
	if err := p.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	id := p.ID()
	err := s.db.Update(func(tx *bolt.Tx) error {
		n, _ := extentOf(id)
		return tx.Bucket(dataBucket).Bucket(extentKey(n)).Delete(messageKey(id))
	})
	if err != nil {
		t.Fatal(err)
	}
	read := func() error {
		b, err := s.OpenBody(id)
		if err == nil {
			_, err = io.Copy(io.Discard, b)
		}
		return err
	}
	s.setUnderWay([]job{&removeJob{ids: []ID{id}}})
	if err := read(); !errors.Is(err, ErrNotFound) {
		t.Errorf("while it is being deleted: %v", err)
	}
	s.setUnderWay(nil)
	if err := read(); !errors.Is(err, ErrDamaged) {
		t.Fatalf("a body that is not there: %v", err)
	}
	for end := time.Now().Add(damagedWait); ; time.Sleep(time.Millisecond) {
		if _, aside := s.AsideOf(id); aside {
			return
		}
		if time.Now().After(end) {
			t.Fatal("it is not set aside")
		}
	}
}
