//go:build !linux

package msrp

import "net"

// unread is how many bytes have arrived on a connection that nobody has read; 0 if
// that is not known.
func unread(net.Conn) int { return 0 }
