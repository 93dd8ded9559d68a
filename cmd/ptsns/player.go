package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"

	"github.com/ptsns/ptsns/cast"
)

// player shows a recording. Its play is for one goroutine, which does all.
type player struct {
	name   string // the recording's, for errors
	reader *cast.Reader
	out    io.Writer
	speed  float64       // 0: no waiting
	idle   time.Duration // how long to wait at most, in the recording's time; 0: no limit

	// Each is buffered, so that it shows whether something has come, and nil where there
	// is none.
	keys    <-chan byte // closed when the terminal has gone
	signals <-chan os.Signal
	resumed <-chan os.Signal // SIGCONT: raw is to be called again
	raw     func() error

	terminal   bool   // out is one
	rows, cols uint16 // its window; 0, 0: not known
	note       string // what the viewer should know about sizes
	gaps       int    // of the recording so far
	missing    int64  // bytes of output in them

	filter cast.Filter
	buf    []byte
	column bool      // the last output left the cursor within a line, perhaps
	due    time.Time // when the next output is to be shown, unless paused
	paused bool
	left   time.Duration // how long the next output has to wait still, when paused
}

// exitInterrupted is the end by ctrl-c.
const exitInterrupted = exitStatus(exitSignal + int(syscall.SIGINT))

// pushTitle and popTitle keep the window's title from the recording's.
const (
	pushTitle = "\x1b[22;0t"
	popTitle  = "\x1b[23;0t"
)

// play shows everything up to the end, an error, or somebody's wish to end.
func (p *player) play() error {
	var shown time.Duration // the time of the last output
	p.due = time.Now()
	if p.terminal {
		if _, err := io.WriteString(p.out, pushTitle); err != nil {
			return p.broken(err)
		}
	}
	for {
		e, err := p.reader.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if errors.Is(err, io.ErrUnexpectedEOF) {
			err = errors.New("the recording ends within a line")
		}
		if err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		if rows, cols, ok := e.Size(); ok {
			p.noteSize(rows, cols)
		}
		if n, ok := e.Missing(); ok && n > 0 {
			p.gaps++
			p.missing += n
		}
		if e.Code != cast.Output {
			continue
		}
		wait := e.Time - shown
		shown = e.Time
		if err := p.await(p.scale(wait)); err != nil {
			return err
		}
		p.buf = p.filter.Append(p.buf[:0], e.Data)
		if len(p.buf) == 0 {
			continue
		}
		p.column = p.buf[len(p.buf)-1] != '\n'
		if _, err := p.out.Write(p.buf); err != nil {
			return p.broken(err)
		}
	}
}

// finish undoes what the recording has set, after play, whose error it is given and
// returns.
func (p *player) finish(err error) error {
	p.buf = p.filter.End(p.buf[:0])
	if p.terminal {
		p.buf = append(p.buf, popTitle...)
	}
	if p.terminal && p.column {
		p.buf = append(p.buf, "\r\n"...)
	}
	if len(p.buf) == 0 {
		return err
	}
	if _, werr := p.out.Write(p.buf); err == nil && werr != nil {
		return p.broken(werr)
	}
	return err
}

// scale is how long a wait of the recording takes here.
func (p *player) scale(wait time.Duration) time.Duration {
	if p.speed == 0 {
		return 0
	}
	if p.idle > 0 {
		wait = min(wait, p.idle)
	}
	return seconds(wait.Seconds() / p.speed)
}

// lag is how far the output may fall behind its time before that is given up. A
// process that was stopped, or a pipe that was not read, is not made up for.
const lag = time.Second

// await waits until the next output is to be shown: wait after the last, or when
// somebody steps.
func (p *player) await(wait time.Duration) error {
	p.due = p.due.Add(wait)
	p.left = wait
	if now := time.Now(); now.Sub(p.due) > lag {
		p.due = now
	}
	for {
		rest := time.Until(p.due)
		if !p.paused && rest <= 0 && len(p.keys) == 0 && len(p.signals) == 0 {
			return nil
		}
		var due <-chan time.Time // nil: not while paused, nor before what has come already
		if !p.paused && rest > 0 {
			due = time.After(rest)
		}
		select {
		case <-due:
			return nil
		case k, ok := <-p.keys:
			if show, err := p.key(k, ok); show || err != nil {
				return err
			}
		case s := <-p.signals:
			return exitStatus(exitSignal + int(s.(syscall.Signal)))
		case <-p.resumed:
			if err := p.raw(); err != nil { // after a stop, somebody else's modes are set
				return exitHungUp
			}
		}
	}
}

// key does what a key says; show means that the next output is to be shown now.
func (p *player) key(k byte, ok bool) (show bool, err error) {
	switch {
	case !ok:
		return false, exitHungUp
	case k == 0x03:
		return false, exitInterrupted
	case k == ' ' && p.paused:
		p.paused = false
		p.due = time.Now().Add(p.left)
	case k == ' ':
		p.paused = true
		p.left = max(time.Until(p.due), 0)
	case k == '.' && p.paused:
		return true, nil
	}
	return false, nil
}

// noteSize notes that a terminal of the recording does not fit into the window.
func (p *player) noteSize(rows, cols int) {
	if p.rows == 0 || p.cols == 0 || rows <= int(p.rows) && cols <= int(p.cols) {
		return
	}
	p.note = fmt.Sprintf("recorded at %dx%d, shown at %dx%d: lines fall elsewhere than they did", rows, cols, p.rows, p.cols)
}

// gapNote is what the viewer should know about gaps, "" for nothing.
func (p *player) gapNote() string {
	switch p.gaps {
	case 0:
		return ""
	case 1:
		return fmt.Sprintf("%d bytes of output are missing in the recording, in one place: its recorder fell behind", p.missing)
	}
	return fmt.Sprintf("%d bytes of output are missing in the recording, in %d places: its recorder fell behind", p.missing, p.gaps)
}

// broken says what becomes of us when stdout fails.
func (p *player) broken(err error) error {
	if errors.Is(err, syscall.EIO) {
		return exitHungUp // the terminal has gone
	}
	return fmt.Errorf("write the output: %w", err)
}
