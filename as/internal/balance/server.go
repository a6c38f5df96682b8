package balance

import "time"

// A Server is a media server that can be chosen.
type Server interface {
	Name() string // unique among those that are configured
	URI() string  // of SIP
	Up() bool     // reports whether it can take a session now
}

// A Share is a server with its part in the configuration.
type Share struct {
	Server
	Weight  int  // 1 or more
	Drained bool // it gets no new store session
}

// A State is what a Balancer knows of a server.
type State struct {
	Share
	Sessions int // live store sessions, reserved ones included
}

// balanced is one server as the Balancer sees it.
type balanced struct {
	State
	resting time.Time // tried last until then, since it has failed a call
}
