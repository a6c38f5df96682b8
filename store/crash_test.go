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

// crashChild names the file that the child process writes to.
const crashChild = "GOMSCP_STORE_CRASH_CHILD"

const crashWriters = 8

// TestMain turns the test binary into the child of TestCrash.
func TestMain(m *testing.M) {
	if path := os.Getenv(crashChild); path != "" {
		crashWrite(path)
		return
	}
	os.Exit(m.Run())
}

// crashWrite stores messages until it is killed, and says of each, once it is
// confirmed, who wrote it and which it was.
func crashWrite(path string) {
	s, err := Open(path, Options{})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for i := range crashWriters {
		wg.Go(func() {
			sender := fmt.Sprint("s", i)
			next := 0
			if have := s.Messages("bob", sender); len(have) > 0 {
				_, _ = fmt.Sscan(have[len(have)-1].MessageID, &next)
				next++
			}
			for ; ; next++ {
				ctx := context.Background()
				w, _ := s.Begin(ctx, Meta{Recipient: "bob", Sender: sender, MessageID: fmt.Sprint(next)})
				_, err := w.Write(crashBody(i, next))
				if err == nil {
					err = w.Commit().Wait(ctx)
				}
				if err != nil {
					fmt.Fprintln(os.Stderr, err)
					os.Exit(1)
				}
				mu.Lock()
				fmt.Println(sender, next)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
}

// crashBody is made from its name, so that it can be checked without keeping
// it; some span several segments.
func crashBody(writer, n int) []byte {
	size := (n * 7919) % 3000
	if n%10 == 3 {
		size += 2 * SegmentSize
	}
	return bytes.Repeat([]byte{byte(writer), byte(n), byte(n >> 8), '.'}, size/4+1)
}

// TestCrash kills a writing process at random moments and checks each time that
// everything it has confirmed is there, whole and in order.
func TestCrash(t *testing.T) {
	path := filepath.Join(t.TempDir(), "crash.db")
	confirmed := map[string]int{} // the last one, by sender
	kills := 0
	for end := time.Now().Add(*crashTime); time.Now().Before(end); kills++ {
		runAndKill(t, path, time.Duration(50+rand.IntN(250))*time.Millisecond, confirmed)
		checkLedger(t, path, confirmed)
	}
	total := 0
	for _, n := range confirmed {
		total += n + 1
	}
	t.Logf("%d kills, %d messages confirmed", kills, total)
	if total == 0 {
		t.Error("nothing was ever confirmed: the test shows nothing")
	}
}

func runAndKill(t *testing.T, path string, after time.Duration, confirmed map[string]int) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), crashChild+"="+path)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(after, func() { _ = cmd.Process.Kill() })
	defer timer.Stop()
	r := bufio.NewReader(out)
	for {
		line, err := r.ReadString('\n')
		if err != nil { // a line that is cut off counts for nothing
			if err != io.EOF {
				t.Error(err)
			}
			break
		}
		var sender string
		var n int
		if _, err := fmt.Sscan(strings.TrimSpace(line), &sender, &n); err != nil {
			t.Fatalf("line %q: %v", line, err)
		}
		confirmed[sender] = n
	}
	if err := cmd.Wait(); err == nil || !strings.Contains(err.Error(), "killed") {
		t.Fatalf("the child was not killed: %v", err)
	}
}

func checkLedger(t *testing.T, path string, confirmed map[string]int) {
	t.Helper()
	s, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for i := range crashWriters {
		sender := fmt.Sprint("s", i)
		list := s.Messages("bob", sender)
		if last, any := confirmed[sender]; any && len(list) <= last {
			t.Fatalf("%s: %d messages are there, %d were confirmed", sender, len(list), last+1)
		}
		for n, m := range list {
			if m.MessageID != fmt.Sprint(n) {
				t.Fatalf("%s: message %s in place %d", sender, m.MessageID, n)
			}
			if n >= confirmed[sender]-3 && !bytes.Equal(bodyOf(t, s, m.ID), crashBody(i, n)) {
				t.Fatalf("%s: message %d has other bytes", sender, n)
			}
		}
	}
}
