package as

import (
	"errors"
	"log/slog"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/gomscp/gomscp/as/internal/access"
	"github.com/gomscp/gomscp/as/internal/mailbox"
	"github.com/gomscp/gomscp/as/internal/presence"
	"github.com/gomscp/gomscp/internal/daemon"
)

// Server is a running application server.
type Server struct {
	cfg  Config
	log  *slog.Logger
	life *lifetime

	// Towards SIP.
	legs        *legs
	gate        *access.Gate
	certificate daemon.Certificate
	presence    *presence.Source

	// Towards the media servers.
	cluster *cluster
	reports *reports

	// What is kept for whom.
	dir       *Directory
	mailboxes *mailbox.Mailboxes

	// For the operator.
	metrics *metrics
	admin   *daemon.Admin
	trace   *daemon.TraceWriter
	loaded  loaded
}

// loaded is the configuration of the last Reload, or of the start.
type loaded struct {
	mu  sync.Mutex // held over a whole reload
	cfg Config
}

// Addr returns the host:port where the server accepts SIP.
func (s *Server) Addr() string { return s.legs.ua.Addr() }

// TLSAddr returns the host:port where the server accepts SIP over TLS, "" without TLS.
func (s *Server) TLSAddr() string { return s.legs.ua.TLSAddr() }

// Ready returns nil if the server can take calls, and otherwise the reason. At least one
// control channel must be up.
func (s *Server) Ready() error {
	for _, ms := range s.cluster.All() {
		if ms.Up() {
			return nil
		}
	}
	return errors.New("no control channel to any media server")
}

// Sessions returns the number of live store sessions of each media server, by
// its name: Count(Si) of equation (1).
func (s *Server) Sessions() map[string]int { return s.cluster.balancer.Counts() }

// Registry returns the server's metrics, for a program that embeds the server.
func (s *Server) Registry() *prometheus.Registry { return s.metrics.reg }
