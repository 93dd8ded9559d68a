package ldisc

import (
	"github.com/ptsns/ptsns/pts"
	tm "github.com/ptsns/ptsns/termios"
)

// char takes one byte of input through every question that the settings ask, in the
// kernel's order. looked says that Lookahead has acted on flow control already.
func (d *NTTY) char(c byte, looked bool, out *Queue, fx *Effects) {
	// A literal byte (after ^V) is only stripped and lowered.
	literal := d.lnext
	d.lnext = false
	if d.iflag(tm.ISTRIP) {
		c &= 0x7f
	}
	if d.iflag(tm.IUCLC) && d.lflag(tm.IEXTEN) {
		c = toLower(c)
	}
	if d.lflag(tm.EXTPROC) && !literal {
		d.put(c)
		return
	}
	if literal || d.tab.class[c]&classMapped == 0 {
		d.restartByAny(out, fx)
		d.ordinaryChar(c, false, out)
		return
	}

	// Flow control.
	if d.iflag(tm.IXON) && d.flowChar(c, looked, out, fx) {
		return
	}
	// Signals.
	if d.lflag(tm.ISIG) {
		switch c {
		case d.t.Cc[tm.VINTR]:
			d.signalChar(c, pts.SIGINT, out, fx)
			return
		case d.t.Cc[tm.VQUIT]:
			d.signalChar(c, pts.SIGQUIT, out, fx)
			return
		case d.t.Cc[tm.VSUSP]:
			d.signalChar(c, pts.SIGTSTP, out, fx)
			return
		}
	}
	d.restartByAny(out, fx)
	// CR and NL.
	if c == '\r' {
		if d.iflag(tm.IGNCR) {
			return
		}
		if d.iflag(tm.ICRNL) {
			c = '\n'
		}
	} else if c == '\n' && d.iflag(tm.INLCR) {
		c = '\r'
	}
	// Editing and ends of lines.
	if d.lflag(tm.ICANON) && d.canonChar(c, out, fx) {
		return
	}
	d.ordinaryChar(c, c == '\n', out)
}

// ordinaryChar echoes and stores c. rawNL has a newline echoed as such instead of as
// a control character.
func (d *NTTY) ordinaryChar(c byte, rawNL bool, out *Queue) {
	if d.lflag(tm.ECHO) {
		d.finishErasing()
		if rawNL {
			d.echoRaw('\n')
		} else {
			d.echoInLine(c)
		}
		d.commitEchoes(out)
	}
	d.putMarked(c)
}

// putMarked stores c, twice where PARMRK must tell it from a mark.
func (d *NTTY) putMarked(c byte) {
	if c == 0xff && d.iflag(tm.PARMRK) {
		d.put(c)
	}
	d.put(c)
}

// restartByAny is IXANY: any byte starts what ^S stopped.
func (d *NTTY) restartByAny(out *Queue, fx *Effects) {
	if d.stopped && !d.tcoStopped && d.t.Iflag&(tm.IXON|tm.IXANY) == tm.IXON|tm.IXANY {
		d.start(fx)
		d.processEchoes(out)
	}
}

// flowChar acts on c where it is START or STOP (START, when both are the same) and
// tells whether it was.
func (d *NTTY) flowChar(c byte, looked bool, out *Queue, fx *Effects) bool {
	start := c == d.t.Cc[tm.VSTART]
	if c == 0 || !start && c != d.t.Cc[tm.VSTOP] {
		return false
	}
	if looked {
		return true
	}
	if start {
		d.start(fx)
		d.processEchoes(out)
	} else {
		d.stop(fx)
	}
	return true
}

// signalChar sends sig. Without NOFLSH everything that is under way is dropped: echo,
// output that the ptm cannot read yet, and input with its complete lines.
func (d *NTTY) signalChar(c byte, sig pts.Signal, out *Queue, fx *Effects) {
	fx.Signals.Add(sig)
	if !d.lflag(tm.NOFLSH) {
		d.dropEcho()
		d.FlushOutput(out, fx)
		d.FlushInput(fx)
		d.in = readPool.Get().(*readBuf) // the burst may go on
	}
	if d.iflag(tm.IXON) {
		d.start(fx)
	}
	if d.lflag(tm.ECHO) {
		d.echoChar(c)
		d.commitEchoes(out)
	} else {
		d.processEchoes(out)
	}
}

// canonChar acts on c where canonical mode gives it a meaning, and tells whether it
// does. The order decides between characters that are the same.
func (d *NTTY) canonChar(c byte, out *Queue, fx *Effects) bool {
	cc, iexten := &d.t.Cc, d.lflag(tm.IEXTEN)
	switch {
	case c == cc[tm.VERASE] || c == cc[tm.VKILL] || c == cc[tm.VWERASE] && iexten:
		d.erase(c)
		d.commitEchoes(out)
	case c == cc[tm.VLNEXT] && iexten:
		d.lnext = true
		if d.lflag(tm.ECHO) {
			d.finishErasing()
			if d.lflag(tm.ECHOCTL) {
				d.echoRaw('^')
				d.echoRaw('\b')
				d.commitEchoes(out)
			}
		}
	case c == cc[tm.VREPRINT] && iexten && d.lflag(tm.ECHO):
		d.finishErasing()
		d.echoChar(c)
		d.echoRaw('\n')
		for at := d.canon; at&mask != d.head&mask; at++ {
			d.echoChar(d.in.b[at&mask])
		}
		d.commitEchoes(out)
	case c == '\n':
		if d.lflag(tm.ECHO | tm.ECHONL) {
			d.echoRaw('\n')
			d.commitEchoes(out)
		}
		d.endLine(c, fx)
	case c == cc[tm.VEOF]:
		d.endLine(0, fx) // a NUL at an end is no byte
	case c == cc[tm.VEOL] || c == cc[tm.VEOL2] && iexten:
		if d.lflag(tm.ECHO) {
			d.echoInLine(c)
			d.commitEchoes(out)
		}
		if c == 0xff && d.iflag(tm.PARMRK) {
			d.put(c)
		}
		d.endLine(c, fx)
	default:
		return false
	}
	return true
}

// endLine stores c as the end of a line, which becomes readable.
func (d *NTTY) endLine(c byte, fx *Effects) {
	d.mark(d.head)
	d.put(c)
	d.canon = d.head
	fx.Input = true
}
