package ms

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/gomscp/gomscp/internal/daemon"
)

// metrics are the server's Prometheus metrics, beside those of its store.
type metrics struct {
	reg         *prometheus.Registry
	commit      prometheus.Histogram // seconds
	refused     *prometheus.CounterVec
	unknown     *prometheus.CounterVec // by outcome
	dropped     prometheus.Counter
	delivered   prometheus.Counter
	undelivered prometheus.Counter
	withheld    *prometheus.CounterVec // by reason
	givenUp     prometheus.Counter
	receipts    *prometheus.CounterVec
	channels    prometheus.Gauge
	rejected    *prometheus.CounterVec // strangers, by protocol
}

func newMetrics() *metrics {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
	}
	m := &metrics{
		reg: prometheus.NewRegistry(),
		commit: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "mscp_mediaserver_commit_duration_seconds", Help: "From a message's last byte to its place on disk.",
			Buckets: prometheus.ExponentialBuckets(0.0001, 2, 16),
		}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "mscp_mediaserver_messages_refused_total", Help: "Messages refused, by reason.",
		}, []string{"reason"}),
		unknown: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "mscp_mediaserver_messages_unknown_total", Help: "Messages answered with 408 before it was known whether they are kept, by outcome; one that is kept may come again.",
		}, []string{"outcome"}),
		dropped:     counter("mscp_mediaserver_notifications_dropped_total", "Signs of composing, disposition notifications and what else clients send by themselves that was not kept."),
		delivered:   counter("mscp_mediaserver_messages_delivered_total", "Messages that a user agent confirmed."),
		undelivered: counter("mscp_mediaserver_messages_undelivered_total", "Attempts to deliver a message that failed; it stays."),
		givenUp:     counter("mscp_mediaserver_messages_given_up_total", "Messages set aside because no device has taken them."),
		withheld: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "mscp_mediaserver_messages_withheld_total", Help: "Messages that a user agent does not take and another may, by reason; again in each push.",
		}, []string{"reason"}),
		receipts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "mscp_mediaserver_receipts_total", Help: "Notifications to senders that a message is stored, by outcome.",
		}, []string{"outcome"}),
		channels: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "mscp_mediaserver_control_channels", Help: "Control channels that are up.",
		}),
	}
	m.rejected = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "mscp_mediaserver_strangers_rejected_total", Help: "SIP requests and MSCP connections of others than the application servers, by protocol.",
	}, []string{"protocol"})
	m.reg.MustRegister(m.rejected, m.commit, m.refused, m.unknown, m.dropped, m.delivered, m.undelivered, m.withheld, m.givenUp, m.receipts, m.channels,
		daemon.BuildInfo("mscp_mediaserver_build_info"), collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// gauge is a metric that is read at scrape time.
func gauge(name, help string, read func() int) prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 { return float64(read()) })
}
