package as

import (
	"slices"

	"github.com/gomscp/gomscp/as/internal/access"
	"github.com/gomscp/gomscp/internal/daemon"
	"github.com/gomscp/gomscp/sipua"
)

// reloadable are the settings that Reload puts in force.
var reloadable = []string{"access", "limits", "media_servers", "tls.certificate", "tls.key"}

// Reload applies another configuration while the server runs: access, with the file of
// users read again, limits, media_servers, and the files of the certificate. Only a
// restart switches TLS on or off. A warning names other settings that have changed; they
// wait for a restart. After an error nothing has changed. Live calls stay. If
// media_servers is unchanged, drains by an operator stay, too. See SetMediaServers.
func (s *Server) Reload(cfg Config) error {
	cfg.MediaServers = slices.Clone(cfg.MediaServers) // which the caller may change
	if err := cfg.Validate(); err != nil {
		return err
	}
	rules, err := access.NewRules(cfg.Access)
	if err != nil {
		return err
	}
	use, err := s.certificate.Renew(sipua.LoadCertificate, cfg.TLS)
	if err != nil {
		return err
	}
	s.loaded.mu.Lock()
	defer s.loaded.mu.Unlock()
	if !slices.Equal(cfg.MediaServers, s.loaded.cfg.MediaServers) {
		if err := s.SetMediaServers(cfg.MediaServers); err != nil {
			return err
		}
	}
	s.gate.Change(rules, cfg.Limits)
	use()
	s.legs.ua.SetMaxStrangers(cfg.Limits.Connections, cfg.Limits.SourceConnections)
	s.log.Info("configuration reloaded", "changed", daemon.Changed(s.loaded.cfg, cfg))
	for _, key := range daemon.Changed(s.cfg, cfg) {
		if !daemon.Under(key, reloadable...) {
			s.log.Warn("setting changes with a restart only", "key", key)
		}
	}
	s.loaded.cfg = cfg
	return nil
}
