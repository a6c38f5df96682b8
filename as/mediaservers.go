package as

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/gomscp/gomscp/as/internal/balance"
	"github.com/gomscp/gomscp/as/internal/control"
	"github.com/gomscp/gomscp/internal/daemon"
	"github.com/gomscp/gomscp/mscp"
)

// MediaServerStatus is the state of one media server.
type MediaServerStatus struct {
	Name    string    `json:"name"`
	URI     string    `json:"uri"`
	Weight  int       `json:"weight"`
	Drained bool      `json:"drained"`
	Channel string    `json:"channel"` // state of the MSCP channel: "up" or "down"
	Since   time.Time `json:"since"`   // when Channel last changed
	// Sessions is the number of live store sessions, Count(Si) of equation (1).
	Sessions int `json:"sessions"`
	// LastError is the last failure of the channel or of a call's set-up at this media
	// server; "" if there was none.
	LastError   string    `json:"last_error,omitempty"`
	LastErrorAt time.Time `json:"last_error_at,omitzero"`
}

// MediaServers returns the state of every media server, in the order of the
// configuration.
func (s *Server) MediaServers() []MediaServerStatus {
	var list []MediaServerStatus
	for _, known := range s.cluster.balancer.States() {
		list = append(list, statusOf(known, known.Server.(*control.MediaServer).Status()))
	}
	return list
}

func statusOf(known balance.State, channel control.Status) MediaServerStatus {
	st := MediaServerStatus{
		Name: known.Name(), URI: known.URI(), Weight: known.Weight, Drained: known.Drained, Sessions: known.Sessions,
		Channel: "down", Since: channel.Since, LastErrorAt: channel.FailedAt,
	}
	if channel.Up {
		st.Channel = "up"
	}
	if channel.Err != nil {
		st.LastError = channel.Err.Error()
	}
	return st
}

// SetMediaServers replaces the media servers while the server runs, with their weights
// and drains. A media server with the same name and URI keeps its channel and sessions. A
// removed one gets no further session and no push, and its channel is ended. Its sessions
// continue until their callers end them, and its directory entries stay until its name is
// configured again. After an error, which names the invalid entry, nothing has changed.
func (s *Server) SetMediaServers(list []MediaServerConfig) error {
	c := Config{MediaServers: slices.Clone(list)}
	r := &checker{}
	if len(list) == 0 {
		r.bad("media_servers", "at least one is needed")
	}
	c.checkMediaServers(r)
	if len(r.errs) > 0 {
		return errors.Join(r.errs...)
	}
	m := s.cluster
	m.changing.Lock()
	defer m.changing.Unlock()
	old := m.All()
	var next, begun []*control.MediaServer
	for _, cfg := range c.MediaServers {
		i := slices.IndexFunc(old, func(ms *control.MediaServer) bool { return ms.Name() == cfg.Name && ms.URI() == cfg.URI })
		if i >= 0 {
			next = append(next, old[i])
			continue
		}
		ms, err := s.newMediaServer(cfg)
		if err != nil {
			return err
		}
		next, begun = append(next, ms), append(begun, ms)
	}
	m.Set(next)
	if err := s.mailboxes.Follow(namesBeside(next, old), namesBeside(old, next)); err != nil {
		m.Set(old)
		return err
	}
	s.cluster.balancer.Set(shares(next, c.MediaServers))
	for _, ms := range old {
		if !slices.Contains(next, ms) {
			ms.Stop()
		}
	}
	for _, ms := range begun {
		s.life.tasks.Go(ms.Run)
	}
	return nil
}

// AskInventories requests the inventory of every media server whose channel is up, for
// example when this server takes over from another one. The inventories arrive in the
// background.
func (s *Server) AskInventories() { s.reports.askAll() }

// DrainMediaServer begins or ends the drain of a media server. During a drain it gets no
// new store sessions. Its sessions continue, and its messages are still pushed. Only this
// method and SetMediaServers end a drain. It fails if there is no media server of that
// name.
func (s *Server) DrainMediaServer(name string, on bool) error {
	if !s.cluster.balancer.Drain(name, on) {
		return fmt.Errorf("as: no media server is called %q", name)
	}
	s.log.Info("media server drain", "ms", name, "drained", on)
	return nil
}

// newMediaServer makes a media server; its Run is yet to be called.
func (s *Server) newMediaServer(cfg MediaServerConfig) (*control.MediaServer, error) {
	c := control.Config{
		Settings: s.cfg.Control, Name: cfg.Name, URI: cfg.URI, UA: s.legs.ua, From: s.legs.self, Certificate: s.certificate.Current,
		Network: s.cfg.Network, Log: s.log.With("ms", cfg.Name), Changed: s.mailboxes.WakeAll, CameUp: s.reports.channelUp, Notified: s.reports.notified,
	}
	if s.trace.Enabled() {
		c.Trace = func(e mscp.TraceEvent) {
			s.trace.Record(daemon.TraceRecord{
				Time: e.Time, Protocol: "MSCP", Direction: daemon.Direction(e.Sent),
				Local: e.Local.String(), Peer: e.Remote.String(), Raw: string(e.Raw), Size: len(e.Raw),
			})
		}
	}
	return control.New(s.life.ctx, c)
}
