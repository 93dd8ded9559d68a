package control

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"
)

const (
	// leaveGrace is how long clients may take to hear the last of a namespace that
	// has ended. Owners have no such bound unless the end was asked for: all output
	// of a program reaches whoever started it, be it through a pager.
	leaveGrace    = time.Second
	headerTimeout = 30 * time.Second
	idleTimeout   = 2 * time.Minute
	maxHeader     = 16 << 10
)

// Serve lets clients in: first, which was inherited and is trusted (nil when
// there is none), and those that l accepts, if they are of our user or root. It
// owns both and returns when ns has ended and its clients have heard so. When
// ctx is done, when first goes away before a program was started, or when l
// fails, it ends ns.
func Serve(ctx context.Context, ns Namespace, first net.Conn, l net.Listener) error {
	return serve(ctx, newLive(ns), first, l)
}

func serve(ctx context.Context, ns namespace, first net.Conn, l net.Listener) error {
	h := newHandler(ns)
	srv := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: headerTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		ConnContext:       withPeer,
		ConnState: func(c net.Conn, state http.ConnState) {
			if c == first && state == http.StateClosed && !h.started.Load() {
				ns.End()
			}
		},
	}
	stop := context.AfterFunc(ctx, func() {
		ns.End()
		h.clients.hurry()
	})
	defer stop()

	accepting := make(chan error, 1)
	go func() { // ends at Shutdown below; received there
		err := srv.Serve(guardListener(l, first))
		if !errors.Is(err, http.ErrServerClosed) {
			ns.End()
		}
		accepting <- err
	}()

	<-ns.Done()
	h.clients.drain()
	bound, cancel := context.WithTimeout(context.Background(), leaveGrace)
	defer cancel()
	if srv.Shutdown(bound) != nil {
		_ = srv.Close() // what is still open has had its time
	}
	if err := <-accepting; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("accept clients: %w", err)
	}
	return nil
}
