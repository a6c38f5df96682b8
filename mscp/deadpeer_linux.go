package mscp

import (
	"net"
	"syscall"
	"time"
)

// tcpUserTimeout is TCP_USER_TIMEOUT of RFC 5482, which syscall lacks.
const tcpUserTimeout = 0x12

// setUserTimeout bounds how long sent data may stay unacknowledged. Without
// it, keep-alive does not help while a request is outstanding.
func setUserTimeout(t *net.TCPConn, limit time.Duration) error {
	raw, err := t.SyscallConn()
	if err != nil {
		return err
	}
	var set error
	err = raw.Control(func(fd uintptr) {
		set = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, tcpUserTimeout, int(limit.Milliseconds()))
	})
	if err != nil {
		return err
	}
	return set
}
