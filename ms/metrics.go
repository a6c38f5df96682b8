package ms

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// metrics are the server's Prometheus metrics.
type metrics struct {
	reg       *prometheus.Registry
	kept      prometheus.Counter
	bytes     prometheus.Counter
	commit    prometheus.Histogram // seconds
	refused   *prometheus.CounterVec
	delivered prometheus.Counter
	channels  prometheus.Gauge
}

func newMetrics() *metrics {
	m := &metrics{
		reg: prometheus.NewRegistry(),
		kept: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "mscp_ms_messages_stored_total", Help: "Messages that were stored durably.",
		}),
		bytes: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "mscp_ms_stored_bytes_total", Help: "Bytes of the bodies of stored messages.",
		}),
		commit: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "mscp_ms_commit_seconds", Help: "From a message's last byte to its place on disk.",
			Buckets: prometheus.ExponentialBuckets(0.0001, 2, 16),
		}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "mscp_ms_messages_refused_total", Help: "Messages refused, by reason.",
		}, []string{"reason"}),
		delivered: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "mscp_ms_messages_delivered_total", Help: "Messages that a user agent confirmed.",
		}),
		channels: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "mscp_ms_control_channels", Help: "Control channels that are up.",
		}),
	}
	m.reg.MustRegister(m.kept, m.bytes, m.commit, m.refused, m.delivered, m.channels,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// registerState adds what is read from the server at scrape time.
func (m *metrics) registerState(s *Server) {
	sessions := func(name, help string, kind dialogKind) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help},
			func() float64 { return float64(s.connections.count(kind)) })
	}
	m.reg.MustRegister(
		sessions("mscp_ms_store_sessions", "Live store sessions.", storeDialog),
		sessions("mscp_ms_push_sessions", "Live push sessions.", pushDialog),
	)
}

func (m *metrics) stored(bytes int64, commit time.Duration) {
	m.kept.Inc()
	m.bytes.Add(float64(bytes))
	m.commit.Observe(commit.Seconds())
}
