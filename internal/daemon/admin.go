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
)

// Limits of the admin endpoint.
const (
	adminHeaderBytes  = 16 << 10
	adminHeaderWait   = 5 * time.Second
	adminRequestWait  = 60 * time.Second
	adminShutdownWait = 2 * time.Second
)

// Admin is the HTTP endpoint for the operator: /healthz (the process lives),
// /readyz (it can serve), /metrics (Prometheus), /debug/pprof, the pages of the node
// itself, and / which lists them. It carries no authentication, so it belongs on a
// loopback address.
type Admin struct {
	srv *http.Server
	ln  net.Listener
}

// AdminPages are the pages of a node, by their http.ServeMux pattern. About has a
// sentence for each, for the page that lists them.
type AdminPages struct {
	Handlers map[string]http.HandlerFunc
	About    map[string]string
}

// An AdminConfig is what ServeAdmin serves.
type AdminConfig struct {
	Addr     string   // host:port to listen at; "" is none
	Hosts    []string // names under which it may be asked, beside its address and localhost
	Node     string   // name of the node
	Registry *prometheus.Registry
	Ready    func() error // why the process cannot serve now, or nil
	Pages    AdminPages
	Log      *slog.Logger
}

// ServeAdmin starts the endpoint; without an address it starts nothing and returns
// nil.
func ServeAdmin(c AdminConfig) (*Admin, error) {
	if c.Addr == "" {
		return nil, nil
	}
	ln, err := net.Listen("tcp", c.Addr)
	if err != nil {
		return nil, fmt.Errorf("admin: %w", err)
	}
	a := &Admin{ln: ln, srv: &http.Server{
		Handler:           guard(c.Hosts, adminMux(c)),
		ReadHeaderTimeout: adminHeaderWait,
		ReadTimeout:       adminRequestWait,
		MaxHeaderBytes:    adminHeaderBytes,
		ErrorLog:          slog.NewLogLogger(c.Log.Handler(), slog.LevelDebug),
	}}
	go func() {
		if err := a.srv.Serve(ln); err != nil && !errors.Is(err, http.ErrServerClosed) {
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

// Addr is the address the endpoint listens on, "" for a nil Admin.
func (a *Admin) Addr() string {
	if a == nil {
		return ""
	}
	return a.ln.Addr().String()
}

// Close ends the endpoint; requests under way get a short time to finish.
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
