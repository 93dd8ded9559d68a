package termios

// word says in which flag word of a Termios a setting is.
type word uint8

const (
	control word = iota // Cflag
	input               // Iflag
	output              // Oflag
	local               // Lflag
)

// flags is the flag word.
func (t *Termios) flags(w word) *uint32 {
	switch w {
	case control:
		return &t.Cflag
	case input:
		return &t.Iflag
	case output:
		return &t.Oflag
	}
	return &t.Lflag
}

// use is what stty makes of a setting.
type use uint8

const (
	negated use = 1 << iota // "-name" clears it, and that is shown where it is clear
	hidden                  // taken, never shown
	saneOn                  // set by sane
	saneOff                 // cleared by sane
)

// setting is a flag, or one value of a field of several bits.
type setting struct {
	name string
	word word
	bits uint32
	mask uint32 // 0 means bits
	use  use
	ssh  uint8 // opcode of RFC 4254, section 8, and RFC 8160; 0 without
}

// settings are all that have a name, in the order in which stty shows them.
var settings = [...]setting{
	{"parenb", control, PARENB, 0, negated, 92},
	{"parodd", control, PARODD, 0, negated, 93},
	{"cmspar", control, CMSPAR, 0, negated, 0},
	{"cs5", control, CS5, CSIZE, 0, 0},
	{"cs6", control, CS6, CSIZE, 0, 0},
	{"cs7", control, CS7, CSIZE, 0, 90},
	{"cs8", control, CS8, CSIZE, 0, 91},
	{"hupcl", control, HUPCL, 0, negated, 0},
	{"hup", control, HUPCL, 0, negated | hidden, 0},
	{"cstopb", control, CSTOPB, 0, negated, 0},
	{"cread", control, CREAD, 0, negated | saneOn, 0},
	{"clocal", control, CLOCAL, 0, negated, 0},
	{"crtscts", control, CRTSCTS, 0, negated, 0},

	{"ignbrk", input, IGNBRK, 0, negated | saneOff, 0},
	{"brkint", input, BRKINT, 0, negated | saneOn, 0},
	{"ignpar", input, IGNPAR, 0, negated, 30},
	{"parmrk", input, PARMRK, 0, negated, 31},
	{"inpck", input, INPCK, 0, negated, 32},
	{"istrip", input, ISTRIP, 0, negated, 33},
	{"inlcr", input, INLCR, 0, negated | saneOff, 34},
	{"igncr", input, IGNCR, 0, negated | saneOff, 35},
	{"icrnl", input, ICRNL, 0, negated | saneOn, 36},
	{"ixon", input, IXON, 0, negated, 38},
	{"ixoff", input, IXOFF, 0, negated | saneOff, 40},
	{"tandem", input, IXOFF, 0, negated | hidden, 0},
	{"iuclc", input, IUCLC, 0, negated | saneOff, 37},
	{"ixany", input, IXANY, 0, negated | saneOff, 39},
	{"imaxbel", input, IMAXBEL, 0, negated | saneOn, 41},
	{"iutf8", input, IUTF8, 0, negated | saneOff, 42},

	{"opost", output, OPOST, 0, negated | saneOn, 70},
	{"olcuc", output, OLCUC, 0, negated | saneOff, 71},
	{"ocrnl", output, OCRNL, 0, negated | saneOff, 73},
	{"onlcr", output, ONLCR, 0, negated | saneOn, 72},
	{"onocr", output, ONOCR, 0, negated | saneOff, 74},
	{"onlret", output, ONLRET, 0, negated | saneOff, 75},
	{"ofill", output, OFILL, 0, negated | saneOff, 0},
	{"ofdel", output, OFDEL, 0, negated | saneOff, 0},
	{"nl1", output, NL1, NLDLY, 0, 0},
	{"nl0", output, NL0, NLDLY, saneOn, 0},
	{"cr3", output, CR3, CRDLY, 0, 0},
	{"cr2", output, CR2, CRDLY, 0, 0},
	{"cr1", output, CR1, CRDLY, 0, 0},
	{"cr0", output, CR0, CRDLY, saneOn, 0},
	{"tab3", output, TAB3, TABDLY, 0, 0},
	{"tab2", output, TAB2, TABDLY, 0, 0},
	{"tab1", output, TAB1, TABDLY, 0, 0},
	{"tab0", output, TAB0, TABDLY, saneOn, 0},
	{"bs1", output, BS1, BSDLY, 0, 0},
	{"bs0", output, BS0, BSDLY, saneOn, 0},
	{"vt1", output, VT1, VTDLY, 0, 0},
	{"vt0", output, VT0, VTDLY, saneOn, 0},
	{"ff1", output, FF1, FFDLY, 0, 0},
	{"ff0", output, FF0, FFDLY, saneOn, 0},

	{"isig", local, ISIG, 0, negated | saneOn, 50},
	{"icanon", local, ICANON, 0, negated | saneOn, 51},
	{"iexten", local, IEXTEN, 0, negated | saneOn, 59},
	{"echo", local, ECHO, 0, negated | saneOn, 53},
	{"echoe", local, ECHOE, 0, negated | saneOn, 54},
	{"crterase", local, ECHOE, 0, negated | hidden, 0},
	{"echok", local, ECHOK, 0, negated | saneOn, 55},
	{"echonl", local, ECHONL, 0, negated | saneOff, 56},
	{"noflsh", local, NOFLSH, 0, negated | saneOff, 57},
	{"xcase", local, XCASE, 0, negated | saneOff, 52},
	{"tostop", local, TOSTOP, 0, negated | saneOff, 58},
	{"echoprt", local, ECHOPRT, 0, negated | saneOff, 0},
	{"prterase", local, ECHOPRT, 0, negated | hidden, 0},
	{"echoctl", local, ECHOCTL, 0, negated | saneOn, 60},
	{"ctlecho", local, ECHOCTL, 0, negated | hidden, 0},
	{"echoke", local, ECHOKE, 0, negated | saneOn, 61},
	{"crtkill", local, ECHOKE, 0, negated | hidden, 0},
	{"flusho", local, FLUSHO, 0, negated | saneOff, 0},
	{"extproc", local, EXTPROC, 0, negated | saneOff, 0},
	{"", local, PENDIN, 0, hidden, 62}, // stty has no name for it
}

// on reports whether t has the setting.
func (s *setting) on(t *Termios) bool {
	mask := s.mask
	if mask == 0 {
		mask = s.bits
	}
	return *t.flags(s.word)&mask == s.bits
}

// set sets or clears the setting in t.
func (s *setting) set(t *Termios, on bool) {
	f := t.flags(s.word)
	*f &^= s.mask | s.bits
	if on {
		*f |= s.bits
	}
}

// character is a control character.
type character struct {
	name  string
	index uint8
	sane  uint8
	use   use
	ssh   uint8
}

// characters are all that have a name, in the order in which stty shows them, and
// then the two numbers among them.
var characters = [...]character{
	{"intr", VINTR, 'C' & 0x1f, 0, 1},
	{"quit", VQUIT, '\\' & 0x1f, 0, 2},
	{"erase", VERASE, 0x7f, 0, 3},
	{"kill", VKILL, 'U' & 0x1f, 0, 4},
	{"eof", VEOF, 'D' & 0x1f, 0, 5},
	{"eol", VEOL, 0, 0, 6},
	{"eol2", VEOL2, 0, 0, 7},
	{"swtch", VSWTC, 0, 0, 16},
	{"start", VSTART, 'Q' & 0x1f, 0, 8},
	{"stop", VSTOP, 'S' & 0x1f, 0, 9},
	{"susp", VSUSP, 'Z' & 0x1f, 0, 10},
	{"rprnt", VREPRINT, 'R' & 0x1f, 0, 12},
	{"werase", VWERASE, 'W' & 0x1f, 0, 13},
	{"lnext", VLNEXT, 'V' & 0x1f, 0, 14},
	{"discard", VDISCARD, 'O' & 0x1f, 0, 18},
	{"flush", VDISCARD, 'O' & 0x1f, hidden, 0},
	{"min", VMIN, 1, hidden, 0},
	{"time", VTIME, 0, hidden, 0},
}
