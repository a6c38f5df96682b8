package main

import (
	"bufio"
	"context"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gomscp/gomscp/interop/cluster"
)

// TestDemoLeavesNothing runs the demo in all the ways in which it can end, and
// looks for the processes that it has started and for its folder.
func TestDemoLeavesNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and runs the servers")
	}
	dir := t.TempDir()
	if _, err := cluster.Build(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("go", "build", "-o", dir, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	signalled := func(s syscall.Signal) func(*exec.Cmd, io.Closer) {
		return func(cmd *exec.Cmd, _ io.Closer) { _ = cmd.Process.Signal(s) }
	}
	for name, tc := range map[string]struct {
		keep  bool
		until string // is printed before it ends
		end   func(*exec.Cmd, io.Closer)
	}{
		"by itself":              {false, "Verified", func(*exec.Cmd, io.Closer) {}},
		"interrupted":            {false, "alice leaves", signalled(syscall.SIGINT)},
		"terminated":             {true, "Interrupt to end", signalled(syscall.SIGTERM)},
		"hung up":                {true, "Interrupt to end", signalled(syscall.SIGHUP)},
		"crashed":                {true, "Interrupt to end", signalled(syscall.SIGQUIT)}, // the runtime ends it as after a panic
		"killed":                 {true, "Interrupt to end", signalled(syscall.SIGKILL)},
		"killed early":           {true, "Starting", signalled(syscall.SIGKILL)},
		"unread while it prints": {false, "alice leaves", func(_ *exec.Cmd, out io.Closer) { out.Close() }},
		"unread while it waits":  {true, "Interrupt to end", func(_ *exec.Cmd, out io.Closer) { out.Close() }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if name == "hung up" && signal.Ignored(syscall.SIGHUP) {
				t.Skip("SIGHUP is ignored here, as under nohup, and so by the demo")
			}
			demoEnds(t, dir, tc.keep, tc.until, tc.end)
		})
	}
}

// demoEnds runs one demo up to a line that it prints, ends it, and looks at what is
// left.
func demoEnds(t *testing.T, bin string, keep bool, until string, end func(*exec.Cmd, io.Closer)) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	tmp := t.TempDir()
	cmd := exec.CommandContext(ctx, filepath.Join(bin, "mscp-interop"), "demo", "-keep="+strconv.FormatBool(keep))
	cmd.Dir, cmd.Env = tmp, append(os.Environ(), "TMPDIR="+tmp, "GOTRACEBACK=none")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	seen, text := false, ""
	lines := bufio.NewScanner(out)
	for !seen && lines.Scan() {
		text += lines.Text() + "\n"
		seen = strings.Contains(lines.Text(), until)
	}
	if !seen {
		t.Fatalf("%q is not printed:\n%s", until, text)
	}
	if left := using(t, tmp); len(left) < 2 && until != "Verified" { // then it is ending
		t.Errorf("only %v run", left)
	}
	go end(cmd, out)
	for lines.Scan() { // else it would wait for us
	}
	_ = cmd.Wait() // the status depends on how it ends
	for {
		files, err := os.ReadDir(tmp)
		if err != nil {
			t.Fatal(err)
		}
		left := using(t, tmp)
		if len(files)+len(left) == 0 {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("left are the processes %v and the files %v", left, files)
		case <-time.After(20 * time.Millisecond): // the end of another's process is no event here
		}
	}
}

// using are the processes whose environment names the folder.
func using(t *testing.T, tmp string) (left []string) {
	t.Helper()
	procs, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range procs {
		env, err := os.ReadFile(path)
		if err == nil && strings.Contains("\x00"+string(env), "\x00TMPDIR="+tmp+"\x00") {
			left = append(left, filepath.Base(filepath.Dir(path)))
		}
	}
	return left
}
