package e2e

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gomscp/gomscp/interop/cluster"
)

var faultClocks = flag.Bool("faults.clocks", false, "have the clocks of the servers set in TestFaults, too")

// clockDir names, to the servers of [withClocks], the directory in which a file with the
// number of a process has by how many seconds its clock is ahead.
const clockDir = "GOMSCP_TEST_CLOCKS"

// clockSource is added to package time of the servers: it looks at the file every 20 ms.
// The monotonic time goes on as it does when somebody sets a machine's clock.
const clockSource = `package time

import (
	"sync/atomic"
	"syscall"
)

var clockAhead atomic.Int64 // seconds; Now also runs where no system call may be made

func init() {
	dir, _ := syscall.Getenv("` + clockDir + `")
	go followClock(string(appendInt([]byte(dir+"/"), syscall.Getpid(), 0)))
}

func followClock(file string) {
	for ; ; Sleep(20 * Millisecond) {
		f, err := open(file)
		if err != nil {
			continue
		}
		var text [24]byte
		if n, err := read(f, text[:]); err == nil {
			if ahead, err := atoi(text[:n]); err == nil {
				clockAhead.Store(int64(ahead))
			}
		}
		closefd(f)
	}
}
`

// withClocks builds servers whose clocks [env.setClock] can set: with a package time that
// adds an offset to what the system's clock says.
func withClocks(t *testing.T) (cluster.Binaries, string) {
	t.Helper()
	root, err := exec.CommandContext(t.Context(), "go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	const now = "sec, nsec, mono := runtimeNow()\n"
	original := filepath.Join(strings.TrimSpace(string(root)), "src", "time", "time.go")
	source, err := os.ReadFile(original)
	if err != nil || strings.Count(string(source), now) != 1 {
		t.Fatalf("this version of Go reads its clock in another way than the test knows: %v", err)
	}
	dir := t.TempDir()
	replace := map[string]string{
		original: filepath.Join(dir, "time.go"),
		filepath.Join(filepath.Dir(original), "setclock.go"): filepath.Join(dir, "setclock.go"),
	}
	list, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"time.go":      strings.Replace(string(source), now, now+"\tsec += clockAhead.Load()\n", 1),
		"setclock.go":  clockSource,
		"overlay.json": string(list),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	built, err := cluster.Build(t.Context(), dir, "-overlay", filepath.Join(dir, "overlay.json"))
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv(clockDir, dir)
	return built, dir
}

// setClock sets the clock of a process, from what the system's says.
func setClock(t *testing.T, dir string, p *cluster.Process, ahead time.Duration) {
	t.Helper()
	file := filepath.Join(dir, strconv.Itoa(p.Pid()))
	err := os.WriteFile(file+".new", fmt.Append(nil, int64(ahead/time.Second)), 0o600)
	if err == nil {
		err = os.Rename(file+".new", file)
	}
	if err != nil {
		t.Error(err)
	}
}

// TestClockIsSet holds that the clock of a server can be set at all.
func TestClockIsSet(t *testing.T) {
	if !*faultClocks {
		t.Skip("-faults.clocks has the servers built anew for it")
	}
	servers, clocks := withClocks(t)
	e := newEnv(t, envOptions{binaries: servers})
	year := 400 * 24 * time.Hour
	setClock(t, clocks, e.cluster.MS[0], year)
	e.eventually("a log of another year", func() bool {
		e.leave(alice, bob, "hello")
		return strings.Contains(e.cluster.MS[0].LogTail(1), "time="+time.Now().UTC().Add(year).Format("2006-01-02"))
	})
}

// clockSteps are by how much clocks are set, ahead or back: by a leap second, summer time,
// and days that nobody had set it.
var clockSteps = []time.Duration{time.Second, time.Minute, time.Hour, 25 * time.Hour, 400 * 24 * time.Hour}

// setClock sets the clock of one of the servers, or of all.
func (f *faults) setClock(list ...*cluster.Process) {
	ahead := clockSteps[f.rnd.IntN(len(clockSteps))]
	if f.rnd.IntN(2) == 0 {
		ahead = -ahead
	}
	f.did("clock set")
	for _, p := range list {
		setClock(f.t, f.clocks, p, ahead)
	}
}
