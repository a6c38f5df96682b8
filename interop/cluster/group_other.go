//go:build !unix

package cluster

import (
	"os/exec"
	"syscall"
)

// Own ties cmd to this program where the system can.
func Own(*exec.Cmd) {}

// OwnWith is as Own with a signal.
func OwnWith(*exec.Cmd, syscall.Signal) {}
