//go:build !linux

package msrp

import "net"

// unread returns how many bytes have arrived on a connection and are not read yet; 0 if
// that is not known.
func unread(net.Conn) int { return 0 }
