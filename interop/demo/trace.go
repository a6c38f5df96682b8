package demo

import (
	"context"

	"github.com/gomscp/gomscp/internal/daemon"
	"github.com/gomscp/gomscp/interop/internal/softphone"
	"github.com/gomscp/gomscp/interop/sipserver"
	"github.com/gomscp/gomscp/msrp"
	"github.com/gomscp/gomscp/sipua"
)

// columns are the ladder's names of the cluster's nodes.
var columns = map[string]string{"as": "AS", "ms1": "MS1", "ms2": "MS2"}

// nameNodes tells the ladder the addresses that are known beforehand.
func (s *stage) nameNodes() {
	s.ladder.Name(s.server.Addr(), "proxy")
	for _, p := range s.cluster.Processes() {
		s.ladder.Name(p.SIP, columns[p.Name])
		if p.MSRP != "" {
			s.ladder.Name(p.MSRP, columns[p.Name])
		}
	}
}

func (s *stage) traceCluster(r daemon.TraceRecord) {
	r.Node = columns[r.Node]
	s.ladder.Add(r)
}

func (s *stage) traceServer(e sipserver.TraceEvent) {
	s.ladder.Add(daemon.TraceRecord{
		Time: e.Time, Node: "proxy", Protocol: "SIP", Direction: daemon.Direction(e.Sent),
		Local: e.Local, Peer: e.Remote, Raw: string(e.Raw),
	})
}

// phone opens a softphone whose messages go to the ladder.
func (s *stage) phone(user, node string, onMessage func(context.Context, *softphone.Message) error) (*softphone.Phone, error) {
	p, err := softphone.New(softphone.Config{
		User: user, Password: password, Proxy: s.server.Addr(), OnMessage: onMessage,
		TraceSIP: func(e sipua.TraceEvent) {
			s.ladder.Add(daemon.TraceRecord{
				Time: e.Time, Node: node, Protocol: "SIP", Direction: daemon.Direction(e.Sent),
				Local: e.Local, Peer: e.Remote, Raw: string(e.Raw),
			})
		},
		TraceMSRP: func(e msrp.TraceEvent) {
			s.ladder.Add(daemon.TraceRecord{
				Time: e.Time, Node: node, Protocol: "MSRP", Direction: daemon.Direction(e.Sent),
				Local: e.Local.String(), Peer: e.Remote.String(), Raw: string(e.Raw), Size: e.Size,
			})
		},
	})
	if err != nil {
		return nil, err
	}
	s.ladder.Name(p.SIPAddr(), node)
	s.ladder.Name(p.MSRPAddr(), node)
	return p, nil
}
