package daemon

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/gomscp/gomscp/internal/admit"
)

// Ports are the functions that return the places in use at the ports of a process, by the
// name of the port.
type Ports map[string]func() admit.Counts

// PortCollector returns metrics of ports: prefix_held{port,who} and
// prefix_refused_total{port,reason}.
func PortCollector(prefix string, ports Ports) prometheus.Collector {
	return &portCollector{
		ports:   ports,
		held:    prometheus.NewDesc(prefix+"_held", "Connections and other places that are taken at a port, by who holds them: peers, or strangers.", []string{"port", "who"}, nil),
		refused: prometheus.NewDesc(prefix+"_refused_total", "What was refused, or ended, at a port for its number or its slowness, by reason.", []string{"port", "reason"}, nil),
	}
}

type portCollector struct {
	ports         Ports
	held, refused *prometheus.Desc
}

// Describe implements [prometheus.Collector].
func (c *portCollector) Describe(ch chan<- *prometheus.Desc) {
	ch <- c.held
	ch <- c.refused
}

// reasons are those that are told from the beginning, so that a rule can watch them.
var reasons = []string{admit.ReasonSource, admit.ReasonAll, admit.ReasonPeers, admit.ReasonEvicted, admit.ReasonLate, admit.ReasonRate}

// Collect implements [prometheus.Collector].
func (c *portCollector) Collect(ch chan<- prometheus.Metric) {
	for port, counts := range c.ports {
		n := counts()
		ch <- prometheus.MustNewConstMetric(c.held, prometheus.GaugeValue, float64(n.Peers), port, "peers")
		ch <- prometheus.MustNewConstMetric(c.held, prometheus.GaugeValue, float64(n.Strangers), port, "strangers")
		for _, reason := range reasons {
			ch <- prometheus.MustNewConstMetric(c.refused, prometheus.CounterValue, float64(n.Refused[reason]), port, reason)
		}
	}
}
