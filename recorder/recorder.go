// Package recorder records terminals into files of package cast, beside their work:
// whoever has a terminal hands over its output under the terminal's lock, and never
// waits for a disk.
//
// A Recorder is a bounded queue of blocks and, while there is something in it, one
// goroutine that empties it into a cast.Writer. An idle Recorder has no goroutine, no
// running timer and no buffer (some 1.4 KB and a descriptor are its all): the first thing that it is given starts a timer of half a
// second, and a full enough queue or the end does not wait for that. What the goroutine
// has written it flushes, so that a process that is killed loses less than a second of
// what its disks can take.
//
// A slow disk holds up the goroutine alone. When the queue has reached its bound the
// output is left out until half of the queue is written, and a marker in the recording
// says where, and how many bytes are missing. A disk that is full, or fails otherwise, ends
// the recording: the file is cut after its last whole event, Options.Failed is called
// once, and the Recorder takes and drops what comes.
//
// It is no judge of what may be recorded: input typed while the terminal does not echo
// must not be handed to it.
//
// Locks: Recorder.mu, Group.mu and Dir.mu are leaves. No function of others is called, and
// no file touched, while one is held.
package recorder

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/ptsns/ptsns/cast"
)

// Options say how a terminal is recorded. The zero value is an asciicast v3 of its
// output. The functions may be nil. They are called on the Recorder's goroutine, with no
// lock held, and may call End, but not Wait.
type Options struct {
	Version cast.Version // 0: v3
	// Input has what is typed recorded too, passwords that are echoed with it.
	Input     bool
	MaxBytes  int64 // the greatest size of the file, where it ends with a marker and its seal; 0: none
	MaxQueued int64 // how much memory may wait for the disk; 0: 64 MiB
	// Failed tells, once, that the recording has ended before its terminal, and why; with
	// cast.ErrFull at MaxBytes. The error of a file's closing comes here too. It may come before
	// Dir.New has returned.
	Failed func(file string, err error)
	// Lost tells that bytes are missing in the recording as its disk was too slow; only the
	// first time. Markers tell of each.
	Lost  func(file string, bytes int64)
	Group *Group // whose bounds hold for it too, and who waits for it; nil: nobody
}

// flushAfter is how long something may wait before it is written.
const flushAfter = 500 * time.Millisecond

// Recorder records one terminal. Its methods are safe for concurrent use. Those that
// take a time neither block nor keep what they are given, and record in the order of
// the calls; after End, or once the recording has failed, they do nothing.
type Recorder struct {
	opts Options       // immutable
	done chan struct{} // closed when nothing more is written

	// Of the goroutine, of which there is one at a time.
	open     func() (file string, w *cast.Writer, err error) // makes the file, while w is nil
	w        *cast.Writer
	toldLost bool // Options.Lost has been called

	mu    sync.Mutex
	file  string      // guarded by mu
	queue queue       // guarded by mu
	work  work        // guarded by mu
	timer *time.Timer // guarded by mu; nil until the first use
	ended bool        // guarded by mu: after End
	dead  bool        // guarded by mu: nothing more is written
	err   error       // guarded by mu: why, when that is not the end
}

// work is what is being done about a Recorder's queue.
type work byte

const (
	idle    work = iota // nothing: it is empty
	waiting             // the timer runs, or has just started the goroutine
	running             // the goroutine is at it
)

// New makes a file and begins a recording in it. Only its owner may read the file; one
// of that name that exists is an error (fs.ErrExist). New blocks as the disk does. The
// caller ends every Recorder with End.
func New(path string, h cast.Header, opts Options) (*Recorder, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	w, err := cast.Create(path, h, opts.cast())
	if err != nil {
		return nil, err
	}
	return begun(path, w, opts), nil
}

// NewIn is New for the file name in a directory. file is what File is to tell, and all who
// are told of it: the path as others know it.
func NewIn(dir *os.Root, name, file string, h cast.Header, opts Options) (*Recorder, error) {
	w, err := cast.CreateIn(dir, name, h, opts.cast())
	if err != nil {
		return nil, err
	}
	return begun(file, w, opts), nil
}

func begun(file string, w *cast.Writer, opts Options) *Recorder {
	r := newRecorder(file, opts)
	r.w = w
	return r
}

func newRecorder(file string, opts Options) *Recorder {
	r := &Recorder{opts: opts, file: file, done: make(chan struct{})}
	r.queue.init(opts.MaxQueued, opts.Group)
	opts.Group.add()
	return r
}

func (o Options) cast() cast.Options {
	return cast.Options{Version: o.Version, Input: o.Input, MaxBytes: o.MaxBytes}
}

// File is the absolute path of the recording.
func (r *Recorder) File() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.file
}

// WantsInput tells whether input is recorded.
func (r *Recorder) WantsInput() bool { return r.opts.Input }

// Output records output.
func (r *Recorder) Output(at time.Time, p []byte) { r.stream(item{code: cast.Output, at: at}, p) }

// Input records what was typed, if Options.Input asks for that.
func (r *Recorder) Input(at time.Time, p []byte) {
	if r.opts.Input {
		r.stream(item{code: cast.Input, at: at}, p)
	}
}

// Resize records a new size; that of no terminal, or none (0), is left out.
func (r *Recorder) Resize(at time.Time, rows, cols int) {
	r.event(item{code: cast.Resize, at: at, a: int64(rows), b: int64(cols)})
}

// Exit records the exit status of the terminal's program.
func (r *Recorder) Exit(at time.Time, status int) {
	r.event(item{code: cast.Exit, at: at, a: int64(status)})
}

// End ends the recording. What is queued is still written, and the seal behind it: Wait
// waits for that.
func (r *Recorder) End(time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ended || r.dead {
		return
	}
	r.ended = true
	if r.queue.gap.open {
		r.queue.close()
	}
	r.wakeLocked(true)
}

// Err is why the recording failed, nil when it did not so far.
func (r *Recorder) Err() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.err
}

// Wait waits until the recording has ended and its file is closed, or ctx is done, whose
// error it returns. Err tells whether it is whole.
func (r *Recorder) Wait(ctx context.Context) error {
	select {
	case <-r.done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for the recording %q: %w", r.File(), ctx.Err())
	}
}

// stream queues bytes.
func (r *Recorder) stream(it item, p []byte) {
	if len(p) == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ended || r.dead {
		return
	}
	r.queue.stream(it, p)
	r.wakeLocked(r.queue.blocks > wakeBlocks || r.queue.gap.open && r.queue.first != nil)
}

// event queues what has no bytes.
func (r *Recorder) event(it item) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ended || r.dead {
		return
	}
	r.queue.event(it)
	r.wakeLocked(false)
}

// wakeLocked sees to it that the goroutine comes: now, or in flushAfter.
func (r *Recorder) wakeLocked(now bool) {
	switch {
	case r.work == running:
	case now:
		if r.work == waiting && !r.timer.Stop() {
			return // it has started the goroutine
		}
		r.work = running
		go r.run(false)
	case r.work == waiting:
	case r.timer == nil:
		r.work = waiting
		r.timer = time.AfterFunc(flushAfter, r.runTimed)
	default:
		r.work = waiting
		r.timer.Reset(flushAfter)
	}
}
