//go:build !linux

package mscp

import (
	"net"
	"time"
)

// setUserTimeout is for Linux only: elsewhere data that nobody acknowledges
// ends a channel when the system gives up sending it again.
func setUserTimeout(*net.TCPConn, time.Duration) error { return nil }
