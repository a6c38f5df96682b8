package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/gomscp/gomscp/internal/admit"
	"github.com/gomscp/gomscp/internal/quietlog"
)

// Limits of the admin endpoint.
const (
	adminHeaderBytes  = 16 << 10
	adminHeaderWait   = 5 * time.Second
	adminRequestWait  = 60 * time.Second // for a request, and for the next on a connection
	adminAnswerWait   = 3 * time.Minute  // for the client to take an answer; bounds profiles, too
	adminShutdownWait = 2 * time.Second

	// adminConnections is how many connections there may be. One more gets the place of
	// the oldest, of the source that has the most, so that it is always heard.
	adminConnections = 64
)

// Admin is the operator's HTTP endpoint: /healthz (the process works), /readyz (it can
// serve), /metrics (Prometheus), /debug/pprof, the pages of the node, and / with a list
// of them. It has no authentication, so its address should be on loopback.
type Admin struct {
	srv  *http.Server
	ln   net.Listener
	gate *admit.Gate
}

// AdminPages are the pages of a node, by their http.ServeMux pattern. About has a
// sentence for each page, for the list of pages.
type AdminPages struct {
	Handlers map[string]http.HandlerFunc
	About    map[string]string
}

// An AdminConfig has the settings of ServeAdmin.
type AdminConfig struct {
	Addr     string   // host:port to listen at; "" means none
	Hosts    []string // host names that requests may have, in addition to the address and localhost
	Node     string   // name of the node
	Registry *prometheus.Registry
	Ready    func() error // returns why the process cannot serve now, or nil
	Pages    AdminPages
	Log      *slog.Logger
}

// ServeAdmin starts the endpoint. Without an address it starts nothing and returns nil.
func ServeAdmin(c AdminConfig) (*Admin, error) {
	if c.Addr == "" {
		return nil, nil
	}
	ln, err := net.Listen("tcp", c.Addr)
	if err != nil {
		return nil, fmt.Errorf("admin: %w", err)
	}
	gate := admit.NewGate(admit.Limits{All: adminConnections})
	a := &Admin{ln: ln, gate: gate, srv: &http.Server{
		Handler:           guard(c.Hosts, adminMux(c)),
		ReadHeaderTimeout: adminHeaderWait,
		ReadTimeout:       adminRequestWait,
		WriteTimeout:      adminAnswerWait,
		MaxHeaderBytes:    adminHeaderBytes,
		ErrorLog:          slog.NewLogLogger(c.Log.Handler(), slog.LevelDebug),
	}}
	quiet := &quietlog.Log{}
	guarded := admit.Listener(ln, gate, func(from net.Addr) {
		quiet.Warn(c.Log, "admin connection closed: too many", "connections", "source", from)
	})
	go func() {
		if err := a.srv.Serve(guarded); err != nil && !errors.Is(err, http.ErrServerClosed) {
			c.Log.Error("admin endpoint ended", "err", err)
		}
	}()
	return a, nil
}

// ownPages are those that every node has.
var ownPages = map[string]string{
	"GET /healthz":             "whether the process lives",
	"GET /readyz":              "whether it can serve, or why not",
	"GET /metrics":             "metrics for Prometheus",
	"GET /debug/pprof/":        "profiles of the process",
	"GET /debug/pprof/profile": "processor profile of ?seconds=30",
	"GET /debug/pprof/trace":   "execution trace of ?seconds=1",
	"GET /debug/pprof/symbol":  "names of program counters",
}

func adminMux(c AdminConfig) *http.ServeMux {
	mux := http.NewServeMux()
	for pattern, h := range c.Pages.Handlers {
		mux.HandleFunc(pattern, h)
	}
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, "ok")
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if err := c.Ready(); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ready")
	})
	mux.Handle("GET /metrics", promhttp.HandlerFor(c.Registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	mux.HandleFunc("GET /{$}", indexPage(c))
	return mux
}

// Addr returns the address of the endpoint, "" for a nil Admin.
func (a *Admin) Addr() string {
	if a == nil {
		return ""
	}
	return a.ln.Addr().String()
}

// Counts returns the number of connections and of refusals; zero for a nil Admin.
func (a *Admin) Counts() admit.Counts {
	if a == nil {
		return admit.Counts{}
	}
	return a.gate.Counts()
}

// Close ends the endpoint. Requests in progress get a short time to finish.
func (a *Admin) Close() error {
	if a == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), adminShutdownWait)
	defer cancel()
	if err := a.srv.Shutdown(ctx); err != nil {
		return a.srv.Close()
	}
	return nil
}
