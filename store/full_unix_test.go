//go:build unix

package store

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// fullChild names the file that the child of TestFullDisk writes to.
const fullChild = "GOMSCP_STORE_FULL_CHILD"

// fullWrite stores until the system lets the file grow no more, then has room
// again. It checks what must hold at each point.
func fullWrite(path string) {
	if err := fillUp(path); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("good")
}

func fillUp(path string) error {
	signal.Ignore(syscall.SIGXFSZ)
	s, err := Open(path, Options{})
	if err != nil {
		return err
	}
	s.db.NoSync = true // the disk's speed is not the matter
	limit := syscall.Rlimit{}
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	unlimited := limit.Cur
	limit.Cur = 48 << 20
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	kept, failed := map[ID]int{}, 0
	for n := 0; failed < 40; n++ {
		if id, err := fullPut(s, n); err == nil {
			kept[id] = n
		} else if failed++; failed == 20 { // making room may fail as well, but must not break anything
			for id := range kept {
				if s.Delete(context.Background(), id) == nil {
					delete(kept, id)
				}
				break
			}
		}
	}
	if len(kept) == 0 {
		return fmt.Errorf("nothing was kept")
	}
	if st := s.Stats(); st.Failed == 0 || st.Messages != len(kept) {
		return fmt.Errorf("full: %d kept, stats %+v", len(kept), st)
	}
	limit.Cur = unlimited
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	for n := range 10 {
		id, err := fullPut(s, n)
		if err != nil {
			return fmt.Errorf("with room again: %w", err)
		}
		kept[id] = n
	}
	for range 200 { // what failed messages left goes with later commits
		if err := s.Delete(context.Background()); err != nil {
			return err
		}
	}
	if st := s.Stats(); st.Open != 0 {
		return fmt.Errorf("%d bytes of failed messages are left", st.Open)
	}
	s.db.NoSync = false
	for range 2 {
		if err := fullCheck(s, kept); err != nil {
			return err
		}
		if err := s.Close(); err != nil {
			return err
		}
		if s, err = Open(path, Options{}); err != nil {
			return err
		}
	}
	return s.Close()
}

// fullPut stores a message; every third is of several segments.
func fullPut(s *Store, n int) (ID, error) {
	w, err := s.Begin(context.Background(), Meta{Recipient: "bob", Sender: "alice"})
	if err != nil {
		return 0, err
	}
	if _, err := w.Write(crashBody(1, n)); err != nil {
		w.Abort()
		return 0, err
	}
	if n%3 == 0 {
		if _, err := w.Write(make([]byte, 3*SegmentSize)); err != nil {
			w.Abort()
			return 0, err
		}
	}
	p := w.Commit()
	err = p.Wait(context.Background())
	return p.ID(), err
}

func fullCheck(s *Store, kept map[ID]int) error {
	if err := s.Check(context.Background()); err != nil {
		return err
	}
	list := s.Messages("bob", "alice")
	if len(list) != len(kept) {
		return fmt.Errorf("%d messages, want %d", len(list), len(kept))
	}
	for _, m := range list {
		if _, ok := kept[m.ID]; !ok {
			return fmt.Errorf("message %d is there, but was refused", m.ID)
		}
	}
	return nil
}

// TestFullDisk has the file reach the size that the system allows, as on a full
// disk: what was confirmed stays, what was not is not there, and the store goes
// on when there is room again.
func TestFullDisk(t *testing.T) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), fullChild+"="+filepath.Join(t.TempDir(), "full.db"))
	out, err := cmd.CombinedOutput()
	if err != nil || strings.TrimSpace(string(out)) != "good" {
		t.Errorf("%v: %s", err, out)
	}
}
