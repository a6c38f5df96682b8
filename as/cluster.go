package as

import (
	"sync"

	"github.com/gomscp/gomscp/as/internal/balance"
	"github.com/gomscp/gomscp/as/internal/control"
)

// A cluster has the media servers that are configured now, and the balancing among them.
type cluster struct {
	control.List
	balancer *balance.Balancer
	changing sync.Mutex // held over a whole change, so that changes are one at a time
}

// namesBeside are the names of the media servers in list that no server in other has.
func namesBeside(list, other []*control.MediaServer) map[string]bool {
	names := map[string]bool{}
	for _, ms := range list {
		names[ms.Name()] = true
	}
	for _, ms := range other {
		delete(names, ms.Name())
	}
	return names
}

// shares are media servers with their configurations' weights and drains.
func shares(servers []*control.MediaServer, configs []MediaServerConfig) []balance.Share {
	list := make([]balance.Share, 0, len(servers))
	for i, ms := range servers {
		list = append(list, balance.Share{Server: ms, Weight: configs[i].Weight, Drained: configs[i].Drain})
	}
	return list
}
