package directory

import (
	"bufio"
	"errors"
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

var crashTime = flag.Duration("crash", 2*time.Second, "how long TestDirectoryCrash kills and reopens")

const (
	crashChild   = "GOMSCP_AS_CRASH_CHILD" // names the child's directory file
	crashWorkers = 8
	crashKeys    = 20 // of each worker
	crashBatch   = 5  // of one AddAll

	startTimeout = 30 * time.Second // of the child, on a machine that is busy
)

// TestMain turns the test binary into the child of TestDirectoryCrash.
func TestMain(m *testing.M) {
	if path := os.Getenv(crashChild); path != "" {
		crashWrite(path)
		return
	}
	os.Exit(m.Run())
}

func crashPair(worker, key int) Pair {
	return Pair{Recipient: fmt.Sprintf("sip:r%d@example.com", key), Sender: fmt.Sprintf("sip:s%d@example.com", worker), Server: "ms1", Since: time.Unix(int64(key), 0)}
}

// crashWrite changes the directory until the process is killed. Of each change
// it says when it begins, with "?", and when it is done, with "!".
func crashWrite(path string) {
	d, err := Open(path)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	var mu sync.Mutex
	say := func(mark, what string, worker int, keys []int) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Println(mark, what, worker, strings.Trim(fmt.Sprint(keys), "[]"))
	}
	var wg sync.WaitGroup
	for w := range crashWorkers {
		wg.Go(func() {
			for {
				keys := []int{rand.IntN(crashKeys)}
				what := []string{"add", "remove", "all"}[rand.IntN(3)]
				if what == "all" {
					keys = rand.Perm(crashKeys)[:crashBatch]
				}
				say("?", what, w, keys)
				var err error
				switch p := crashPair(w, keys[0]); what {
				case "add":
					err = d.Add(p)
				case "remove":
					err = d.Remove(p)
				case "all":
					var list []Pair
					for _, k := range keys {
						list = append(list, crashPair(w, k))
					}
					_, err = d.AddAll(list)
				}
				if err != nil {
					fmt.Fprintln(os.Stderr, what, keys, err)
					os.Exit(1)
				}
				say("!", what, w, keys)
			}
		})
	}
	wg.Wait()
}

// crashLedger is what must be in the directory, by worker and key, and what was
// under way in each worker when the process was killed.
type crashLedger struct {
	there    [crashWorkers][crashKeys]bool
	underWay [crashWorkers]struct {
		what string
		keys []int
	}
	done int
}

// read takes in what the child says, and calls works when it has begun to work.
func (l *crashLedger) read(out io.Reader, works func()) error {
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		works()
		f := strings.Fields(lines.Text())
		if len(f) < 4 {
			return fmt.Errorf("the child said %q", lines.Text())
		}
		worker := 0
		_, _ = fmt.Sscan(f[2], &worker)
		u := &l.underWay[worker]
		u.what, u.keys = f[1], nil
		for _, s := range f[3:] {
			k := 0
			_, _ = fmt.Sscan(s, &k)
			u.keys = append(u.keys, k)
		}
		if f[0] == "!" {
			for _, k := range u.keys {
				l.there[worker][k] = u.what != "remove"
			}
			u.what, u.keys = "", nil
			l.done++
		}
	}
	return nil
}

// check compares the file with the ledger. A change that was under way is there
// or not, and one of several pairs is there whole or not at all.
func (l *crashLedger) check(t *testing.T, path string) {
	t.Helper()
	d, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	var found [crashWorkers][crashKeys]bool
	if err := d.Each(func(p Pair) error {
		w, k := 0, 0
		_, _ = fmt.Sscanf(p.Sender, "sip:s%d@", &w)
		_, _ = fmt.Sscanf(p.Recipient, "sip:r%d@", &k)
		if want := crashPair(w, k); p.Server != want.Server || !p.Since.Equal(want.Since) {
			return fmt.Errorf("entry %+v, want %+v", p, want)
		}
		found[w][k] = true
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for w := range crashWorkers {
		u := l.underWay[w]
		after := l.there[w]
		for _, k := range u.keys {
			after[k] = u.what != "remove"
		}
		if found[w] != l.there[w] && found[w] != after {
			t.Fatalf("worker %d: the file has %v, want %v, or that after %s of %v", w, found[w], l.there[w], u.what, u.keys)
		}
		l.there[w] = found[w]
		l.underWay[w].what, l.underWay[w].keys = "", nil
	}
}

// TestDirectoryCrash kills a process in the middle of its changes, again and
// again, and checks each time that what it was told to be done is on disk.
func TestDirectoryCrash(t *testing.T) {
	path := filepath.Join(t.TempDir(), "as.db")
	l := &crashLedger{}
	kills := 0
	for end := time.Now().Add(*crashTime); time.Now().Before(end); kills++ {
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
		killer := time.AfterFunc(startTimeout, func() { _ = cmd.Process.Kill() })
		kill := sync.OnceFunc(func() { killer.Reset(time.Duration(20+rand.IntN(200)) * time.Millisecond) })
		if kills%4 == 1 {
			kill() // perhaps before it has opened the file
		}
		err = l.read(out, kill)
		killer.Stop()
		var exit *exec.ExitError
		if werr := cmd.Wait(); err != nil || !errors.As(werr, &exit) || exit.Exited() {
			t.Fatalf("the child ended by itself: %v, %v", werr, err)
		}
		l.check(t, path)
	}
	t.Logf("%d kills, %d changes confirmed", kills, l.done)
	if kills == 0 || l.done == 0 {
		t.Error("the test shows nothing")
	}
}
