package sipua

import (
	"context"
	"net"
)

// A Network makes sockets. The zero value is that of package net; a test puts one in its
// place that it can cut and slow down. The functions are as those of package net that
// they are named after. Addresses are *[net.TCPAddr] and *[net.UDPAddr]; of the
// connections no more is used than [net.Conn] has.
type Network struct {
	Listen       func(network, address string) (net.Listener, error)
	ListenPacket func(network, address string) (net.PacketConn, error)
	DialContext  func(ctx context.Context, network, address string) (net.Conn, error)
}

// WithDefaults has package net make what n does not.
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
