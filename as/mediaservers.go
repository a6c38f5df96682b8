package as

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/gomscp/gomscp/as/internal/balance"
	"github.com/gomscp/gomscp/internal/daemon"
	"github.com/gomscp/gomscp/internal/table"
	"github.com/gomscp/gomscp/mscp"
)

// mediaServers are the media servers that are configured now.
type mediaServers struct {
	changing sync.Mutex // held over a whole change, so that changes are one at a time

	mu   sync.Mutex
	list []*mediaServer // in the order of the configuration; never changed in place
}

// all are the media servers in the order of the configuration. The caller must
// not change the slice.
func (m *mediaServers) all() []*mediaServer {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.list
}

func (m *mediaServers) set(list []*mediaServer) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.list = list
}

// namesBeside are the names of the media servers in list that no server in other has.
func namesBeside(list, other []*mediaServer) map[string]bool {
	names := map[string]bool{}
	for _, ms := range list {
		names[ms.cfg.Name] = true
	}
	for _, ms := range other {
		delete(names, ms.cfg.Name)
	}
	return names
}

// get returns the media server of that name, or nil.
func (m *mediaServers) get(name string) *mediaServer {
	for _, ms := range m.all() {
		if ms.cfg.Name == name {
			return ms
		}
	}
	return nil
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
		st := known.Server.(*mediaServer).status()
		st.Weight, st.Drained, st.Sessions = known.Weight, known.Drained, known.Sessions
		list = append(list, st)
	}
	return list
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
	old := m.all()
	var next, begun []*mediaServer
	for _, cfg := range c.MediaServers {
		i := slices.IndexFunc(old, func(ms *mediaServer) bool { return ms.cfg.Name == cfg.Name && ms.cfg.URI == cfg.URI })
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
	m.set(next)
	if err := s.mailboxes.follow(namesBeside(next, old), namesBeside(old, next)); err != nil {
		m.set(old)
		return err
	}
	s.balancer.Set(shares(next, c.MediaServers))
	for _, ms := range old {
		if !slices.Contains(next, ms) {
			ms.cancel()
		}
	}
	for _, ms := range begun {
		s.tasks.Go(func() { ms.run() })
	}
	return nil
}

// shares are media servers with their configurations' weights and drains.
func shares(servers []*mediaServer, configs []MediaServerConfig) []balance.Share {
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

// newMediaServer makes a media server; its run is yet to be called.
func (s *Server) newMediaServer(cfg MediaServerConfig) (*mediaServer, error) {
	dialect, err := s.cfg.Control.dialect()
	if err != nil {
		return nil, err
	}
	log := s.log.With("ms", cfg.Name)
	ms := &mediaServer{
		cfg: cfg, control: s.cfg.Control, ua: s.ua, from: s.self, certificate: s.certificate.Current, log: log, since: time.Now(),
		network: s.cfg.Network.WithDefaults(),
		changed: func() { s.mailboxes.wakeAll() },
	}
	ms.cameUp = func(c channel) { s.channelUp(ms, c) }
	ms.mscp = mscp.Config{Dialect: dialect, Logger: log, OnNotification: func(e mscp.Element) { s.notified(ms, e) }}
	if s.trace.Enabled() {
		ms.mscp.Trace = func(e mscp.TraceEvent) {
			s.trace.Record(daemon.TraceRecord{
				Time: e.Time, Protocol: "MSCP", Direction: daemon.Direction(e.Sent),
				Local: e.Local.String(), Peer: e.Remote.String(), Raw: string(e.Raw), Size: len(e.Raw),
			})
		}
	}
	ms.ctx, ms.cancel = context.WithCancel(s.ctx)
	return ms, nil
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
