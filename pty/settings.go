package pty

import (
	"github.com/ptsns/ptsns/pts"
	"github.com/ptsns/ptsns/termios"
	"github.com/ptsns/ptsns/wait"
)

// do runs f under the lock of an end that is open and not hung up.
func (e *end) do(op string, f func(p *pair, o *owed) error) error {
	var o owed
	p := e.p
	p.mu.Lock()
	var err error
	switch {
	case e.closed:
		err = pts.EBADF
	case e.hungUpLocked():
		err = pts.EIO
	default:
		p.catchUpLocked(&o)
		before := p.out.Len()
		if err = f(p, &o); p.out.Len() > before {
			o.m |= wait.In
		}
	}
	p.unlock(&o)
	return e.wrap(op, err)
}

// Termios is the pts's settings, whichever end is asked.
func (e *end) Termios() (t termios.Termios, err error) {
	err = e.do("get termios", func(p *pair, _ *owed) error {
		if e.sideLocked().null {
			return pts.EINVAL
		}
		t = p.disc.Termios()
		return nil
	})
	return t, err
}

// SetTermios changes the pts's settings, whichever end is asked: TCSANOW, TCSADRAIN
// or TCSAFLUSH. As with tcsetattr(3), what a terminal cannot have is not what Termios
// tells then.
func (e *end) SetTermios(when int, t termios.Termios) error {
	return e.do("set termios", func(p *pair, o *owed) error {
		if when < TCSANOW || when > TCSAFLUSH || e.sideLocked().null {
			return pts.EINVAL
		}
		if err := p.job.Check(process(e.caller), pts.SIGTTOU, &o.debts); err != nil {
			return err
		}
		p.setTermiosLocked(t, when, o)
		return nil
	})
}

// MakeRaw makes the terminal pass bytes on, as cfmakeraw(3) does, and returns a
// function that puts the settings of before back.
func (e *end) MakeRaw() (restore func() error, err error) {
	old, err := e.Termios()
	if err != nil {
		return nil, err
	}
	t := old
	t.MakeRaw()
	if err := e.SetTermios(TCSADRAIN, t); err != nil {
		return nil, err
	}
	return func() error { return e.SetTermios(TCSADRAIN, old) }, nil
}

// Winsize is the window's size, which both ends share.
func (e *end) Winsize() (w termios.Winsize, err error) {
	err = e.do("get window size", func(p *pair, _ *owed) error {
		w = p.size
		return nil
	})
	return w, err
}

// SetWinsize changes the window's size; where that is another than before, the
// foreground gets SIGWINCH.
func (e *end) SetWinsize(w termios.Winsize) error {
	return e.do("set window size", func(p *pair, o *owed) error {
		p.setSizeLocked(w, o)
		return nil
	})
}

// Foreground is the process group in the foreground, 0 when there is none.
func (m *PTM) Foreground() (group int, err error) {
	err = m.do("get foreground", func(p *pair, _ *owed) error {
		group, err = p.job.Foreground(nil, true)
		return err
	})
	return group, err
}

// Foreground is the process group in the foreground of the caller's controlling
// terminal; it fails with ENOTTY when that is another.
func (s *PTS) Foreground() (group int, err error) {
	err = s.do("get foreground", func(p *pair, _ *owed) error {
		group, err = p.job.Foreground(process(s.caller), false)
		return err
	})
	return group, err
}

// SetForeground puts a process group of the caller's session into the foreground.
func (s *PTS) SetForeground(group int) error {
	return s.do("set foreground", func(p *pair, o *owed) error {
		return p.job.SetForeground(process(s.caller), group, &o.debts)
	})
}

// Unlock lets the pts be opened.
func (m *PTM) Unlock() error { return m.setLock(false) }

// Lock keeps the pts from being opened. Once somebody has tried that, reads and
// writes of those who have it open fail until an open succeeds.
func (m *PTM) Lock() error { return m.setLock(true) }

func (m *PTM) setLock(lock bool) error {
	return m.do("lock", func(p *pair, _ *owed) error {
		p.lock = lock
		return nil
	})
}

// SetPacket turns packet mode on or off: each Read then gives one byte of status
// (pts.TIOCPKT_FLUSHREAD and so on), or TIOCPKT_DATA and data.
func (m *PTM) SetPacket(on bool) error {
	return m.do("set packet mode", func(p *pair, _ *owed) error {
		if on && !p.packet {
			p.status = 0
		}
		p.packet = on
		return nil
	})
}

// Signal sends SIGINT, SIGQUIT or SIGTSTP to the foreground, as the character would,
// but without echo and without dropping anything.
func (m *PTM) Signal(s pts.Signal) error {
	return m.do("signal", func(p *pair, o *owed) error {
		if s != pts.SIGINT && s != pts.SIGQUIT && s != pts.SIGTSTP {
			return pts.EINVAL
		}
		p.signalLocked(s, o)
		return nil
	})
}

// Hangup makes every open pts dead, this one too, and the terminal's settings those
// of a fresh one, as vhangup(2) does. The ptm stays and the pts can be opened again.
func (s *PTS) Hangup() error {
	return s.do("hang up", func(p *pair, o *owed) error {
		p.hangupPtsLocked(o)
		return nil
	})
}

// HandleSignals has f called for signals that the terminal sends while no session has
// it: SIGINT, SIGQUIT and SIGTSTP for their characters, SIGWINCH for another window
// size, SIGHUP when the ptm is closed. f runs on the goroutine that caused the
// signal, with no lock held; it must not block. nil ends that. A terminal has one
// such function.
func (s *PTS) HandleSignals(f func(pts.Signal)) {
	s.p.mu.Lock()
	defer s.p.mu.Unlock()
	s.p.hook = f
}
