package deploy

import (
	"bufio"
	"bytes"
	"context"
	"debug/elf"
	"encoding/json"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

var servers = []string{"mscp-as", "mscp-ms"}

// build runs the Dockerfile's command that builds the binaries.
func build(t *testing.T) string {
	t.Helper()
	if testing.Short() || runtime.GOOS == "windows" {
		t.Skip("builds the servers")
	}
	dir := t.TempDir()
	for line := range strings.Lines(read(t, "Dockerfile")) {
		command, ok := strings.CutPrefix(line, "RUN CGO_ENABLED=0 ")
		if !ok {
			continue
		}
		// Without -trimpath, which would compile the whole library anew.
		command = strings.NewReplacer("/out/", dir+"/", " -trimpath", "").Replace(command)
		cmd := exec.Command("sh", "-c", command)
		cmd.Dir, cmd.Env = "..", append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s%v\n%s", command, err, out)
		}
		return dir
	}
	t.Fatal("the Dockerfile builds nothing")
	return ""
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestStatic looks at what goes into the images: they hold no libraries.
func TestStatic(t *testing.T) {
	dir := build(t)
	for _, name := range servers {
		f, err := elf.Open(filepath.Join(dir, name))
		if err != nil {
			t.Skip("no ELF here:", err)
		}
		for _, p := range f.Progs {
			if p.Type == elf.PT_INTERP {
				t.Errorf("%s is linked dynamically", name)
			}
		}
		f.Close()
	}
}

// TestExamples checks the example configurations as they are, and runs the
// servers with them, on loopback, until the images' health checks pass.
func TestExamples(t *testing.T) {
	bin := build(t)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for _, name := range servers {
		path := filepath.Join(bin, name)
		if out, err := exec.CommandContext(ctx, path, "-check-config", "-config", name+".yaml").CombinedOutput(); err != nil {
			t.Errorf("%s -check-config: %v\n%s", name, err, out)
		}
		bad := filepath.Join(t.TempDir(), "bad.yaml")
		if err := os.WriteFile(bad, []byte(read(t, name+".yaml")+"\nno_such_key: 1\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.CommandContext(ctx, path, "-check-config", "-config", bad).CombinedOutput(); err == nil || !bytes.Contains(out, []byte("no_such_key")) {
			t.Errorf("%s -check-config takes an unknown key: %v\n%s", name, err, out)
		}
		runExample(ctx, t, path, name)
	}
}

// onLoopback turns the addresses of an example into those of a test.
func onLoopback(t *testing.T, example, admin string) string {
	for line := range strings.Lines(example) {
		if key, value, ok := strings.Cut(strings.TrimSpace(line), ": "); ok && key == "listen" {
			example = strings.ReplaceAll(example, value, "127.0.0.1:0")
		}
		if value, ok := strings.CutPrefix(line, "admin: "); ok {
			example = strings.ReplaceAll(example, strings.TrimSpace(value), admin)
		}
	}
	for _, host := range []string{"192.0.2.5", "192.0.2.21", "192.0.2.22"} {
		example = strings.ReplaceAll(example, host, "127.0.0.1")
	}
	return example
}

func runExample(ctx context.Context, t *testing.T, path, name string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	admin := l.Addr().String()
	l.Close()
	dir := t.TempDir()
	config := filepath.Join(dir, "config.yaml")
	if err := os.WriteFile(config, []byte(onLoopback(t, read(t, name+".yaml"), admin)), 0o600); err != nil {
		t.Fatal(err)
	}
	server := exec.CommandContext(ctx, path, "-config", config)
	server.Dir = dir // as the unit's WorkingDirectory and the image's
	log, err := server.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(log)
	first, err := lines.ReadString('\n') // it serves when it logs
	if err != nil {
		t.Errorf("%s has ended: %v", name, err)
	}
	rest := make(chan []byte, 1)
	go func() {
		b, _ := io.ReadAll(lines)
		rest <- b
	}()
	check := healthCheck(t, name)
	url := strings.Replace(check[len(check)-1], "127.0.0.1:"+adminPort(t, name), admin, 1)
	awaitHealthy(ctx, t, func() ([]byte, error) {
		return exec.CommandContext(ctx, path, append(check[1:len(check)-1:len(check)-1], url)...).CombinedOutput()
	})
	if out, err := exec.CommandContext(ctx, path, "-healthcheck", "http://"+admin+"/no-such-page").CombinedOutput(); err == nil {
		t.Errorf("%s -healthcheck takes any page: %s", name, out)
	}
	if err := server.Process.Signal(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
	tail := <-rest
	if err := server.Wait(); err != nil {
		t.Errorf("%s: %v\n%s%s", name, err, first, tail)
	}
}

func awaitHealthy(ctx context.Context, t *testing.T, check func() ([]byte, error)) {
	for {
		out, err := check()
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("the health check does not pass: %v\n%s", err, out)
		case <-time.After(20 * time.Millisecond): // it is a new process each time
		}
	}
}

// healthCheck is the command of an image's health check.
func healthCheck(t *testing.T, name string) (command []string) {
	for line := range strings.Lines(read(t, "Dockerfile")) {
		_, words, ok := strings.Cut(line, " CMD ")
		if !ok || !strings.Contains(words, "/"+name+"\"") {
			continue
		}
		if err := json.Unmarshal([]byte(words), &command); err != nil {
			t.Fatal(err)
		}
		return command
	}
	t.Fatalf("the image of %s has no health check", name)
	return nil
}

// adminPort is that of an example; the health check must ask there.
func adminPort(t *testing.T, name string) string {
	_, after, ok := strings.Cut(read(t, name+".yaml"), "\nadmin: 127.0.0.1:")
	port, _, _ := strings.Cut(after, "\n")
	if check := healthCheck(t, name); !ok || !strings.Contains(check[len(check)-1], ":"+port+"/") {
		t.Fatalf("the health check of %s asks %s, not port %s", name, check[len(check)-1], port)
	}
	return port
}

// TestUnits has systemd look at the units, with the binaries where they are
// built, and holds them to being sandboxed.
func TestUnits(t *testing.T) {
	if _, err := exec.LookPath("systemd-analyze"); err != nil {
		t.Skip("systemd-analyze is not installed")
	}
	bin, units := build(t), t.TempDir()
	for _, name := range servers {
		unit := strings.ReplaceAll(read(t, name+".service"), "/usr/local/bin/", bin+"/")
		path := filepath.Join(units, name+".service")
		if err := os.WriteFile(path, []byte(unit), 0o600); err != nil {
			t.Fatal(err)
		}
		dropIn := filepath.Join(units, name+".service.d")
		if err := os.Mkdir(dropIn, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dropIn, "tls.conf"), []byte(read(t, "tls.conf")), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command("systemd-analyze", "verify", "--man=no", path).CombinedOutput(); err != nil || bytes.Contains(out, []byte(name)) {
			t.Errorf("systemd-analyze verify %s: %v\n%s", name, err, out)
		}
		// The threshold is ten times the exposure level, of 100 at the most.
		out, err := exec.Command("systemd-analyze", "security", "--offline=yes", "--threshold=15", "--no-pager", path).CombinedOutput()
		if bytes.Contains(out, []byte("unrecognized option")) {
			t.Skip("this systemd-analyze knows no offline review")
		}
		if err != nil {
			t.Errorf("systemd-analyze security %s: %v\n%s", name, err, out)
		}
	}
}
