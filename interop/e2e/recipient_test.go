package e2e

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestRecipientKilled kills the recipient's program again and again while it
// receives and writes messages to files. Each message is in a file in the end,
// with all its bytes.
func TestRecipientKilled(t *testing.T) {
	t.Parallel()
	e := newEnv(t, envOptions{})
	const count, kills = 200, 3
	want := map[string]bool{}
	var texts []string
	for i := range count {
		text := fmt.Sprintf("%d %s", i, strings.Repeat(fmt.Sprintf("message %d. ", i), i*20))
		texts = append(texts, text)
		want[text] = true
	}
	e.leave(alice, bob, texts...)

	program := filepath.Join(t.TempDir(), "mscp-interop")
	if out, err := exec.CommandContext(e.ctx, "go", "build", "-o", program, "github.com/gomscp/gomscp/interop/cmd/mscp-interop").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	dir := t.TempDir()
	for i := range kills {
		stop := e.startReceiver(program, dir)
		least := (i + 1) * count / (kills + 2)
		e.eventually(fmt.Sprintf("%d messages have come", least), func() bool { return len(e.files(dir)) >= least })
		stop()
		if n := len(e.files(dir)); n == count {
			t.Logf("all came before the recipient was killed for the time %d", i+1)
		}
	}
	defer e.startReceiver(program, dir)()
	e.drain()
	for _, name := range e.files(dir) {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, ours := want[string(b)]; !ours {
			t.Errorf("%s is no message that was left: %s", name, short(string(b)))
		}
		want[string(b)] = false
	}
	for text, missing := range want {
		if missing {
			t.Errorf("message %s did not come", short(text))
		}
	}
}

// startReceiver runs mscp-interop receive for bob, and returns what kills it.
func (e *env) startReceiver(program, dir string) (kill func()) {
	e.t.Helper()
	ctx, cancel := context.WithCancel(e.ctx)
	cmd := exec.CommandContext(ctx, program, "receive", "--user", bob, "--password", users["bob"], "--registrar", e.proxy+e.params,
		"--dir", dir, "--expires", (2 * time.Second).String())
	if err := cmd.Start(); err != nil {
		e.t.Fatal(err)
	}
	return func() {
		cancel() // which is SIGKILL
		_ = cmd.Wait()
	}
}

// files are the messages that are complete in the folder.
func (e *env) files(dir string) []string {
	names, err := filepath.Glob(filepath.Join(dir, "[^.]*"))
	if err != nil {
		e.t.Fatal(err)
	}
	return names
}
