//go:build linux

package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
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
	Asker int    `json:"-"`               // the process that asks, 0 when that is not known; see Virtual's Record
}

// ErrNotRecorded means that a terminal has no such recording.
var ErrNotRecorded = errors.New("no such recording")

// recordings are those of a namespace's terminals.
type recordings struct {
	name   string        // of the namespace; immutable, like what follows
	events *hub.Events   //
	dir    *recorder.Dir // nil unless every terminal is recorded
	all    RecordSpec    // how, then; File is the directory
	group  recorder.Group

	mu    sync.Mutex
	asked map[*hub.Terminal]map[string]recording // guarded by mu; what begin began, by file
}

// recording is one that somebody asked for.
type recording struct {
	stop func()
	r    *recorder.Recorder
}

// recordedHub makes the hub of a namespace, and what records its terminals: all of them, if
// all.File is a directory.
func recordedHub(name string, all RecordSpec, o hub.Options) (*hub.Hub, *recordings, error) {
	rs := &recordings{name: name, all: all}
	if all.File != "" {
		var err error
		if rs.dir, err = openDirAs(all.Asker, all.File); err != nil {
			return nil, nil, err
		}
	}
	o.Record = rs.recordNew
	h := hub.New(o)
	rs.events = h.Events()
	return h, rs, nil
}

// recordNew makes the recorder of a new terminal, nil when not all are recorded.
func (rs *recordings) recordNew(t *hub.Terminal) hub.Recorder {
	if rs.dir == nil {
		return nil
	}
	now := time.Now()
	return rs.dir.New(rs.name, t.Index(), now, rs.header(t, now), rs.options(t, rs.all))
}

func (rs *recordings) header(t *hub.Terminal, now time.Time) cast.Header {
	rows, cols := t.Size()
	return cast.Header{Rows: int(rows), Cols: int(cols), Start: now,
		Title: fmt.Sprintf("%s/%d", rs.name, t.Index())}
}

func (rs *recordings) options(t *hub.Terminal, spec RecordSpec) recorder.Options {
	o := recorder.Options{Input: spec.Input, Group: &rs.group}
	if spec.V2 {
		o.Version = cast.V2
	}
	o.Failed = func(file string, err error) {
		slog.Error("a recording ended before its terminal", "terminal", t.Index(), "file", file, "error", err)
		rs.events.Add(hub.EventRecording, t.Index(), fmt.Sprintf("%s: %v", file, err))
		t.Unrecord(file)
	}
	o.Lost = func(file string, bytes int64) {
		slog.Warn("a recording has a gap: its disk is too slow", "terminal", t.Index(), "file", file, "bytes", bytes)
		rs.events.Add(hub.EventRecording, t.Index(), fmt.Sprintf("%s: %d bytes are missing", file, bytes))
	}
	return o
}

// begin begins a recording of t, as it is now, by the recorder that create makes.
func (rs *recordings) begin(t *hub.Terminal, spec RecordSpec, create func(cast.Header, recorder.Options) (*recorder.Recorder, error)) error {
	now := time.Now()
	r, err := create(rs.header(t, now), rs.options(t, spec))
	if err != nil {
		return err
	}
	stop, err := t.Record(r)
	if err != nil {
		r.End(now) // an empty one: the terminal has just ended
		return err
	}
	rs.mu.Lock()
	defer rs.mu.Unlock()
	if rs.asked == nil {
		rs.asked = make(map[*hub.Terminal]map[string]recording)
	}
	if rs.asked[t] == nil {
		rs.asked[t] = make(map[string]recording)
		go rs.forget(t)
	}
	rs.asked[t][r.File()] = recording{stop, r}
	return nil
}

// forget ends with the terminal.
func (rs *recordings) forget(t *hub.Terminal) {
	<-t.Done()
	rs.mu.Lock()
	delete(rs.asked, t)
	rs.mu.Unlock()
}

// end ends the recording of t into that file, which begin began; "" is all of them. It
// returns when they are complete, and the errors of those that are not.
func (rs *recordings) end(t *hub.Terminal, file string) (err error) {
	rs.mu.Lock()
	var ended []recording
	for f, r := range rs.asked[t] {
		if file == "" || f == file {
			ended = append(ended, r)
			delete(rs.asked[t], f)
		}
	}
	rs.mu.Unlock()
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

// close waits for the recordings' files, after the terminals have ended.
func (rs *recordings) close() {
	ctx, cancel := context.WithTimeout(context.Background(), recordGrace)
	defer cancel()
	if err := rs.group.Wait(ctx); err != nil {
		slog.Error("recordings are cut short", "error", err)
	}
	if rs.dir != nil {
		_ = rs.dir.Close() // nothing is written through it
	}
}

// Record begins a recording of a terminal, as it is now, into a new file.
func (n *Namespace) Record(t *hub.Terminal, spec RecordSpec) error {
	return n.recordings.begin(t, spec, func(h cast.Header, o recorder.Options) (*recorder.Recorder, error) {
		return recorder.New(spec.File, h, o)
	})
}

// StopRecord ends the recording of a terminal into that file, which Record began; "" is
// all of them. It returns when they are complete, and the errors of those that are not.
func (n *Namespace) StopRecord(t *hub.Terminal, file string) error { return n.recordings.end(t, file) }
