// Package pty is a pair of terminal ends in this process: Linux's pseudoterminal
// without a kernel, a privilege or a file descriptor, on any OS. What a person (or a
// terminal emulator) does goes through the PTM, what a program does through the PTS,
// and between them is N_TTY (package ldisc): lines, editing, echo, signal characters,
// flow control, as Linux 6.18 does them, byte for byte.
//
// It is not a kernel's terminal: no other process can open it, and it has no name in
// the file system.
//
// # The ends
//
// Open makes a pair. Each end is an io.ReadWriteCloser with deadlines, has methods
// for what programs do to terminals (Termios, Winsize, ...), and takes raw ioctl
// requests with Linux's numbers. For an event loop there are Poll and Notify. End
// gives the form in which the rest of this module uses ends, where nothing blocks and
// somebody else may be the caller.
//
// # Callers and job control
//
// An end is used for a pts.Caller. nil means this program: there is no job control,
// and everything is allowed. SIGINT and its like then go to the function that
// PTS.HandleSignals is given. A caller that is a job.Process is treated as Linux
// treats a process: the terminal can become its session's, and what it does in the
// background is refused or stops it.
//
// # Concurrency
//
// Any number of goroutines may use both ends. A write is not interleaved with
// another's; of two blocked reads one is served at a time, and a read that may not
// block meanwhile fails with EAGAIN. The pair has one lock for both ends; it is held
// for as long as copying takes, never while anybody waits and never over a signal, a
// notification or a hook. After it come the locks of package job and of wait.Queue.
// There is no goroutine: a blocked reader is its caller's, and a timer exists only
// while a read waits for VTIME or a deadline is set.
//
// # Deadlocks
//
// A terminal is a loop: who writes to the ptm gets echo. A program that writes much
// input without reading the ptm, or one goroutine that plays both ends with blocking
// calls, waits for itself once about 15 KiB are under way. In canonical mode a read
// of the pts waits for the end of a line. A stopped output (^S) makes writers wait
// until ^Q.
package pty

import (
	"time"

	"github.com/ptsns/ptsns/pts"
	"github.com/ptsns/ptsns/termios"
	"github.com/ptsns/ptsns/wait"
)

// Config is what the maker of a pair decides. The zero value is a terminal of its
// own.
type Config struct {
	Index    int    // the N of /dev/pts/N, for TIOCGPTN and TIOCGDEV
	Released func() // called once the last of both ends is closed and Index is free; may be nil
}

// Flags of OpenPTS, by Linux's values.
const (
	O_RDONLY   = 0x0
	O_WRONLY   = 0x1
	O_RDWR     = 0x2
	O_NOCTTY   = 0x100
	O_NONBLOCK = 0x800

	accessMode = 0x3
)

// Open makes a pair for this program and opens both ends.
func Open() (*PTM, *PTS) {
	m := New(nil, Config{})
	m.p.lock = false
	p := m.p
	p.ptsOpen = 1
	return m, &PTS{p.newEnd(nil, false, O_RDWR)}
}

// New makes a pair for c and opens its ptm, as opening ptmx does: the pts is locked
// (see Unlock) and has not been opened.
func New(c pts.Caller, config Config) *PTM {
	p := &pair{config: config, lock: true}
	p.disc.Reset(termios.Default())
	p.ptm.end = p.newEnd(c, true, O_RDWR)
	return &p.ptm
}

func (p *pair) newEnd(c pts.Caller, ptm bool, flags int) end {
	e := end{p: p, caller: c, ptm: ptm, nonblock: flags&O_NONBLOCK != 0}
	e.readable, e.writable = flags&accessMode != O_WRONLY, flags&accessMode != O_RDONLY
	e.generation = e.sideLocked().generation
	return e
}

// PTM is an open ptm: the side of whoever plays the terminal.
type PTM struct{ end }

// PTS is an open pts: the side of programs. A terminal may have any number of them;
// each is closed for itself.
type PTS struct{ end }

// OpenPTS opens the terminal's pts for c, whose controlling terminal it becomes where
// Linux says so. It fails with EIO while the pair is locked, with fs.ErrClosed once the
// ptm is closed, with EBUSY when somebody has asked for exclusive use (TIOCEXCL), and
// with EINVAL when the terminal was hung up and its settings then got the number of a
// line discipline that there is not (Line).
func (m *PTM) OpenPTS(c pts.Caller, flags int) (*PTS, error) {
	s, err := m.p.openPTS(c, flags)
	if err != nil {
		return nil, m.wrap("open pts", err)
	}
	return s, nil
}

func (p *pair) openPTS(c pts.Caller, flags int) (*PTS, error) {
	var o owed
	p.mu.Lock()
	defer p.unlock(&o)
	switch {
	case p.gone:
		return nil, pts.EBADF
	case p.s.exclusive && !privileged(c):
		return nil, pts.EBUSY
	case p.noDisc && !p.setLineLocked():
		return nil, pts.EINVAL
	case p.lock:
		p.ioError, p.noDisc = true, false
		return nil, pts.EIO
	}
	p.ioError, p.noDisc = false, false
	p.leftPts = false
	p.ptsOpen++
	s := &PTS{p.newEnd(c, false, flags)}
	if s.readable && flags&O_NOCTTY == 0 {
		p.job.Open(process(c))
	}
	return s, nil
}

// setLineLocked gives the terminal the line discipline that its settings name, after a
// hangup took it away, and tells whether there is one.
func (p *pair) setLineLocked() bool {
	line := p.disc.Termios().Line
	p.s.null = line == N_NULL
	return p.s.null || line == N_TTY
}

// close ends e; the end of the ptm hangs the pts up.
func (e *end) close() error {
	p := e.p
	var o owed
	p.mu.Lock()
	defer p.unlock(&o)
	if e.closed {
		return pts.EBADF
	}
	e.closed = true
	if e.times != nil {
		for _, t := range []*time.Timer{e.times.readTimer, e.times.writeTimer} {
			if t != nil {
				t.Stop()
			}
		}
	}
	e.wakeLocked(false, &o)
	e.wakeLocked(true, &o)
	if e.ptm {
		p.closePtmLocked(&o)
	} else {
		p.closePtsLocked(&o)
	}
	o.freed = p.gone && p.ptsOpen == 0
	return nil
}

func (p *pair) closePtmLocked(o *owed) {
	p.gone, p.packet = true, false
	p.hangupPtsLocked(o)
	p.out.Keep(0)
}

func (p *pair) closePtsLocked(o *owed) {
	p.ptsOpen--
	if p.ptsOpen > 0 || p.ioError || p.gone {
		return
	}
	p.leftPts = true
	o.m |= wait.In | wait.Hup
}
