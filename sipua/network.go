package sipua

import (
	"context"
	"net"
)

// A Network makes sockets. The zero value uses package net. Tests use another one to cut
// and slow down connections. The functions behave as those of the same name in package
// net. Addresses are *[net.TCPAddr] and *[net.UDPAddr]. Only the methods of [net.Conn]
// are used.
type Network struct {
	Listen       func(network, address string) (net.Listener, error)
	ListenPacket func(network, address string) (net.PacketConn, error)
	DialContext  func(ctx context.Context, network, address string) (net.Conn, error)
}

// WithDefaults returns n with the functions of package net where n has none.
func (n Network) WithDefaults() Network {
	if n.Listen == nil {
		n.Listen = net.Listen
	}
	if n.ListenPacket == nil {
		n.ListenPacket = net.ListenPacket
	}
	if n.DialContext == nil {
		n.DialContext = new(net.Dialer).DialContext
	}
	return n
}
