package demo

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/gomscp/gomscp/interop/cluster"
)

const (
	dirPrefix = "gomscp-demo-"
	// cleanWait bounds how long servers that were killed may go on writing into
	// the folder, and cleanPoll is the pause between two attempts.
	cleanWait = 10 * time.Second
	cleanPoll = 50 * time.Millisecond
)

// Clean waits for the end of r and removes the directory of a demo. A separate process
// runs it, at the other end of a pipe, so that the directory is removed even if the demo
// is killed. It refuses directories that are not of a demo.
func Clean(dir string, r io.Reader) error {
	if !filepath.IsAbs(dir) || !strings.HasPrefix(filepath.Base(dir), dirPrefix) {
		return fmt.Errorf("%q is no folder of a demo", dir)
	}
	_, _ = io.Copy(io.Discard, r) // whatever ends it
	for end := time.Now().Add(cleanWait); ; time.Sleep(cleanPoll) {
		err := os.RemoveAll(dir)
		if err == nil || time.Now().After(end) {
			return err
		}
	}
}

// newDir makes the folder of a demo, and returns what removes it. If command is not
// empty, it is run with the folder as its last argument to do that in any case.
func newDir(command []string) (dir string, remove func(), err error) {
	if dir, err = os.MkdirTemp("", dirPrefix); err != nil {
		return "", nil, err
	}
	if len(command) == 0 {
		return dir, func() { os.RemoveAll(dir) }, nil
	}
	cmd := exec.Command(command[0], append(command[1:len(command):len(command)], dir)...)
	cluster.OwnWith(cmd, 0) // it outlives us
	pipe, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		os.RemoveAll(dir)
		return "", nil, err
	}
	return dir, func() {
		pipe.Close()
		_ = cmd.Wait() // it has nothing to say that we could do better
	}, nil
}

// An output is where the demo prints. The first error ends the demo: nobody is
// looking any more.
type output struct {
	w    io.Writer
	fail func(error)
}

func (o output) Write(b []byte) (int, error) {
	n, err := o.w.Write(b)
	if err != nil {
		o.fail(fmt.Errorf("standard output: %w", err))
	}
	return n, err
}
