//go:build unix

package main

import (
	"context"

	"golang.org/x/sys/unix"
)

// outputPoll is how long, in milliseconds, one look at standard output takes.
const outputPoll = 250

// terminalWidth is the width of the terminal at fd, in characters, or 0.
func terminalWidth(fd int) int {
	size, err := unix.IoctlGetWinsize(fd, unix.TIOCGWINSZ)
	if err != nil {
		return 0
	}
	return int(size.Col)
}

// watchOutput cancels when the reader of fd, a pipe or a terminal, has
// gone. Writing would tell as well, but a demo that waits writes nothing.
func watchOutput(ctx context.Context, fd int, cancel func()) {
	for ctx.Err() == nil {
		fds := []unix.PollFd{{Fd: int32(fd)}} // errors are told without being asked for
		n, err := unix.Poll(fds, outputPoll)
		if n > 0 && fds[0].Revents&(unix.POLLERR|unix.POLLHUP|unix.POLLNVAL) != 0 {
			cancel()
			return
		}
		if err != nil && err != unix.EINTR {
			return // writing will tell
		}
	}
}
