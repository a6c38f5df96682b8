//go:build unix

package cluster

import (
	"os/exec"
	"syscall"
)

// ownGroup keeps an interrupt from the terminal away from the process: it is
// this program that ends it, in order.
func ownGroup(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }
