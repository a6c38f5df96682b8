//go:build unix && !linux

package cluster

import (
	"os/exec"
	"syscall"
)

// Own ties cmd, which has not started, to this program: an interrupt from the
// terminal does not reach it, since it is this program that ends it, in order.
// This system does not end it when this program is killed.
func Own(cmd *exec.Cmd) { OwnWith(cmd, syscall.SIGKILL) }

// OwnWith is as Own; on Linux, the signal is what cmd gets if this program is
// killed.
func OwnWith(cmd *exec.Cmd, _ syscall.Signal) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
}
