package cluster

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

const childRole = "GOMSCP_CLUSTER_CHILD"

// TestTimeoutEndsChildren has a test run into its time limit while a process of its
// is running: no cleanup is called then, and the process must end all the same.
func TestTimeoutEndsChildren(t *testing.T) {
	if os.Getenv(childRole) != "" {
		cmd := exec.Command("sleep", "1000")
		Own(cmd)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		fmt.Println("child", cmd.Process.Pid)
		select {} // until the time is over
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestTimeoutEndsChildren$", "-test.timeout=300ms")
	cmd.Env = append(os.Environ(), childRole+"=1")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	pid := 0
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if s, ok := strings.CutPrefix(lines.Text(), "child "); ok {
			pid, _ = strconv.Atoi(s)
		}
	}
	if err := cmd.Wait(); err == nil || pid == 0 || !strings.Contains(stderr.String(), "test timed out") {
		t.Fatalf("the test ended with %v, child %d: %s", err, pid, stderr.String())
	}
	for end := time.Now().Add(10 * time.Second); running(pid); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			_ = syscall.Kill(pid, syscall.SIGKILL)
			t.Fatal("the child is still running")
		}
	}
}

// running reports whether the process runs: one that has ended and that nobody has
// waited for does not.
func running(pid int) bool {
	if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
		return false
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(rest, "Z")
}
