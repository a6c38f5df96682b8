//go:build unix

package cluster

import "syscall"

// Freeze stops the process where it is, as a machine under too much load would,
// until Thaw.
func (p *Process) Freeze() { p.signal(syscall.SIGSTOP) }

// Thaw has a frozen process go on.
func (p *Process) Thaw() { p.signal(syscall.SIGCONT) }
