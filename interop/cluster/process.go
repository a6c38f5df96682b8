package cluster

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/gomscp/gomscp/internal/daemon"
	"github.com/gomscp/gomscp/internal/wait"
)

const (
	// stopWait is how long a process may take to end after SIGTERM before it
	// is killed.
	stopWait = 15 * time.Second
	// readyPoll is the pause between two looks at /readyz, which has no event
	// to wait for.
	readyPoll = 20 * time.Millisecond
	// maxTraceLine bounds one line of a trace, in bytes.
	maxTraceLine = 4 << 20
)

// A Process is one server of the cluster. It can be stopped or killed and
// started again with the same configuration.
type Process struct {
	Name  string
	SIP   string // host:port where it takes SIP
	MSRP  string // host:port where it takes MSRP; "" for the application server
	Admin string // host:port of its admin endpoint

	path, config, log string
	onTrace           func(daemon.TraceRecord)

	mu   sync.Mutex
	cmd  *exec.Cmd
	done chan struct{} // closed when cmd has ended
	err  error
}

// Start starts the process, which must not be running.
func (p *Process) Start() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd != nil {
		return fmt.Errorf("%s runs already", p.Name)
	}
	logFile, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer logFile.Close() // the child has its own
	cmd := exec.Command(p.path, "-config", p.config)
	cmd.Stderr = logFile
	Own(cmd)
	var trace io.Reader
	if p.onTrace != nil {
		cmd.Args = append(cmd.Args, "-trace", "-")
		if trace, err = cmd.StdoutPipe(); err != nil {
			return err
		}
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	p.cmd, p.done = cmd, make(chan struct{})
	go p.watch(cmd, trace, p.done)
	return nil
}

// watch reads the trace to its end and then waits for the process.
func (p *Process) watch(cmd *exec.Cmd, trace io.Reader, done chan struct{}) {
	if trace != nil {
		lines := bufio.NewScanner(trace)
		lines.Buffer(nil, maxTraceLine)
		for lines.Scan() {
			var r daemon.TraceRecord
			if json.Unmarshal(lines.Bytes(), &r) == nil {
				p.onTrace(r)
			}
		}
	}
	err := cmd.Wait()
	p.mu.Lock()
	p.cmd, p.err = nil, err
	p.mu.Unlock()
	close(done)
}

// Pid is the process's id, 0 if it is not running.
func (p *Process) Pid() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd == nil {
		return 0
	}
	return p.cmd.Process.Pid
}

// signal sends sig and returns a channel that is closed when the process has
// ended; nil if it was not running.
func (p *Process) signal(sig os.Signal) <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd == nil {
		return nil
	}
	_ = p.cmd.Process.Signal(sig) // an error means that it has just ended
	return p.done
}

// Kill ends the process at once, as a crash would, and waits for its end.
func (p *Process) Kill() {
	if done := p.signal(syscall.SIGKILL); done != nil {
		<-done
	}
}

// Config is the path of the process's configuration file.
func (p *Process) Config() string { return p.config }

// Reconfigure writes another configuration, an as.Config or ms.Config, and has
// the process read it again.
func (p *Process) Reconfigure(cfg any) error {
	if err := p.writeConfig(cfg); err != nil {
		return err
	}
	if p.signal(syscall.SIGHUP) == nil {
		return fmt.Errorf("%s is not running", p.Name)
	}
	return nil
}

func (p *Process) writeConfig(cfg any) error {
	set, err := changed(cfg)
	if err != nil {
		return err
	}
	b, err := yaml.Marshal(set)
	if err != nil {
		return err
	}
	return os.WriteFile(p.config, b, 0o600)
}

// Stop asks the process to end, kills it if it does not within 15 s, and
// reports how it ended.
func (p *Process) Stop() error {
	done := p.signal(syscall.SIGTERM)
	if done == nil {
		return nil
	}
	select {
	case <-done:
	case <-time.After(stopWait):
		p.Kill()
		return fmt.Errorf("%s did not end within %v", p.Name, stopWait)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err != nil {
		return fmt.Errorf("%s: %w", p.Name, p.err)
	}
	return nil
}

// WaitReady waits until the process says that it can serve.
func (p *Process) WaitReady(ctx context.Context) error {
	var last error
	for {
		if _, last = p.Get(ctx, "/readyz"); last == nil {
			return nil
		}
		if p.Pid() == 0 {
			return fmt.Errorf("%s has ended: %w\n%s", p.Name, last, p.LogTail(10))
		}
		if !wait.For(readyPoll, ctx.Done()) {
			return fmt.Errorf("%s is not ready: %w\n%s", p.Name, last, p.LogTail(10))
		}
	}
}

// Get reads a page of the admin endpoint.
func (p *Process) Get(ctx context.Context, path string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.Admin+path, nil)
	if err != nil {
		return "", err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = errors.New(strings.TrimSpace(string(body)))
	}
	return string(body), err
}

// LogTail returns the last n lines that the process has logged.
func (p *Process) LogTail(n int) string {
	b, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	lines := strings.SplitAfter(strings.TrimRight(string(b), "\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "")
}
