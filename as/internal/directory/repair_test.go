package directory

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"
)

// TestDamagedDirectory clears one page of the directory at a time, and cuts the
// file short: it opens all the same, keeps what can be read, takes changes, and
// leaves the damaged file beside it.
func TestDamagedDirectory(t *testing.T) {
	const entries = 400
	path := filepath.Join(t.TempDir(), "as.db")
	d, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	var list []Pair
	for n := range entries {
		list = append(list, Pair{Recipient: fmt.Sprint("sip:r", n, "@example.com"), Sender: "sip:alice@example.com", Server: "ms1", Since: time.Unix(int64(n), 0)})
	}
	if _, err := d.AddAll(list); err != nil {
		t.Fatal(err)
	}
	used := map[int]bool{}
	_ = d.db.View(func(tx *bolt.Tx) error {
		for n := 2; ; n++ {
			p, err := tx.Page(n)
			if err != nil || p == nil {
				return err
			}
			used[n] = p.Type == "leaf" || p.Type == "branch"
		}
	})
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	image, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	size := os.Getpagesize()
	for n, live := range used {
		if !live {
			continue
		}
		damaged := append([]byte(nil), image...)
		clear(damaged[n*size : (n+1)*size])
		openDamaged(t, fmt.Sprint("page ", n), damaged, true)
	}
	openDamaged(t, "cut", image[:len(image)/4/size*size], true)
	openDamaged(t, "sound", image, false)
}

func openDamaged(t *testing.T, name string, image []byte, damaged bool) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "as.db")
	if err := os.WriteFile(path, image, 0o600); err != nil {
		t.Fatal(err)
	}
	d, err := Open(path)
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return
	}
	defer d.Close()
	saved := d.Salvaged()
	if (saved != nil) != damaged {
		t.Errorf("%s: salvaged: %+v", name, saved)
	}
	if saved != nil {
		if _, err := os.Stat(saved.Path); err != nil {
			t.Errorf("%s: the damaged file: %v", name, err)
		}
	}
	found := 0
	err = d.Each(func(Pair) error { found++; return nil })
	if want := 400; err != nil || saved == nil && found != want || saved != nil && found != saved.Entries {
		t.Errorf("%s: %d entries: %v", name, found, err)
	}
	p := Pair{Recipient: "sip:new@example.com", Sender: "sip:alice@example.com", Server: "ms1", Since: time.Unix(1, 0)}
	if err := errors.Join(d.Add(p), d.Remove(p)); err != nil {
		t.Errorf("%s: %v", name, err)
	}
}
