package msrp

import (
	"crypto/tls"
	"net"
	"syscall"
	"unsafe"
)

// unread returns how many bytes have arrived on a TCP connection and are not read yet; 0
// if that is not known. Over TLS it is 1 if there are any, as their plain text may have
// another length.
func unread(nc net.Conn) int {
	secured, over := nc.(*tls.Conn)
	if over {
		nc = secured.NetConn()
	}
	sc, ok := nc.(syscall.Conn)
	if !ok {
		return 0
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return 0
	}
	var n int32
	err = raw.Control(func(fd uintptr) {
		if _, _, e := syscall.Syscall(syscall.SYS_IOCTL, fd, syscall.TIOCINQ, uintptr(unsafe.Pointer(&n))); e != 0 {
			n = 0
		}
	})
	if err != nil {
		return 0
	}
	if over {
		return min(int(n), 1)
	}
	return int(n)
}
