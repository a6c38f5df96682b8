package as

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/gomscp/gomscp/internal/budget"
)

// registerState adds to the metrics what is read at scrape time. A nil memory has no limit.
func (s *Server) registerState(memory *budget.Budget) {
	m := s.metrics
	m.reg.MustRegister(clusterCollector{s})
	m.reg.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "mscp_as_recipients", Help: "Recipients for whom messages are, or may be, kept.",
	}, func() float64 { return float64(s.mailboxes.Len()) }))
	if memory != nil {
		m.reg.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "mscp_as_held_bytes", Help: "Memory that calls and recipients are counted for.",
		}, func() float64 { return float64(memory.Used()) }), prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "mscp_as_held_limit_bytes", Help: "The most of that: three quarters of limitmemory.",
		}, func() float64 { return float64(memory.Limit()) }))
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
