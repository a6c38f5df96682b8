package as

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/gomscp/gomscp/as/internal/balance"
	"github.com/gomscp/gomscp/as/internal/control"
	"github.com/gomscp/gomscp/internal/daemon"
	"github.com/gomscp/gomscp/internal/table"
	"github.com/gomscp/gomscp/mscp"
)

// mediaServers are the media servers that are configured now.
type mediaServers struct {
	control.List
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

// MediaServerStatus is what the server knows of one media server.
type MediaServerStatus struct {
	Name    string    `json:"name"`
	URI     string    `json:"uri"`
	Weight  int       `json:"weight"`
	Drained bool      `json:"drained"`
	Channel string    `json:"channel"` // of MSCP: "up" or "down"
	Since   time.Time `json:"since"`   // when Channel became what it is
	// Sessions is the number of live store sessions, Count(Si) of equation (1).
	Sessions int `json:"sessions"`
	// LastError is the last failure of the channel or of a call's set-up there;
	// "" if there was none.
	LastError   string    `json:"last_error,omitempty"`
	LastErrorAt time.Time `json:"last_error_at,omitzero"`
}

// MediaServers tells of every media server, in the order of the configuration.
func (s *Server) MediaServers() []MediaServerStatus {
	var list []MediaServerStatus
	for _, known := range s.balancer.States() {
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

// SetMediaServers replaces the media servers while the server runs, with their
// weights and drains. Those of an unchanged name and URI keep their channels
// and sessions. One that is left out gets no further session and no push, and
// its channel is ended; sessions that it has go on until their callers end
// them, and what it keeps is remembered until its name comes back. An error
// names what is wrong with the list, and then nothing has changed.
func (s *Server) SetMediaServers(list []MediaServerConfig) error {
	c := Config{MediaServers: slices.Clone(list)}
	var errs []error
	bad := func(key, format string, args ...any) {
		errs = append(errs, fmt.Errorf("%s: %s", key, fmt.Sprintf(format, args...)))
	}
	if len(list) == 0 {
		bad("media_servers", "at least one is needed")
	}
	c.validateMediaServers(bad)
	if len(errs) > 0 {
		return errors.Join(errs...)
	}
	m := &s.servers
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
	s.balancer.Set(shares(next, c.MediaServers))
	for _, ms := range old {
		if !slices.Contains(next, ms) {
			ms.Stop()
		}
	}
	for _, ms := range begun {
		s.tasks.Go(ms.Run)
	}
	return nil
}

// shares are media servers with their configurations' weights and drains.
func shares(servers []*control.MediaServer, configs []MediaServerConfig) []balance.Share {
	list := make([]balance.Share, 0, len(servers))
	for i, ms := range servers {
		list = append(list, balance.Share{Server: ms, Weight: configs[i].Weight, Drained: configs[i].Drain})
	}
	return list
}

// DrainMediaServer begins or ends the drain of a media server: while it lasts,
// the server gets no new store sessions; those that it has go on, and so do
// pushes of what it keeps. It lasts until it is ended here or by
// SetMediaServers. An error says that there is no server of that name.
func (s *Server) DrainMediaServer(name string, on bool) error {
	if !s.balancer.Drain(name, on) {
		return fmt.Errorf("as: no media server is called %q", name)
	}
	s.log.Info("media server drain", "ms", name, "drained", on)
	return nil
}

// newMediaServer makes a media server; its Run is yet to be called.
func (s *Server) newMediaServer(cfg MediaServerConfig) (*control.MediaServer, error) {
	c := control.Config{
		Settings: s.cfg.Control, Name: cfg.Name, URI: cfg.URI, UA: s.ua, From: s.self, Certificate: s.certificate.Current,
		Network: s.cfg.Network, Log: s.log.With("ms", cfg.Name), Changed: s.mailboxes.WakeAll, CameUp: s.channelUp, Notified: s.notified,
	}
	if s.trace.Enabled() {
		c.Trace = func(e mscp.TraceEvent) {
			s.trace.Record(daemon.TraceRecord{
				Time: e.Time, Protocol: "MSCP", Direction: daemon.Direction(e.Sent),
				Local: e.Local.String(), Peer: e.Remote.String(), Raw: string(e.Raw), Size: len(e.Raw),
			})
		}
	}
	return control.New(s.ctx, c)
}

// mediaServerPages are the admin endpoint's pages about media servers.
func (s *Server) mediaServerPages() map[string]http.HandlerFunc {
	return map[string]http.HandlerFunc{
		"GET /media_servers": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_ = table.WriteJSON(w, s.MediaServers()) // the reader may have gone
		},
		"POST /inventory":                    s.inventoryPage,
		"POST /media_servers/{name}/drain":   s.drainPage(true),
		"POST /media_servers/{name}/undrain": s.drainPage(false),
	}
}

func (s *Server) drainPage(on bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := s.DrainMediaServer(r.PathValue("name"), on); err != nil {
			http.Error(w, err.Error(), http.StatusNotFound)
		}
	}
}
