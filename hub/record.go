package hub

import "time"

// Recorder takes what happens on a terminal. It is called in order, by one goroutine at
// a time and under the terminal's lock: no method may block, do I/O, or keep p.
type Recorder interface {
	Output(at time.Time, p []byte)
	Input(at time.Time, p []byte) // only when WantsInput says so, and never while ECHO is off
	Resize(at time.Time, rows, cols int)
	Exit(at time.Time, status int) // of the program, where ptsns started it
	End(at time.Time)              // the last call
	File() string
	WantsInput() bool // the same at all times
}

// Record gives r everything that happens on the terminal from now on. What is on the
// screen comes first, unless nothing was put out yet. stop ends that, if the terminal
// has not ended it; it may be called more than once.
func (t *Terminal) Record(r Recorder) (stop func(), err error) {
	t.painting.Lock()
	defer t.painting.Unlock()
	t.feed()
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ended {
		return nil, ErrEnded
	}
	now := time.Now()
	if t.log.end > 0 {
		for t.fed < t.log.end { // what came since
			t.feedPieceLocked()
		}
		rows, cols := t.sizeLocked() // one that has none is recorded as programs take it
		r.Output(now, t.screen.Repaint(int(rows), int(cols), true))
	}
	t.recordLocked(r)
	return func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if _, on := t.recorders[r]; on {
			t.unrecordLocked(r)
			r.End(time.Now())
		}
	}, nil
}

func (t *Terminal) recordLocked(r Recorder) {
	if t.recorders == nil {
		t.recorders = make(map[Recorder]struct{})
	}
	t.recorders[r] = struct{}{}
	if r.WantsInput() {
		t.inputRecorders.Add(1)
	}
}

func (t *Terminal) unrecordLocked(r Recorder) {
	delete(t.recorders, r)
	if r.WantsInput() {
		t.inputRecorders.Add(-1)
	}
}

// Recordings lists the files that are being written.
func (t *Terminal) Recordings() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	files := make([]string, 0, len(t.recorders))
	for r := range t.recorders {
		files = append(files, r.File())
	}
	return files
}

// Unrecord ends the recordings into that file.
func (t *Terminal) Unrecord(file string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for r := range t.recorders {
		if r.File() == file {
			t.unrecordLocked(r)
			r.End(time.Now())
		}
	}
}

// SetExit notes the exit status of the program that ptsns started on the terminal, for
// its recordings. It comes before Finish.
func (t *Terminal) SetExit(status int) {
	t.mu.Lock()
	t.exit = &status
	t.mu.Unlock()
}

// endRecordsLocked ends all recordings with the terminal.
func (t *Terminal) endRecordsLocked() {
	now := time.Now()
	for r := range t.recorders {
		if t.exit != nil {
			r.Exit(now, *t.exit)
		}
		t.unrecordLocked(r)
		r.End(now)
	}
}

// beginWrite is called before input is written; what it returns, unless that is nil, is
// called once after it, with what was taken. Recorders that want input get what a person who
// types it would see. Where the terminal ends meanwhile, since that is what the program
// was waiting for, the recordings end after it.
func (t *Terminal) beginWrite() (note func(taken []byte)) {
	if t.inputRecorders.Load() == 0 {
		return nil
	}
	t.mu.Lock()
	t.typing++
	t.mu.Unlock()
	seen, _ := t.Echo() // what cannot be asked is not seen
	return func(taken []byte) {
		if on, err := t.Echo(); err == nil && !on {
			seen = false
		}
		now := time.Now()
		t.mu.Lock()
		defer t.mu.Unlock()
		for r := range t.recorders {
			if len(taken) > 0 && seen && r.WantsInput() {
				r.Input(now, taken)
			}
		}
		t.typing--
		if t.ended && t.typing == 0 {
			t.endRecordsLocked()
		}
	}
}
