package as

import (
	"errors"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// metrics are the server's Prometheus metrics.
type metrics struct {
	reg      *prometheus.Registry
	calls    *prometheus.CounterVec // by SIP code
	setup    prometheus.Histogram   // seconds
	sessions *prometheus.GaugeVec   // live store sessions by media server
	pushes   *prometheus.CounterVec // by outcome
	presence *prometheus.CounterVec // notifications by what they said
}

func newMetrics() *metrics {
	m := &metrics{
		reg: prometheus.NewRegistry(),
		calls: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "mscp_as_calls_total", Help: "Calls of the outside by the SIP code that answered their INVITE.",
		}, []string{"code"}),
		setup: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "mscp_as_call_setup_seconds", Help: "From a caller's INVITE to its ACK.",
			Buckets: prometheus.ExponentialBuckets(0.001, 2, 14),
		}),
		sessions: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "mscp_as_store_sessions", Help: "Live store sessions by media server.",
		}, []string{"ms"}),
		pushes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "mscp_as_pushes_total", Help: "Push sessions by outcome.",
		}, []string{"outcome"}),
		presence: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "mscp_as_presence_notifications_total", Help: "Presence notifications by what they said.",
		}, []string{"state"}),
	}
	m.reg.MustRegister(m.calls, m.setup, m.sessions, m.pushes, m.presence,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// registerState adds what is read from the server at scrape time.
func (m *metrics) registerState(s *Server) {
	for _, ms := range s.servers {
		m.reg.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "mscp_as_channel_up", Help: "1 while the control channel is up.",
			ConstLabels: prometheus.Labels{"ms": ms.cfg.Name},
		}, func() float64 {
			if ms.up() {
				return 1
			}
			return 0
		}))
	}
	m.reg.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "mscp_as_recipients", Help: "Recipients for whom messages are, or may be, kept.",
	}, func() float64 { return float64(s.mailboxes.len()) }))
}

// setUp counts the outcome of a caller's INVITE.
func (m *metrics) setUp(err error, d time.Duration) {
	code := 200
	if err != nil {
		code = 500
		var r *refusal
		if errors.As(err, &r) {
			code = r.code
		}
	} else {
		m.setup.Observe(d.Seconds())
	}
	m.calls.WithLabelValues(strconv.Itoa(code)).Inc()
}
