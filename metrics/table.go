//go:build linux

package metrics

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/ptsns/ptsns/parent"
)

var (
	up = prometheus.NewDesc("ptsns_server_up",
		"Whether the server of the namespace answers. While it does not, there are no other metrics of the namespace.",
		[]string{"namespace"}, nil)
	viewers = prometheus.NewDesc("ptsns_viewers",
		"Viewers of the namespace's terminals now, by the door through which they came.",
		[]string{"namespace", "door"}, nil)
)

// perNamespace are the metrics that are one number a namespace.
var perNamespace = []metric{
	gauge("ptsns_terminals", "Terminals that are open in the namespace now.",
		func(ns parent.Listed) uint64 { return uint64(len(ns.Terminals)) }),
	counter("ptsns_terminals_opened_total", "Terminals that were opened in the namespace and pass through ptsns.",
		func(ns parent.Listed) uint64 { return ns.Opened }),
	counter("ptsns_terminals_refused_total", "Terminals that could not be opened because the namespace, or the kernel, has no room for more (ENOSPC).",
		func(ns parent.Listed) uint64 { return ns.Refused }),
	counter("ptsns_terminal_input_bytes_total", "Bytes typed at the namespace's terminals, those that have ended too.",
		func(ns parent.Listed) uint64 { return ns.BytesIn }),
	counter("ptsns_terminal_output_bytes_total", "Bytes of output of the namespace's terminals, those that have ended too.",
		func(ns parent.Listed) uint64 { return ns.BytesOut }),
	counter("ptsns_viewer_dropped_bytes_total", "Bytes of output that viewers missed because they did not read in time.",
		func(ns parent.Listed) uint64 { return ns.BytesLost }),
	gauge("ptsns_recordings", "Recordings of the namespace's terminals that are being written now.", recordings),
}

// metric is one number of a namespace.
type metric struct {
	desc  *prometheus.Desc
	kind  prometheus.ValueType
	value func(parent.Listed) float64
}

func gauge(name, help string, value func(parent.Listed) uint64) metric {
	return newMetric(name, help, prometheus.GaugeValue, value)
}

func counter(name, help string, value func(parent.Listed) uint64) metric {
	return newMetric(name, help, prometheus.CounterValue, value)
}

func newMetric(name, help string, kind prometheus.ValueType, value func(parent.Listed) uint64) metric {
	return metric{prometheus.NewDesc(name, help, []string{"namespace"}, nil), kind,
		func(ns parent.Listed) float64 { return float64(value(ns)) }}
}

func recordings(ns parent.Listed) (n uint64) {
	for _, t := range ns.Terminals {
		n += uint64(len(t.Recordings))
	}
	return n
}
