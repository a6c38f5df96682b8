package memory

import (
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/gomscp/gomscp/msrp"
)

// A Collector reads at scrape time how much of a Pool is taken.
type Collector struct{ Pool *Pool }

var (
	descHeld        = prometheus.NewDesc("mscp_mediaserver_held_bytes", "Memory that is held for peers, by what it is for: all, or store sessions and their messages.", []string{"for"}, nil)
	descHeldLimit   = prometheus.NewDesc("mscp_mediaserver_held_limit_bytes", "The most of that; absent without limits.memory.", []string{"for"}, nil)
	descHeldRefused = prometheus.NewDesc("mscp_mediaserver_held_refused_total", "How often there was not enough of it, in all, for store sessions, for one sender or for one session.", []string{"for"}, nil)
)

// Describe implements [prometheus.Collector].
func (Collector) Describe(ch chan<- *prometheus.Desc) {
	ch <- descHeld
	ch <- descHeldLimit
	ch <- descHeldRefused
}

// Collect implements [prometheus.Collector].
func (c Collector) Collect(ch chan<- prometheus.Metric) {
	if c.Pool.All == nil {
		return
	}
	for name, n := range map[string]*atomic.Int64{partSender: &c.Pool.refusedSenders, partSession: &c.Pool.refusedSessions} {
		ch <- prometheus.MustNewConstMetric(descHeldRefused, prometheus.CounterValue, float64(n.Load()), name)
	}
	for name, b := range map[string]*msrp.Budget{partAll: c.Pool.All, partStores: c.Pool.Stores} {
		ch <- prometheus.MustNewConstMetric(descHeld, prometheus.GaugeValue, float64(b.Used()), name)
		ch <- prometheus.MustNewConstMetric(descHeldLimit, prometheus.GaugeValue, float64(b.Limit()), name)
		ch <- prometheus.MustNewConstMetric(descHeldRefused, prometheus.CounterValue, float64(b.Refused()), name)
	}
}
