//go:build linux

package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/ptsns/ptsns/cast"
	"github.com/ptsns/ptsns/hub"
	"github.com/ptsns/ptsns/recorder"
)

// recordGrace is how long the end of a namespace waits for its recordings' disks.
const recordGrace = 5 * time.Second

// RecordSpec says how a terminal is recorded.
type RecordSpec struct {
	File  string `json:"file"`            // an absolute path, of a file that does not exist
	Input bool   `json:"input,omitempty"` // what is typed too, but never while ECHO is off
	V2    bool   `json:"v2,omitempty"`    // asciicast v2 in place of v3
}

// ErrNotRecorded means that a terminal has no such recording.
var ErrNotRecorded = errors.New("no such recording")

// recordings are those of a namespace.
type recordings struct {
	dir   *recorder.Dir // nil unless every terminal is recorded; immutable
	group recorder.Group
}

// openRecordDir opens the directory that every terminal is recorded into, if there is one.
func (n *Namespace) openRecordDir() (err error) {
	if n.cfg.RecordDir == "" {
		return nil
	}
	n.recordings.dir, err = recorder.OpenDir(n.cfg.RecordDir)
	return err
}

// recordNew makes the recorder of a new terminal, nil when not all are recorded.
func (n *Namespace) recordNew(t *hub.Terminal) hub.Recorder {
	if n.recordings.dir == nil {
		return nil
	}
	spec := RecordSpec{Input: n.cfg.RecordInput, V2: n.cfg.RecordV2}
	now := time.Now()
	return n.recordings.dir.New(n.cfg.Name, t.Index(), now, n.header(t, now), n.recordOptions(t, spec))
}

func (n *Namespace) header(t *hub.Terminal, now time.Time) cast.Header {
	rows, cols := t.Size()
	return cast.Header{Rows: int(rows), Cols: int(cols), Start: now,
		Title: fmt.Sprintf("%s/%d", n.cfg.Name, t.Index())}
}

func (n *Namespace) recordOptions(t *hub.Terminal, spec RecordSpec) recorder.Options {
	o := recorder.Options{Input: spec.Input, Group: &n.recordings.group}
	if spec.V2 {
		o.Version = cast.V2
	}
	o.Failed = func(file string, err error) {
		slog.Error("a recording ended before its terminal", "terminal", t.Index(), "file", file, "error", err)
		n.hub.Events().Add(hub.EventRecording, t.Index(), fmt.Sprintf("%s: %v", file, err))
		t.Unrecord(file)
	}
	o.Lost = func(file string, bytes int64) {
		slog.Warn("a recording has a gap: its disk is too slow", "terminal", t.Index(), "file", file, "bytes", bytes)
		n.hub.Events().Add(hub.EventRecording, t.Index(), fmt.Sprintf("%s: %d bytes are missing", file, bytes))
	}
	return o
}

// Record begins a recording of a terminal, as it is now, into a new file.
func (n *Namespace) Record(t *hub.Terminal, spec RecordSpec) error {
	now := time.Now()
	r, err := recorder.New(spec.File, n.header(t, now), n.recordOptions(t, spec))
	if err != nil {
		return err
	}
	stop, err := t.Record(r)
	if err != nil {
		r.End(now) // an empty one: the terminal has just ended
		return err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.stops == nil {
		n.stops = make(map[*hub.Terminal]map[string]recording)
	}
	if n.stops[t] == nil {
		n.stops[t] = make(map[string]recording)
		go n.forgetRecordings(t)
	}
	n.stops[t][r.File()] = recording{stop, r}
	return nil
}

// recording is one that somebody asked for.
type recording struct {
	stop func()
	r    *recorder.Recorder
}

// forgetRecordings ends with the terminal.
func (n *Namespace) forgetRecordings(t *hub.Terminal) {
	<-t.Done()
	n.mu.Lock()
	delete(n.stops, t)
	n.mu.Unlock()
}

// StopRecord ends the recording of a terminal into that file, which Record began; "" is
// all of them. It returns when they are complete, and the errors of those that are not.
func (n *Namespace) StopRecord(t *hub.Terminal, file string) (err error) {
	n.mu.Lock()
	var ended []recording
	for f, r := range n.stops[t] {
		if file == "" || f == file {
			ended = append(ended, r)
			delete(n.stops[t], f)
		}
	}
	n.mu.Unlock()
	if len(ended) == 0 {
		return ErrNotRecorded
	}
	ctx, cancel := context.WithTimeout(context.Background(), recordGrace)
	defer cancel()
	for _, r := range ended {
		r.stop()
		err = errors.Join(err, r.r.Wait(ctx), r.r.Err())
	}
	return err
}

// closeRecordings waits for the recordings' files, after the terminals have ended.
func (n *Namespace) closeRecordings() {
	ctx, cancel := context.WithTimeout(context.Background(), recordGrace)
	defer cancel()
	if err := n.recordings.group.Wait(ctx); err != nil {
		slog.Error("recordings are cut short", "error", err)
	}
	if n.recordings.dir != nil {
		_ = n.recordings.dir.Close() // nothing is written through it
	}
}
