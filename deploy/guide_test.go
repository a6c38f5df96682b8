package deploy

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gomscp/gomscp/interop/cluster"
	"github.com/gomscp/gomscp/interop/kamailio"
)

var update = flag.Bool("update", false, "write kamailio.cfg anew")

// TestKamailioConfig holds the guide's configuration to the one that the other
// tests use.
func TestKamailioConfig(t *testing.T) {
	want, err := kamailio.Example()
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile("kamailio.cfg", want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got := read(t, "kamailio.cfg"); got != string(want) {
		t.Error("kamailio.cfg is not what interop/kamailio makes; write it anew with -update")
	}
}

// A block is a block of shell in the guide, and what it must print.
type block struct {
	line    int
	text    string
	want    []string // regular expressions
	wantNot []string
}

var comment = regexp.MustCompile(`^<!-- (expect|not): (.*) -->$`)

func blocks(guide string) (all []block) {
	inside := false
	n := 0
	for line := range strings.Lines(guide) {
		n++
		line = strings.TrimSuffix(line, "\n")
		m := comment.FindStringSubmatch(line)
		switch {
		case line == "```sh":
			inside = true
			all = append(all, block{line: n + 1})
		case line == "```":
			inside = false
		case inside:
			all[len(all)-1].text += line + "\n"
		case m != nil && m[1] == "expect":
			all[len(all)-1].want = append(all[len(all)-1].want, m[2])
		case m != nil:
			all[len(all)-1].wantNot = append(all[len(all)-1].wantNot, m[2])
		}
	}
	return all
}

// port finds the ports that the guide and its configuration use.
var port = regexp.MustCompile(`\b(50(60|80|91|92)|285[56]|90(80|91|92))\b`)

// freePorts puts free ports into the place of the guide's.
func freePorts(t *testing.T) func(string) string {
	free := map[string]string{}
	return func(s string) string {
		return port.ReplaceAllStringFunc(s, func(p string) string {
			if free[p] == "" {
				addr, err := cluster.FreeAddr()
				if err != nil {
					t.Fatal(err)
				}
				free[p] = addr[strings.LastIndex(addr, ":")+1:]
			}
			return free[p]
		})
	}
}

// TestGuideKamailio types the guide into a shell: nothing is changed but the
// ports.
func TestGuideKamailio(t *testing.T) {
	if err := kamailio.Available(); err != nil {
		if os.Getenv("GOMSCP_REQUIRE_PEERS") == "1" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	if testing.Short() {
		t.Skip("builds and runs the servers")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	guide := blocks(read(t, "GUIDE.md"))
	if len(guide) < 10 {
		t.Fatalf("the guide has %d blocks", len(guide))
	}
	ports := freePorts(t)
	var script strings.Builder
	script.WriteString("set -euo pipefail\n")
	for i, b := range guide {
		fmt.Fprintf(&script, "echo '@@ block %d'\n%s", i, ports(b.text))
	}
	script.WriteString("echo '@@ end'\n")
	config := filepath.Join(t.TempDir(), "kamailio.cfg")
	if err := os.WriteFile(config, []byte(ports(read(t, "kamailio.cfg"))), 0o600); err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(script.String(), "deploy/kamailio.cfg", config, 1)
	out := runScript(ctx, t, text, "TMPDIR="+t.TempDir())
	checkGuide(t, guide, out)
}

// runScript runs bash and ends everything that it has left.
func runScript(ctx context.Context, t *testing.T, script string, env ...string) string {
	cmd := exec.CommandContext(ctx, "bash", "-c", script)
	cmd.Dir = ".."
	cmd.Env = append(os.Environ(), env...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	end := func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.Cancel, cmd.WaitDelay = end, 5*time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	err := cmd.Wait()
	_ = end() // what is left of the group
	if err != nil {
		t.Fatalf("%v\n%s%s", err, out.String(), logs(env))
	}
	return out.String()
}

// logs are the ends of the guide's log files.
func logs(env []string) (s string) {
	for _, v := range env {
		if dir, ok := strings.CutPrefix(v, "TMPDIR="); ok {
			files, _ := filepath.Glob(filepath.Join(dir, "*", "*.log"))
			for _, f := range files {
				b, _ := os.ReadFile(f)
				s += "\n--- " + filepath.Base(f) + "\n" + string(b[max(0, len(b)-2000):])
			}
		}
	}
	return s
}

func checkGuide(t *testing.T, guide []block, out string) {
	for i, b := range guide {
		_, text, _ := strings.Cut(out, fmt.Sprintf("@@ block %d\n", i))
		text, _, ok := strings.Cut(text, "@@ ")
		if !ok {
			t.Errorf("GUIDE.md:%d: the block was not run", b.line)
			continue
		}
		for _, w := range b.want {
			if !regexp.MustCompile(w).MatchString(text) {
				t.Errorf("GUIDE.md:%d: the block does not print %q:\n%s", b.line, w, text)
			}
		}
		for _, w := range b.wantNot {
			if regexp.MustCompile(w).MatchString(text) {
				t.Errorf("GUIDE.md:%d: the block prints %q:\n%s", b.line, w, text)
			}
		}
	}
	if t.Failed() || testing.Verbose() {
		t.Log(out)
	}
}
