package ms

import (
	"github.com/gomscp/gomscp/internal/daemon"
	"github.com/gomscp/gomscp/sipua"
)

// reloadable are the settings that Reload puts in force.
var reloadable = []string{"access", "limits", "tls.certificate", "tls.key"}

// Reload applies access, limits and the files of the certificate of another configuration
// while the server runs. Only a restart switches TLS on or off. A warning names other
// settings that have changed; they wait for a restart. After an error nothing has
// changed. Live sessions stay.
func (s *Server) Reload(cfg Config) error {
	if err := cfg.Validate(); err != nil {
		return err
	}
	peers, err := cfg.Access.parse()
	if err != nil {
		return err
	}
	use, err := s.certificate.Renew(sipua.LoadCertificate, cfg.TLS)
	if err != nil {
		return err
	}
	s.reloading.Lock()
	defer s.reloading.Unlock()
	s.access.peers.Store(peers)
	use()
	s.store.SetLimits(cfg.Limits.store())
	s.memory.SetLimit(cfg.Limits.Memory)
	s.log.Info("configuration reloaded", "changed", daemon.Changed(s.loaded, cfg))
	for _, key := range daemon.Changed(*s.cfg, cfg) {
		if !daemon.Under(key, reloadable...) {
			s.log.Warn("setting changes with a restart only", "key", key)
		}
	}
	s.loaded = cfg
	return nil
}
