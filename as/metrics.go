package as

import (
	"errors"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/gomscp/gomscp/internal/daemon"
)

// metrics are the server's Prometheus metrics.
type metrics struct {
	reg      *prometheus.Registry
	calls    *prometheus.CounterVec // by SIP code
	setup    prometheus.Histogram   // seconds
	pushes   *prometheus.CounterVec // by outcome
	presence *prometheus.CounterVec // notifications by what they said

	rejected    *prometheus.CounterVec // requests of the outside, by why
	pushTime    prometheus.Histogram   // seconds, of those that delivered
	inventories *prometheus.CounterVec // by outcome
	repairs     *prometheus.CounterVec // entries of the directory, by what was done
}

func newMetrics() *metrics {
	m := &metrics{
		reg: prometheus.NewRegistry(),
		calls: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "mscp_as_calls_total", Help: "Calls of the outside by the SIP code that answered their INVITE.",
		}, []string{"code"}),
		setup: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "mscp_as_call_setup_duration_seconds", Help: "From a caller's INVITE to its ACK.",
			Buckets: prometheus.ExponentialBuckets(0.001, 2, 14),
		}),
		pushes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "mscp_as_pushes_total", Help: "Push sessions by outcome.",
		}, []string{"outcome"}),
		presence: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "mscp_as_presence_notifications_total", Help: "Presence notifications by what they said.",
		}, []string{"state"}),
	}
	m.rejected = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "mscp_as_rejected_total", Help: "Requests of the outside that were not let in, by reason.",
	}, []string{"reason"})
	m.pushTime = prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "mscp_as_push_duration_seconds", Help: "Push sessions that delivered all, from the media server's INVITE to the end.",
		Buckets: prometheus.ExponentialBuckets(0.005, 2, 16),
	})
	m.inventories = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "mscp_as_inventories_total", Help: "Inventories of media servers by outcome.",
	}, []string{"outcome"})
	m.repairs = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "mscp_as_directory_repairs_total", Help: "Entries of the directory that an inventory added or removed.",
	}, []string{"change"})
	m.reg.MustRegister(m.rejected, m.pushTime, m.inventories, m.repairs, m.calls, m.setup, m.pushes, m.presence,
		daemon.BuildInfo("mscp_as_build_info"), collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// pushed counts the outcome of a push.
func (m *metrics) pushed(err error, d time.Duration) {
	m.pushes.WithLabelValues(outcome(err)).Inc()
	if err == nil {
		m.pushTime.Observe(d.Seconds())
	}
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
