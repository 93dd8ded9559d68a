package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/ptsns/ptsns/metrics"
	"github.com/ptsns/ptsns/parent"
	"github.com/spf13/pflag"
)

// metricsLeaveTime is how long a scrape may go on once the door closes.
const metricsLeaveTime = 2 * time.Second

// metricsDoor tells Prometheus how busy the namespaces are. Nobody comes to a terminal
// by it, so it asks nobody who they are.
type metricsDoor struct {
	addr string
	l    net.Listener
}

func (d *metricsDoor) addFlags(flags *pflag.FlagSet) {
	flags.StringVar(&d.addr, "metrics", "", "serve /metrics for Prometheus at `ADDR`, to whoever can reach it")
}

func (d *metricsDoor) enabled() bool { return d.addr != "" }

func (d *metricsDoor) listen() (err error) {
	addr, err := listenAddress("metrics", d.addr)
	if err != nil {
		return err
	}
	if d.l, err = net.Listen("tcp", addr); err != nil {
		return fmt.Errorf("metrics: %w", err)
	}
	fmt.Fprintf(os.Stderr, "ptsns: metrics on %v\n", d.l.Addr())
	return nil
}

func (d *metricsDoor) serve(ctx context.Context, p *parent.Parent, log *slog.Logger) error {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", metrics.Handler(p))
	srv := &http.Server{
		Handler:           mux,
		ReadHeaderTimeout: 10 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(log.With("door", "metrics").Handler(), slog.LevelWarn),
	}
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(d.l) }() // ends with Shutdown or Close
	select {
	case err := <-failed:
		return fmt.Errorf("metrics: %w", err)
	case <-ctx.Done():
	}
	bound, cancel := context.WithTimeout(context.Background(), metricsLeaveTime)
	defer cancel()
	if srv.Shutdown(bound) != nil {
		_ = srv.Close() // who is still there has had their time
	}
	if err := <-failed; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("metrics: %w", err)
	}
	return nil
}
