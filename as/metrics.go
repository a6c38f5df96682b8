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

// registerState adds what is read from the server at scrape time.
func (m *metrics) registerState(s *Server) {
	m.reg.MustRegister(clusterCollector{s})
	m.reg.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "mscp_as_recipients", Help: "Recipients for whom messages are, or may be, kept.",
	}, func() float64 { return float64(s.mailboxes.Len()) }))
	if s.memory != nil {
		m.reg.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "mscp_as_held_bytes", Help: "Memory that calls and recipients are counted for.",
		}, func() float64 { return float64(s.memory.Used()) }), prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "mscp_as_held_limit_bytes", Help: "The most of that: three quarters of limits.memory.",
		}, func() float64 { return float64(s.memory.Limit()) }))
	}
	if _, ok := s.presence.Registered(); ok {
		m.reg.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "mscp_as_registered_users", Help: "Users whom the registrar has told to be registered.",
		}, func() float64 { n, _ := s.presence.Registered(); return float64(n) }))
	}
}

// A clusterCollector tells of the media servers that are configured at the
// moment of the scrape.
type clusterCollector struct{ s *Server }

var (
	descChannel  = prometheus.NewDesc("mscp_as_channel_up", "1 while the control channel is up.", []string{"ms"}, nil)
	descSince    = prometheus.NewDesc("mscp_as_channel_changed_timestamp_seconds", "When the control channel came or went, in seconds since 1970.", []string{"ms"}, nil)
	descSessions = prometheus.NewDesc("mscp_as_store_sessions", "Live store sessions by media server.", []string{"ms"}, nil)
	descWeight   = prometheus.NewDesc("mscp_as_weight", "Weight of a media server in the balancing.", []string{"ms"}, nil)
	descUnserved = prometheus.NewDesc("mscp_as_unserved_entries", "Entries of the directory by a media server that is not configured.", []string{"ms"}, nil)
	descDrained  = prometheus.NewDesc("mscp_as_drained", "1 while a media server gets no new store sessions.", []string{"ms"}, nil)
)

// Describe implements [prometheus.Collector].
func (clusterCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{descChannel, descSince, descSessions, descWeight, descDrained, descUnserved} {
		ch <- d
	}
}

// Collect implements [prometheus.Collector].
func (c clusterCollector) Collect(ch chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, ms string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, ms)
	}
	for _, st := range c.s.MediaServers() {
		gauge(descChannel, oneIf(st.Channel == "up"), st.Name)
		gauge(descSince, float64(st.Since.UnixMilli())/1000, st.Name)
		gauge(descWeight, float64(st.Weight), st.Name)
		gauge(descDrained, oneIf(st.Drained), st.Name)
	}
	for name, n := range c.s.mailboxes.Unserved() {
		gauge(descUnserved, float64(n), name)
	}
	for name, n := range c.s.Sessions() {
		gauge(descSessions, float64(n), name)
	}
}

func oneIf(b bool) float64 {
	if b {
		return 1
	}
	return 0
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
