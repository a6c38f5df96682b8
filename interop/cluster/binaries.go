package cluster

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// Binaries are the paths of the programs of a cluster.
type Binaries struct{ AS, MS string }

const (
	module = "github.com/gomscp/gomscp"
	asPath = module + "/as/cmd/mscp-as"
	msPath = module + "/ms/cmd/mscp-ms"
)

// exe is the end of the name of a program.
func exe() string {
	if runtime.GOOS == "windows" {
		return ".exe"
	}
	return ""
}

// binariesIn are the programs in a folder, whether they are there or not.
func binariesIn(dir string) Binaries {
	return Binaries{AS: filepath.Join(dir, "mscp-as"+exe()), MS: filepath.Join(dir, "mscp-ms"+exe())}
}

// Build compiles both programs into dir with the go command, which must be
// able to see this module from the working directory.
func Build(ctx context.Context, dir string, flags ...string) (Binaries, error) {
	args := append([]string{"build", "-o", dir + string(filepath.Separator)}, flags...)
	cmd := exec.CommandContext(ctx, "go", append(args, asPath, msPath)...)
	Own(cmd)
	if out, err := cmd.CombinedOutput(); err != nil {
		return Binaries{}, fmt.Errorf("go build: %w\n%s", err, out)
	}
	return binariesIn(dir), nil
}

// errNoBinaries says how to get the programs.
var errNoBinaries = errors.New("mscp-as and mscp-ms are not there: neither beside this program nor in PATH, and the working directory is in no clone of " + module + " to build them from; install them by\n" +
	"  go install " + asPath + "@latest " + msPath + "@latest")

// Find returns the programs that this program is to run: those beside it; or those
// that it builds into dir if the working directory is in a clone of this module;
// or those in PATH. told is told which.
func Find(ctx context.Context, dir string, told func(string)) (Binaries, error) {
	if self, err := os.Executable(); err == nil {
		if self, err := filepath.EvalSymlinks(self); err == nil {
			if b := binariesIn(filepath.Dir(self)); b.runnable() {
				told("Using " + b.AS + " and " + b.MS)
				return b, nil
			}
		}
	}
	var buildErr error
	if InClone() {
		told("Building mscp-as and mscp-ms ...")
		b, err := Build(ctx, dir)
		if err == nil || ctx.Err() != nil {
			return b, err
		}
		buildErr = err
	}
	as, errAS := exec.LookPath("mscp-as")
	ms, errMS := exec.LookPath("mscp-ms")
	if errAS == nil && errMS == nil {
		told("Using " + as + " and " + ms)
		return Binaries{AS: as, MS: ms}, nil
	}
	if buildErr != nil {
		return Binaries{}, buildErr
	}
	return Binaries{}, errNoBinaries
}

// runnable reports whether both programs can be run.
func (b Binaries) runnable() bool {
	for _, path := range []string{b.AS, b.MS} {
		if _, err := exec.LookPath(path); err != nil {
			return false
		}
	}
	return true
}

// InClone reports whether the working directory is in a clone of this module.
func InClone() bool {
	dir, err := os.Getwd()
	if err != nil {
		return false
	}
	for {
		if name, ok := moduleOf(filepath.Join(dir, "go.mod")); ok {
			return name == module
		}
		up := filepath.Dir(dir)
		if up == dir {
			return false
		}
		dir = up
	}
}

// moduleOf is the module that a go.mod declares.
func moduleOf(path string) (string, bool) {
	f, err := os.Open(path)
	if err != nil {
		return "", false
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if words := strings.Fields(lines.Text()); len(words) > 1 && words[0] == "module" {
			return strings.Trim(words[1], `"`), true
		}
	}
	return "", true
}
