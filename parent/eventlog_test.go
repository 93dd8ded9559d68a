//go:build linux

package parent

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/ptsns/ptsns/hub"
)

// eventLine is what the log says of an event.
type eventLine struct {
	Time     time.Time
	Level    string
	Msg      string
	Terminal string
	Who      string
	Count    int
}

// lockedLog is a log that is read while it may be written.
type lockedLog struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lockedLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// take returns what was written since it was last called.
func (l *lockedLog) take() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.text.Reset()
	return l.text.String()
}

func TestEventLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log lockedLog
		var events hub.Events
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			logEvents(ctx, &events, slog.New(slog.NewJSONHandler(&log, nil)))
		}()
		lines := func() (lines []eventLine) {
			t.Helper()
			synctest.Wait()
			for line := range strings.Lines(log.take()) {
				var l eventLine
				if err := json.Unmarshal([]byte(line), &l); err != nil {
					t.Fatalf("%q: %v", line, err)
				}
				l.Time = l.Time.UTC()
				lines = append(lines, l)
			}
			return lines
		}
		start := time.Now().UTC()
		synctest.Wait()
		events.Add(hub.EventOpened, 0, "sh")
		if got := lines(); got != nil {
			t.Errorf("an opened terminal: %+v", got)
		}
		// While events gather, each keeps its time.
		events.Add(hub.EventJoined, 0, "ann (ssh)")
		time.Sleep(eventPause / 4)
		events.Add(hub.EventRefused, -1, "tmux")
		if got := lines(); got != nil {
			t.Errorf("in the pause: %+v", got)
		}
		time.Sleep(eventPause)
		want := []eventLine{{start, "INFO", "joined", "0", "ann (ssh)", 0}, {start.Add(eventPause / 4), "WARN", "refused", "", "tmux", 0}}
		if diff := cmp.Diff(want, lines()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		// More than are kept.
		for range 300 {
			events.Add(hub.EventOpened, 0, "")
		}
		events.Add(hub.EventKicked, 3, "bob")
		time.Sleep(2 * eventPause)
		now := lines()
		if len(now) != 2 || now[0].Msg != "events missed" || now[0].Count != 301-256 || now[1].Msg != "kicked" || now[1].Terminal != "3" {
			t.Errorf("after many: %+v", now)
		}
		cancel()
		<-ended
	})
}

// A log has a bound, and what was written last is in it.
func TestLogFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	log := &logFile{f: f}
	const line = "line %06d, which is as long as it is\n"
	last := 0
	for i := range 3 * maxLog / len(fmt.Sprintf(line, 0)) {
		if n, err := fmt.Fprintf(log, line, i); err != nil || n != len(fmt.Sprintf(line, i)) {
			t.Fatalf("%d, %v", n, err)
		}
		last = i
		if info, err := f.Stat(); err != nil || info.Size() > maxLog {
			t.Fatalf("%d bytes, %v", info.Size(), err)
		}
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(text) < maxLog/2-100 {
		t.Errorf("%d bytes are left", len(text))
	}
	first := last + 1 - strings.Count(string(text), "\n")
	for got := range strings.Lines(string(text)) {
		if want := fmt.Sprintf(line, first); got != want {
			t.Fatalf("%q, want %q", got, want)
		}
		first++
	}

	// What is not a file has no bound.
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	if _, err := (&logFile{f: w}).Write([]byte("x\n")); err != nil {
		t.Error(err)
	}
}
