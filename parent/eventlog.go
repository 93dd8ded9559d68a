//go:build linux

package parent

import (
	"context"
	"log/slog"
	"time"

	"github.com/ptsns/ptsns/hub"
)

// eventPause is how long the log leaves events to gather once it has written some: a
// program that opens terminals as fast as it can wakes it once a second.
const eventPause = time.Second

// loggedEvents are the kinds that are logged: who came to a terminal and went, and what
// people would otherwise look for in vain. Terminals come and go by the thousand, and
// failed recordings are logged where they fail.
var loggedEvents = map[string]slog.Level{
	hub.EventJoined:  slog.LevelInfo,
	hub.EventLeft:    slog.LevelInfo,
	hub.EventKicked:  slog.LevelInfo,
	hub.EventStolen:  slog.LevelInfo,
	hub.EventRefused: slog.LevelWarn,
}

// eventSource is a *hub.Events.
type eventSource interface {
	Since(ctx context.Context, seq uint64) ([]hub.Event, error)
}

// startEventLog logs events until stop is called, which waits for what is being written.
func startEventLog(events eventSource, log *slog.Logger) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	logged := make(chan struct{})
	go func() { // ends with ctx
		defer close(logged)
		logEvents(ctx, events, log)
	}()
	return func() {
		cancel()
		<-logged
	}
}

// logEvents logs events until ctx is done, each with its own time.
func logEvents(ctx context.Context, events eventSource, log *slog.Logger) {
	var seq uint64
	for {
		list, err := events.Since(ctx, seq)
		if err != nil {
			return // ctx is done
		}
		if missed := list[0].Seq - seq - 1; missed > 0 {
			log.Warn("events missed", "count", missed)
		}
		for _, e := range list {
			seq = e.Seq
			level, ok := loggedEvents[e.Kind]
			if !ok {
				continue
			}
			r := slog.NewRecord(e.Time, level, e.Kind, 0)
			if e.Terminal != "" {
				r.AddAttrs(slog.String("terminal", e.Terminal))
			}
			r.AddAttrs(slog.String("who", e.Text))
			_ = log.Handler().Handle(ctx, r) // a log that cannot be written cannot say so
		}
		pause := time.NewTimer(eventPause)
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
			return
		}
	}
}
