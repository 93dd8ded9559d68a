package termios

// speeds are the bits per second that the codes of CBAUD stand for: a code without
// CBAUDEX is its index, one with CBAUDEX its low bits plus 15.
var speeds = [...]uint32{
	0, 50, 75, 110, 134, 150, 200, 300, 600, 1200, 1800, 2400, 4800, 9600, 19200, 38400,
	57600, 115200, 230400, 460800, 500000, 576000, 921600, 1000000, 1152000, 1500000, 2000000, 2500000, 3000000, 3500000, 4000000,
}

// codeSpeed is the speed of a code of CBAUD; other is that of BOTHER.
func codeSpeed(code, other uint32) uint32 {
	switch {
	case code == BOTHER:
		return other
	case code&CBAUDEX != 0:
		return speeds[code&^CBAUDEX+15]
	}
	return speeds[code]
}

// speedCode is the code of CBAUD for a speed: BOTHER when it has none of its own.
func speedCode(speed uint32) uint32 {
	for i, s := range speeds {
		switch {
		case s != speed:
		case i > 15:
			return CBAUDEX | uint32(i-15)
		default:
			return uint32(i)
		}
	}
	return BOTHER
}

// Speeds are the bits per second that Cflag, with Ispeed and Ospeed where it says
// BOTHER, stands for.
func (t *Termios) Speeds() (input, output uint32) {
	output = codeSpeed(t.Cflag&CBAUD, t.Ospeed)
	input = output
	if code := t.Cflag >> IBSHIFT & CBAUD; code != B0 {
		input = codeSpeed(code, t.Ispeed)
	}
	return input, output
}

// SetSpeed makes speed that of input and output. Any is possible.
func (t *Termios) SetSpeed(speed uint32) { t.setBoth(speed, speed) }

// setBoth sets the two speeds. An input speed of 0 is the output's.
func (t *Termios) setBoth(in, out uint32) {
	if in == 0 {
		in = out
	}
	code := speedCode(out)
	if in != out {
		code |= speedCode(in) << IBSHIFT
	}
	t.Cflag = t.Cflag&^(CBAUD|CIBAUD) | code
	t.Ispeed, t.Ospeed = in, out
}

// setSpeeds makes Ispeed and Ospeed agree with Cflag.
func (t *Termios) setSpeeds() {
	t.Ispeed, t.Ospeed = t.Speeds()
}
