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
// /readyz (it can serve), /metrics (Prometheus) and /debug/pprof. It carries
// no authentication, so it belongs on a loopback address.
type Admin struct {
	srv *http.Server
	ln  net.Listener
}

// ServeAdmin starts the endpoint on addr; "" starts nothing and returns nil.
// ready tells why the process cannot serve now, or nil. pages are the node's
// own, by their http.ServeMux pattern.
func ServeAdmin(addr string, reg *prometheus.Registry, ready func() error, pages map[string]http.HandlerFunc, log *slog.Logger) (*Admin, error) {
	if addr == "" {
		return nil, nil
	}
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("admin: %w", err)
	}
	a := &Admin{ln: ln, srv: &http.Server{
		// A web page in the operator's browser must not post here.
		Handler:           http.NewCrossOriginProtection().Handler(adminMux(reg, ready, pages)),
		ReadHeaderTimeout: adminHeaderWait,
		ReadTimeout:       adminRequestWait,
		MaxHeaderBytes:    adminHeaderBytes,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}}
	go func() {
		if err := a.srv.Serve(ln); err != nil && !errors.Is(err, http.ErrServerClosed) {
			log.Error("admin endpoint ended", "err", err)
		}
	}()
	return a, nil
}

func adminMux(reg *prometheus.Registry, ready func() error, pages map[string]http.HandlerFunc) *http.ServeMux {
	mux := http.NewServeMux()
	for pattern, h := range pages {
		mux.HandleFunc(pattern, h)
	}
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, "ok")
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if err := ready(); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ready")
	})
	mux.Handle("GET /metrics", promhttp.HandlerFor(reg, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
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
