//go:build unix

package cluster

import (
	"os/exec"
	"syscall"
)

// ownGroup keeps an interrupt from the terminal away from the process: it is
// this program that ends it, in order.
func ownGroup(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// Freeze stops the process where it is, as a machine under too much load would,
// until Thaw.
func (p *Process) Freeze() { p.signal(syscall.SIGSTOP) }

// Thaw has a frozen process go on.
func (p *Process) Thaw() { p.signal(syscall.SIGCONT) }
