package cluster

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"runtime"
)

// Binaries are the paths of the programs of a cluster.
type Binaries struct{ AS, MS string }

// Build compiles both programs into dir with the go command, which must be
// able to see this module from the working directory.
func Build(ctx context.Context, dir string, flags ...string) (Binaries, error) {
	const module = "github.com/gomscp/gomscp"
	args := append([]string{"build", "-o", dir + string(filepath.Separator)}, flags...)
	args = append(args, module+"/as/cmd/mscp-as", module+"/ms/cmd/mscp-ms")
	if out, err := exec.CommandContext(ctx, "go", args...).CombinedOutput(); err != nil {
		return Binaries{}, fmt.Errorf("go build: %w\n%s", err, out)
	}
	exe := ""
	if runtime.GOOS == "windows" {
		exe = ".exe"
	}
	return Binaries{AS: filepath.Join(dir, "mscp-as"+exe), MS: filepath.Join(dir, "mscp-ms"+exe)}, nil
}
