// Package termios holds the settings of a terminal: the flags, characters and
// speeds of Linux, with Linux's values on every OS, and the forms in which they
// travel: the structures that ioctls carry (Form, Winsize), what stty prints and
// takes (SttyAll, SttySave, Stty), and the encoded modes of SSH (AppendModes,
// TakeModes). Each form has one table, from which it is written and read.
//
// It does nothing to a terminal: what a setting means is the line discipline's,
// and nothing here opens, reads or asks a terminal.
//
// Everything is a value. The package has no lock, no goroutine and no state, and
// nothing in it blocks.
package termios

// NCCS is how many control characters the kernel's structures carry.
const NCCS = 19

// Termios is the kernel's struct termios2: what TCGETS2 tells. Two are equal, in the
// sense of ==, when a program cannot tell them apart.
//
// Any value is valid. Bits without a name are kept by a terminal as they are set.
type Termios struct {
	Iflag, Oflag, Cflag, Lflag uint32
	Line                       uint8       // line discipline that was asked for here; of no effect
	Cc                         [NCCS]uint8 // by VINTR and the like; 0 disables a character
	Ispeed, Ospeed             uint32      // bits per second, as Cflag says; see Speeds
}

// Winsize is the kernel's struct winsize. Zero means unknown.
type Winsize struct {
	Row, Col       uint16
	Xpixel, Ypixel uint16
}

// Default is what a fresh pts has.
func Default() Termios {
	return Termios{
		Iflag: ICRNL | IXON,
		Oflag: OPOST | ONLCR,
		Cflag: B38400 | CS8 | CREAD,
		Lflag: ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN,
		Cc: [NCCS]uint8{
			VINTR: 'C' & 0x1f, VQUIT: '\\' & 0x1f, VERASE: 0x7f, VKILL: 'U' & 0x1f, VEOF: 'D' & 0x1f, VMIN: 1,
			VSTART: 'Q' & 0x1f, VSTOP: 'S' & 0x1f, VSUSP: 'Z' & 0x1f, VREPRINT: 'R' & 0x1f, VDISCARD: 'O' & 0x1f,
			VWERASE: 'W' & 0x1f, VLNEXT: 'V' & 0x1f,
		},
		Ispeed: 38400, Ospeed: 38400,
	}
}

// Raw is Default with no flag of input, output or line discipline set: a terminal
// that passes bytes on. It is what the ptm's own side of a pair has, which no ioctl
// reaches.
func Raw() Termios {
	t := Default()
	t.Iflag, t.Oflag, t.Lflag = 0, 0, 0
	return t
}

// MakeRaw does to t what cfmakeraw(3) does: bytes pass, and flags of no effect in
// such a mode stay for the way back.
func (t *Termios) MakeRaw() {
	t.Iflag &^= IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON
	t.Oflag &^= OPOST
	t.Lflag &^= ECHO | ECHONL | ICANON | ISIG | IEXTEN
	t.Cflag = t.Cflag&^(CSIZE|PARENB) | CS8
	t.Cc[VMIN], t.Cc[VTIME] = 1, 0
}

// Change is what a pty has after a program set it to want: the bits and characters
// that locked names (see TIOCSLCKTRMIOS) stay as they were in t, a character is 8
// bits without parity or address bit and the receiver is on, whatever was asked for, and the speeds
// are those that Cflag says.
func (t Termios) Change(want, locked Termios) Termios {
	keep := func(old, new, locked uint32) uint32 { return new&^locked | old&locked }
	n := want
	n.setSpeeds()
	n.Iflag = keep(t.Iflag, n.Iflag, locked.Iflag)
	n.Oflag = keep(t.Oflag, n.Oflag, locked.Oflag)
	n.Cflag = keep(t.Cflag, n.Cflag, locked.Cflag)
	n.Lflag = keep(t.Lflag, n.Lflag, locked.Lflag)
	if locked.Line != 0 {
		n.Line = t.Line
	}
	for i, l := range locked.Cc {
		if l != 0 {
			n.Cc[i] = t.Cc[i]
		}
	}
	n.Cflag = n.Cflag&^(CSIZE|PARENB|ADDRB) | CS8 | CREAD
	return n
}
