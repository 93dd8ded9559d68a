//go:build linux

// Package metrics tells Prometheus how busy the namespaces are: what `ptsns ls --json`
// knows, added up for each. It counts nothing itself; every scrape asks the servers, and
// between scrapes it does nothing.
//
// The counters are the servers' own. They begin at 0 with a namespace, so one of the same
// name that comes later begins anew, which Prometheus's rate() knows how to take.
//
// Locks: Collector.mu is a leaf. While servers are asked there is one goroutine,
// however many scrapes wait for what it learns.
package metrics

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/ptsns/ptsns/hub"
	"github.com/ptsns/ptsns/parent"
)

const (
	askTime    = 3 * time.Second // that servers may take to answer
	scrapeTime = 4 * time.Second // that a scrape takes at most; Prometheus's own default is ten
)

// errSlow is when not even the names of the namespaces could be had.
var errSlow = errors.New("the runtime directory did not tell the namespaces in time")

// Lister tells what every namespace is now; a *parent.Parent is one.
type Lister interface {
	List(ctx context.Context) ([]parent.Listed, error)
}

// Handler answers every request with the metrics of the namespaces that p lists, in
// Prometheus's text format or another that the request asks for. An answer takes four
// seconds at most: servers that do not answer within three are told as not up. When the
// namespaces cannot be listed, it is 500 with the reason.
func Handler(p Lister) http.Handler {
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(NewCollector(p))
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{})
}

// Collector is a prometheus.Collector, for a registry that has other metrics too. Its
// methods are safe for concurrent use.
type Collector struct {
	lister Lister

	mu     sync.Mutex
	asking *question // guarded by mu; nil when none is open
}

// question is a List on its way, for all who wait for it.
type question struct {
	answered chan struct{}   // closed when there is an answer
	list     []parent.Listed // immutable once answered is closed, like err
	err      error
}

// NewCollector makes a collector of what p lists.
func NewCollector(p Lister) *Collector { return &Collector{lister: p} }

// Describe implements prometheus.Collector.
func (c *Collector) Describe(ch chan<- *prometheus.Desc) {
	ch <- up
	ch <- viewers
	for _, m := range perNamespace {
		ch <- m.desc
	}
}

// Collect implements prometheus.Collector. It takes scrapeTime at most.
func (c *Collector) Collect(ch chan<- prometheus.Metric) {
	list, err := c.list()
	if err != nil {
		ch <- prometheus.NewInvalidMetric(up, err)
		return
	}
	for _, ns := range list {
		if ns.Error != "" {
			ch <- prometheus.MustNewConstMetric(up, prometheus.GaugeValue, 0, ns.Name)
			continue
		}
		ch <- prometheus.MustNewConstMetric(up, prometheus.GaugeValue, 1, ns.Name)
		for _, m := range perNamespace {
			ch <- prometheus.MustNewConstMetric(m.desc, m.kind, m.value(ns), ns.Name)
		}
		for door, n := range viewersByDoor(ns) {
			ch <- prometheus.MustNewConstMetric(viewers, prometheus.GaugeValue, float64(n), ns.Name, door)
		}
	}
}

// list asks, or waits for the answer to what another scrape has asked.
func (c *Collector) list() ([]parent.Listed, error) {
	c.mu.Lock()
	q := c.asking
	if q == nil {
		q = &question{answered: make(chan struct{})}
		c.asking = q
		go c.ask(q) // ends with the answer; until then nobody else asks
	}
	c.mu.Unlock()
	late := time.NewTimer(scrapeTime)
	defer late.Stop()
	select {
	case <-q.answered:
		return q.list, q.err
	case <-late.C:
		return nil, errSlow
	}
}

func (c *Collector) ask(q *question) {
	ctx, cancel := context.WithTimeout(context.Background(), askTime)
	defer cancel()
	q.list, q.err = c.lister.List(ctx)
	c.mu.Lock()
	c.asking = nil
	c.mu.Unlock()
	close(q.answered)
}

// doors are the values of the label door. There are no others, whatever viewers say of
// themselves.
var doors = []string{"local", "api", "ssh", "web", "other"}

// viewersByDoor counts who looks on, and tells of empty doors too.
func viewersByDoor(ns parent.Listed) map[string]int {
	counts := make(map[string]int, len(doors))
	for _, door := range doors {
		counts[door] = 0
	}
	for _, t := range ns.Terminals {
		for _, v := range t.Viewers {
			counts[doorOf(v)]++
		}
	}
	return counts
}

func doorOf(v hub.ViewerInfo) string {
	if slices.Contains(doors, v.Door) {
		return v.Door
	}
	return "other"
}
