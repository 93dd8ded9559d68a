// Package ldisc is N_TTY, the line discipline of Linux: what stands between the bytes
// that a ptm writes and those that a pts reads (lines, editing, echo, signal
// characters, flow control), and between what a pts writes and what a ptm reads.
//
// It is a state and the functions that change it, and nothing else. There is no lock,
// goroutine, clock, channel or descriptor in it: whoever owns an NTTY calls it under
// a lock of his own, and nothing here waits. What must happen outside, signals and
// the facts that packet mode reports, is added to an Effects that the caller
// delivers.
//
// Behaviour is that of Linux 6.18's drivers/tty/n_tty.c, observed from outside. Where
// it surprises, the comment says so.
//
// Spans of ordinary bytes are copied and echoed at once (input.go, output.go); a
// table of 256 classes, made when the settings change, says what is ordinary. The
// others go through one byte at a time (char.go).
package ldisc

import (
	"sync"

	"github.com/ptsns/ptsns/pts"
	"github.com/ptsns/ptsns/termios"
)

// Size is the kernel's read buffer: a line has at most Size-1 bytes and its end.
const Size = 4096

const mask = Size - 1

// Effects is what a call owes to the world around the discipline, to be delivered by
// its caller. It accumulates: one value may go through several calls.
type Effects struct {
	Signals pts.Signals // for the foreground process group, if there is one
	Set     uint8       // bits of packet status to raise, after
	Clear   uint8       // these have been taken back
	Input   bool        // what a reader of the pts finds may have changed
	Output  bool        // what a writer of the pts may do has changed
}

// Status is the packet status that old becomes.
func (fx *Effects) Status(old uint8) uint8 { return old&^fx.Clear | fx.Set }

func (fx *Effects) raise(set, clear uint8) {
	fx.Set = fx.Set&^clear | set
	fx.Clear |= clear
}

// readBuf holds input; a set bit of ends marks the end of a line.
type readBuf struct {
	b    [Size]byte
	ends [Size / 64]uint64 // all zero in the pool
}

var readPool = sync.Pool{New: func() any { return new(readBuf) }}

// NTTY is the discipline of one pts. The zero value is not ready: see Reset. Its
// buffers come with the first byte and go with the last.
type NTTY struct {
	t   termios.Termios
	tab *table // of t, shared and immutable

	in *readBuf // nil when there is no input
	// Positions run freely and are masked when used: tail <= canon <= head in
	// canonical mode. Bytes before canon are complete lines.
	head, canon, tail uint32
	// Each newline from linesFrom to linesTo is the end of a line, and the only kind of
	// end there, whatever in.ends says. linesTo is the start of a line.
	linesFrom, linesTo uint32

	echo *echoBuf // nil when nothing waits to be echoed

	column      uint32 // of the cursor, where OPOST knows it
	canonColumn uint32 // of the line that is being typed
	looked      uint32 // bytes of input that Lookahead has seen

	lnext      bool // the next byte is literal
	erasing    bool // between the \ and the / of ECHOPRT
	stopped    bool // output: by ^S or TCOOFF
	tcoStopped bool // output: by TCOOFF
	secret     bool // dropped bytes of in were typed without echo
}

// Reset makes d a fresh discipline with settings t: empty, at column 0. What stops
// its output stays, as it does in Linux.
func (d *NTTY) Reset(t termios.Termios) {
	stopped, tco := d.stopped, d.tcoStopped
	d.dropInput()
	d.dropEcho()
	*d = NTTY{t: t, tab: tableFor(&t), stopped: stopped, tcoStopped: tco}
}

// Termios is the settings in force.
func (d *NTTY) Termios() termios.Termios { return d.t }

// Lflag is that of the settings in force.
func (d *NTTY) Lflag() uint32 { return d.t.Lflag }

// Times are VMIN and VTIME.
func (d *NTTY) Times() (vmin, vtime uint8) { return d.t.Cc[termios.VMIN], d.t.Cc[termios.VTIME] }

// SetTermios puts t, as it is, in force. Data that is queued while ICANON or EXTPROC
// changes stays: for ICANON as one piece that no key edits any more, without it as
// bytes, an end of file among them as a NUL.
func (d *NTTY) SetTermios(t termios.Termios, out *Queue, fx *Effects) {
	old := d.t
	d.t = t
	d.tab = tableFor(&t)
	flow := func(t *termios.Termios) bool {
		return t.Iflag&termios.IXON != 0 && t.Cc[termios.VSTOP] == 'S'&0x1f && t.Cc[termios.VSTART] == 'Q'&0x1f
	}
	if o, n := flow(&old), flow(&t); o && !n {
		fx.raise(pts.TIOCPKT_NOSTOP, pts.TIOCPKT_DOSTOP)
	} else if n && !o {
		fx.raise(pts.TIOCPKT_DOSTOP, pts.TIOCPKT_NOSTOP)
	}
	if (old.Lflag|t.Lflag)&termios.EXTPROC != 0 {
		fx.raise(pts.TIOCPKT_IOCTL, 0)
	}
	if (old.Lflag^t.Lflag)&(termios.ICANON|termios.EXTPROC) != 0 {
		d.switchLines()
	}
	if t.Iflag&termios.IXON == 0 && old.Iflag&termios.IXON != 0 && !d.tcoStopped {
		d.start(fx)
		d.processEchoes(out)
	}
	fx.Input, fx.Output = true, true
}

// switchLines is what a change of ICANON or EXTPROC does to queued input.
func (d *NTTY) switchLines() {
	if d.in != nil {
		clear(d.in.ends[:])
	}
	d.linesFrom, d.linesTo = 0, 0
	if d.t.Lflag&termios.ICANON == 0 || d.head == d.tail {
		d.canon = d.tail
	} else {
		d.mark(d.head - 1)
		d.canon = d.head
	}
	d.erasing, d.lnext = false, false
}

func (d *NTTY) canonical() bool {
	return d.t.Lflag&(termios.ICANON|termios.EXTPROC) == termios.ICANON
}

func (d *NTTY) iflag(f uint32) bool { return d.t.Iflag&f != 0 }
func (d *NTTY) oflag(f uint32) bool { return d.t.Oflag&f != 0 }
func (d *NTTY) lflag(f uint32) bool { return d.t.Lflag&f != 0 }

// continuation tells whether c is inside a character of several bytes.
func (d *NTTY) continuation(c byte) bool { return d.t.Iflag&termios.IUTF8 != 0 && c&0xc0 == 0x80 }

// hidden tells whether what is typed now is not to be seen: a password, perhaps.
func (d *NTTY) hidden() bool { return d.t.Lflag&(termios.ICANON|termios.ECHO) == termios.ICANON }

func (d *NTTY) mark(at uint32) { d.in.ends[at&mask/64] |= 1 << (at & 63) }

// FlushInput drops everything that was typed and not read.
func (d *NTTY) FlushInput(fx *Effects) {
	d.dropInput()
	d.erasing = false
	fx.raise(pts.TIOCPKT_FLUSHREAD, 0)
	fx.Input = true
}

func (d *NTTY) dropInput() {
	d.secret = d.secret || d.hidden() && d.head != d.tail
	d.release()
	d.head, d.canon, d.tail = 0, 0, 0
}

// release gives the buffer back.
func (d *NTTY) release() {
	d.linesFrom, d.linesTo = 0, 0
	if d.in == nil {
		return
	}
	clear(d.in.ends[:])
	if d.secret {
		clear(d.in.b[:])
		d.secret = false
	}
	readPool.Put(d.in)
	d.in = nil
}

// FlushOutput drops the output that the ptm could not read yet. What it can read, the
// first Size-1 bytes, has been delivered.
func (d *NTTY) FlushOutput(out *Queue, fx *Effects) {
	out.Keep(Size - 1)
	fx.raise(pts.TIOCPKT_FLUSHWRITE, 0)
	fx.Output = true
}

// Stopped tells whether output is stopped.
func (d *NTTY) Stopped() bool { return d.stopped }

// Flow does TCXONC's TCOOFF and TCOON. What ^S stopped, TCOON does not start.
func (d *NTTY) Flow(on bool, fx *Effects) {
	if !on && !d.tcoStopped {
		d.tcoStopped = true
		d.stop(fx)
	}
	if on && d.tcoStopped {
		d.tcoStopped = false
		d.start(fx)
	}
}

// Transmit puts c, VSTOP or VSTART for TCIOFF and TCION, ahead of a stop by ^S;
// TCOOFF stops even this.
func (d *NTTY) Transmit(c byte, out *Queue, fx *Effects) {
	was := d.stopped
	if was {
		d.start(fx)
	}
	if !d.stopped && out.Len() < QueueSize {
		out.PutByte(c)
	}
	if was {
		d.stop(fx)
	}
}

func (d *NTTY) stop(fx *Effects) {
	if d.stopped {
		return
	}
	d.stopped = true
	fx.raise(pts.TIOCPKT_STOP, pts.TIOCPKT_START)
	fx.Output = true
}

func (d *NTTY) start(fx *Effects) {
	if !d.stopped || d.tcoStopped {
		return
	}
	d.stopped = false
	fx.raise(pts.TIOCPKT_START, pts.TIOCPKT_STOP)
	fx.Output = true
}
