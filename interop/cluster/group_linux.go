package cluster

import (
	"os/exec"
	"syscall"
)

// Own ties cmd, which has not started, to this program: an interrupt from the
// terminal does not reach it, since it is this program that ends it, in order. And
// the kernel kills it when this program ends otherwise, killed or in a panic.
//
// The kernel looks at the thread that starts cmd: it must not be one that ends,
// as that of a goroutine that ends while it is locked to it.
func Own(cmd *exec.Cmd) { OwnWith(cmd, syscall.SIGKILL) }

// OwnWith is as Own with a signal that cmd may use to end what it has started.
func OwnWith(cmd *exec.Cmd, atEnd syscall.Signal) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: atEnd}
}
