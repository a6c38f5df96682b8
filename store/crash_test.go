package store

import (
	"bufio"
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

var crashTime = flag.Duration("crash", 3*time.Second, "how long TestCrash kills and reopens")

// crashChild names the file that the child process writes to, crashNext the
// number of each writer's next message.
const (
	crashChild = "GOMSCP_STORE_CRASH_CHILD"
	crashNext  = "GOMSCP_STORE_CRASH_NEXT"
)

const crashWriters = 8

// startTimeout is how long the child may take to begin, on a machine that is busy.
const startTimeout = 30 * time.Second

// TestMain turns the test binary into the child of TestCrash or TestFullDisk.
func TestMain(m *testing.M) {
	if path := os.Getenv(crashChild); path != "" {
		crashWrite(path)
		return
	}
	if path := os.Getenv(fullChild); path != "" {
		fullWrite(path)
		return
	}
	os.Exit(m.Run())
}

// A crashWriter works on one sender's messages until the process is killed, and
// says of each job when it begins and when it is confirmed.
type crashWriter struct {
	s      *Store
	mu     *sync.Mutex // of standard output
	number int
	sender string
	ids    map[int]ID // messages stored by this process
}

func crashWrite(path string) {
	s, err := Open(path, Options{})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	var mu sync.Mutex
	var wg sync.WaitGroup
	next := strings.Fields(os.Getenv(crashNext))
	for i := range crashWriters {
		w := &crashWriter{s: s, mu: &mu, number: i, sender: crashSender(i), ids: map[int]ID{}}
		n := 0
		_, _ = fmt.Sscan(next[i], &n)
		wg.Go(func() {
			for ; ; n++ {
				w.step(n)
			}
		})
	}
	wg.Wait()
}

func crashSender(i int) string { return fmt.Sprint("s", i) }

// step stores a message, and does something to an older one.
func (w *crashWriter) step(n int) {
	ctx := context.Background()
	w.job("store", n, func() error { return w.store(n, false) })
	switch n % 6 {
	case 1: // the sender repeats itself
		w.job("repeat", n, func() error { return w.store(n, true) })
	case 2:
		w.older("aside", n-4, func(id ID) error { return w.s.SetAside(ctx, "crash", id) })
	case 3:
		if n%12 == 3 { // what was set aside the last time
			w.older("restore", n-5, func(id ID) error { return w.s.Restore(ctx, id) })
		}
	case 4:
		w.older("delete", n-3, func(id ID) error { return w.s.Delete(ctx, id) })
	case 5:
		if n%5 == 0 {
			w.job("expire", n-20, func() error {
				_, err := w.s.Expire(ctx, time.Unix(int64(n-20), 0))
				return err
			})
		}
	}
}

// job does something, with a line before and one after.
func (w *crashWriter) job(what string, n int, do func() error) {
	w.say("?", what, n)
	if err := do(); err != nil {
		fmt.Fprintln(os.Stderr, what, n, err)
		os.Exit(1)
	}
	w.say("!", what, n)
}

func (w *crashWriter) older(what string, n int, do func(ID) error) {
	if id, ok := w.ids[n]; ok {
		w.job(what, n, func() error { return do(id) })
	}
}

func (w *crashWriter) say(mark, what string, n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	fmt.Println(mark, w.number, what, n)
}

func (w *crashWriter) store(n int, again bool) error {
	ctx := context.Background()
	b, err := w.s.Begin(ctx, Meta{
		Recipient: "bob", Sender: w.sender, MessageID: fmt.Sprint(n),
		Received: time.Unix(rand.Int64N(2e9), 0), // a clock that is set to and fro
		Expires:  crashExpires(n),
	})
	if err != nil {
		return err
	}
	if _, err := b.Write(crashBody(w.number, n)); err != nil {
		return err
	}
	p := b.Commit()
	if err := p.Wait(ctx); err != nil {
		return err
	}
	// A message that is repeated may have expired in between.
	if p.Duplicate() && !again || again && !p.Duplicate() && crashExpires(n).IsZero() {
		return fmt.Errorf("duplicate: %t, repeated: %t", p.Duplicate(), again)
	}
	w.ids[n] = p.ID()
	delete(w.ids, n-100)
	return nil
}

// crashExpires is when a message may go: some have such a time.
func crashExpires(n int) time.Time {
	if n%4 == 0 {
		return time.Unix(int64(n)+1, 0)
	}
	return time.Time{}
}

// crashBody is made from its name, so that it can be checked without keeping
// it; some take several segments.
func crashBody(writer, n int) []byte {
	size := (n * 7919) % 3000
	if n%10 == 3 {
		size += 2 * SegmentSize
	}
	return bytes.Repeat([]byte{byte(writer), byte(n), byte(n >> 8), '.'}, size/4+1)
}

// A ledger is what the parent knows of one writer's messages.
type ledger struct {
	next    int
	stored  map[int]bool
	aside   map[int]bool
	deleted map[int]bool // or expired
	unsure  map[int]bool // a job with it was begun and not confirmed
}

type ledgers struct {
	t       *testing.T
	of      [crashWriters]ledger
	expired int                    // the latest time that an Expire was begun with
	due     [crashWriters][][2]int // what an Expire that is begun must delete: writer and message
	jobs    map[string]int         // confirmed
}

func newLedgers(t *testing.T) *ledgers {
	l := &ledgers{t: t, jobs: map[string]int{}, expired: -1}
	for i := range l.of {
		l.of[i] = ledger{stored: map[int]bool{}, aside: map[int]bool{}, deleted: map[int]bool{}, unsure: map[int]bool{}}
	}
	return l
}

// read takes in a line of the child.
func (l *ledgers) read(line string) {
	var mark, what string
	var i, n int
	if _, err := fmt.Sscan(line, &mark, &i, &what, &n); err != nil {
		l.t.Fatalf("line %q: %v", line, err)
	}
	w := &l.of[i]
	if what == "expire" {
		l.expire(mark, i, n)
		return
	}
	if mark == "?" {
		w.next = max(w.next, n+1)
		w.unsure[n] = true
		return
	}
	delete(w.unsure, n)
	l.jobs[what]++
	switch what {
	case "store":
		w.stored[n] = true
	case "delete":
		w.deleted[n] = true
	case "aside":
		w.aside[n] = true
	case "restore":
		delete(w.aside, n)
	}
}

func (l *ledgers) expire(mark string, i, at int) {
	if mark == "!" {
		l.jobs["expire"]++
		for _, x := range l.due[i] {
			l.of[x[0]].deleted[x[1]] = true
		}
		l.due[i] = nil
		return
	}
	l.expired = max(l.expired, at)
	l.due[i] = nil
	for k := range l.of {
		for n := range l.of[k].stored {
			if e := crashExpires(n); !e.IsZero() && e.Unix() <= int64(at) && !l.of[k].unsure[n] {
				l.due[i] = append(l.due[i], [2]int{k, n})
			}
		}
	}
}

// mayBeGone says whether a message that was stored need not be there.
func (l *ledgers) mayBeGone(i, n int) bool {
	e := crashExpires(n)
	return l.of[i].deleted[n] || l.of[i].unsure[n] || !e.IsZero() && e.Unix() <= int64(l.expired)
}

// check compares a writer's messages with the ledger.
func (l *ledgers) check(s *Store, i int) {
	w, t := &l.of[i], l.t
	seen := map[int]bool{}
	look := func(m MessageInfo, aside bool) {
		n := 0
		_, _ = fmt.Sscan(m.MessageID, &n)
		if seen[n] {
			t.Fatalf("writer %d: message %d is there twice", i, n)
		}
		seen[n] = true
		if w.deleted[n] && !w.unsure[n] {
			t.Fatalf("writer %d: message %d is there, but was deleted", i, n)
		}
		if w.aside[n] != aside && !w.unsure[n] {
			t.Fatalf("writer %d: message %d: aside %t, want %t", i, n, aside, w.aside[n])
		}
		w.aside[n] = aside // now it is known
		if n > w.next-20 && !bytes.Equal(bodyOf(t, s, m.ID), crashBody(i, n)) {
			t.Fatalf("writer %d: message %d has other bytes", i, n)
		}
	}
	last := -1
	for _, m := range s.Messages("bob", crashSender(i)) {
		n := 0
		_, _ = fmt.Sscan(m.MessageID, &n)
		if n <= last {
			t.Fatalf("writer %d: message %d behind %d", i, n, last)
		}
		last = n
		look(m, false)
	}
	for _, m := range s.Aside("bob") {
		if m.Sender == crashSender(i) {
			look(m.MessageInfo, true)
		}
	}
	for n := range w.stored {
		if !seen[n] && !l.mayBeGone(i, n) {
			t.Fatalf("writer %d: message %d was confirmed and is not there", i, n)
		}
		if !seen[n] {
			delete(w.stored, n)
		}
	}
	for n := range seen {
		w.stored[n] = true // also one whose confirmation was cut off
	}
	clear(w.unsure)
}

// TestCrash kills a writing process at random moments and checks each time that
// everything it has confirmed is so: what was stored is there once, whole and in
// order, what was deleted or has expired is not, what was set aside is aside.
func TestCrash(t *testing.T) {
	path := filepath.Join(t.TempDir(), "crash.db")
	l := newLedgers(t)
	kills := 0
	for end := time.Now().Add(*crashTime); time.Now().Before(end); kills++ {
		l.runAndKill(path, time.Duration(50+rand.IntN(250))*time.Millisecond, kills%4 == 1)
		s := openStore(t, path)
		for i := range crashWriters {
			l.check(s, i)
		}
		if err := s.Check(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.Close()
	}
	t.Logf("%d kills, confirmed: %v", kills, l.jobs)
	if l.jobs["store"] == 0 {
		t.Error("nothing was ever confirmed: the test shows nothing")
	}
}

// runAndKill has the child work on the file, and kills it after a while. That runs from
// the child's first word, so that a busy machine does not have it
// killed before it works each time, or else from its start.
func (l *ledgers) runAndKill(path string, after time.Duration, early bool) {
	t := l.t
	t.Helper()
	var next []string
	for i := range l.of {
		next = append(next, fmt.Sprint(l.of[i].next))
		l.due[i] = nil
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), crashChild+"="+path, crashNext+"="+strings.Join(next, " "))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(startTimeout, func() { _ = cmd.Process.Kill() })
	defer timer.Stop()
	kill := sync.OnceFunc(func() { timer.Reset(after) })
	if early {
		kill()
	}
	r := bufio.NewReader(out)
	for {
		line, err := r.ReadString('\n')
		if err != nil { // a line that is cut off counts for nothing
			if err != io.EOF {
				t.Error(err)
			}
			break
		}
		kill()
		l.read(strings.TrimSpace(line))
	}
	if err := cmd.Wait(); err == nil || !strings.Contains(err.Error(), "killed") {
		t.Fatalf("the child was not killed: %v", err)
	}
}
