package mscp

import (
	"net"
	"time"
)

// watchPeer has TCP give up a peer that has been silent for limit: one that
// answers no probe while nothing is sent, and one that acknowledges nothing
// while something is.
func watchPeer(c net.Conn, limit time.Duration) {
	if t, ok := c.(interface{ NetConn() net.Conn }); ok { // TLS
		c = t.NetConn()
	}
	t, ok := c.(*net.TCPConn)
	if !ok {
		return
	}
	// Half of the time until the first probe, the rest for four of them; TCP
	// counts in seconds.
	probe := max(limit/8, time.Second)
	_ = t.SetKeepAliveConfig(net.KeepAliveConfig{Enable: true, Idle: max(limit/2, time.Second), Interval: probe, Count: 4})
	_ = setUserTimeout(t, limit)
}
