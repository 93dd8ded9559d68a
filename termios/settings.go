package termios

import (
	"fmt"
	"strconv"
	"strings"
)

// combinations are the settings of stty that stand for others. Those with a "-"
// before the name are entries of their own.
var combinations = map[string]string{
	"evenp": "parenb -parodd cs7", "-evenp": "-parenb cs8",
	"parity": "evenp", "-parity": "-evenp",
	"oddp": "parenb parodd cs7", "-oddp": "-parenb cs8",
	"pass8": "-parenb -istrip cs8", "-pass8": "parenb istrip cs7",
	"litout": "-parenb -istrip -opost cs8", "-litout": "parenb istrip opost cs7",
	"nl": "-icrnl -onlcr", "-nl": "icrnl -inlcr -igncr onlcr -ocrnl -onlret",
	"cooked": "brkint ignpar istrip icrnl ixon opost isig icanon", "-cooked": "raw", "-raw": "cooked",
	"cbreak": "-icanon", "-cbreak": "icanon",
	"decctlq": "-ixany", "-decctlq": "ixany",
	"tabs": "tab0", "-tabs": "tab3",
	"lcase": "xcase iuclc olcuc", "-lcase": "-xcase -iuclc -olcuc",
	"LCASE": "lcase", "-LCASE": "-lcase",
	"crt": "echoe echoctl echoke",
	"dec": "echoe echoctl echoke -ixany intr ^C erase ^? kill ^U",
	"ek":  "erase ^? kill ^U",
}

// Stty changes the settings, and the size where w is not nil, as the arguments of
// stty say: "-echo", "raw", "sane", "intr ^C", "min 1", "rows 24", "9600", the output
// of SttySave, and so on, each word an argument; nothing that would print. "ispeed" and
// "ospeed" set both speeds, as a terminal of Linux has one.
//
// The arguments are taken in turn. When one is wrong, what it names and everything else
// stays as it was, and the error says which it is.
func (t *Termios) Stty(w *Winsize, args ...string) error {
	n := *t
	size := Winsize{}
	if w != nil {
		size = *w
	}
	for len(args) > 0 {
		taken, err := n.take(&size, args)
		if err != nil {
			return err
		}
		args = args[taken:]
	}
	*t = n
	if w != nil {
		*w = size
	}
	return nil
}

// take applies the first of args and tells how many it took.
func (t *Termios) take(w *Winsize, args []string) (int, error) {
	arg := args[0]
	if t.takeWord(w, arg) {
		return 1, nil
	}
	set, ok := t.valueSetting(w, arg)
	switch {
	case ok && len(args) < 2:
		return 0, fmt.Errorf("stty setting %q: want a value after it", arg)
	case ok:
		if !set(args[1]) {
			return 0, fmt.Errorf("stty setting %q: %q is not a value for it", arg, args[1])
		}
		return 2, nil
	}
	return 0, fmt.Errorf("stty setting %q: no such setting", arg)
}

// takeWord applies a setting that needs no value; false when arg is none.
func (t *Termios) takeWord(w *Winsize, arg string) bool {
	name, off := strings.CutPrefix(arg, "-")
	for i := range settings {
		if s := &settings[i]; s.name == name && name != "" && (!off || s.use&negated != 0) {
			s.set(t, !off)
			return true
		}
	}
	if list, ok := combinations[arg]; ok {
		args := strings.Fields(list)
		for len(args) > 0 {
			n, err := t.take(w, args)
			if err != nil {
				panic(err) // the table is wrong
			}
			args = args[n:]
		}
		return true
	}
	switch arg {
	case "raw":
		// stty clears all of Iflag, also what has no name.
		t.Iflag = 0
		t.Oflag &^= OPOST
		t.Lflag &^= ISIG | ICANON | XCASE
		t.Cc[VMIN], t.Cc[VTIME] = 1, 0
		return true
	case "sane":
		t.makeSane()
		return true
	case "drain", "-drain":
		return true // says when, not what
	}
	if speed, ok := parseSpeed(arg); ok {
		t.SetSpeed(speed)
		return true
	}
	return t.restore(arg)
}

// valueSetting is how to set what needs a value; false when name is no such setting.
func (t *Termios) valueSetting(w *Winsize, name string) (set func(string) bool, ok bool) {
	for i := range characters {
		if c := &characters[i]; c.name == name {
			return func(s string) bool {
				v, ok := parseCharacter(s, c.index)
				if ok {
					t.Cc[c.index] = v
				}
				return ok
			}, true
		}
	}
	number := func(bits int, set func(uint64)) func(string) bool {
		return func(s string) bool {
			v, ok := parseNumber(s, bits)
			if ok {
				set(v)
			}
			return ok
		}
	}
	switch name {
	case "rows":
		return number(16, func(v uint64) { w.Row = uint16(v) }), true
	case "cols", "columns":
		return number(16, func(v uint64) { w.Col = uint16(v) }), true
	case "line":
		return number(8, func(v uint64) { t.Line = uint8(v) }), true
	case "ispeed", "ospeed":
		return func(s string) bool {
			speed, ok := parseSpeed(s)
			if ok && (speed != 0 || name == "ospeed") { // no speed of input is that of output
				t.SetSpeed(speed)
			}
			return ok
		}, true
	}
	return nil, false
}

// makeSane is stty's sane.
func (t *Termios) makeSane() {
	for i := range characters {
		t.Cc[characters[i].index] = characters[i].sane
	}
	for i := range settings {
		if s := &settings[i]; s.use&(saneOn|saneOff) != 0 {
			s.set(t, s.use&saneOn != 0)
		}
	}
}

// parseSpeed parses bits per second. The two names are System V's.
func parseSpeed(s string) (uint32, bool) {
	switch s {
	case "exta":
		return 19200, true
	case "extb":
		return 38400, true
	}
	if s == "" || s[0] < '0' || s[0] > '9' {
		return 0, false
	}
	v, err := strconv.ParseUint(s, 10, 32)
	return uint32(v), err == nil
}

// parseCharacter parses the value of a control character: the character itself, ^c,
// ^- or undef for none, or a number.
func parseCharacter(s string, index uint8) (uint8, bool) {
	switch {
	case index == VMIN || index == VTIME:
	case s == "":
		return 0, true
	case len(s) == 1:
		return s[0], true
	case s == "^-" || s == "undef":
		return 0, true
	case s == "^?":
		return 0x7f, true
	case s[0] == '^':
		return s[1] &^ 0x60, true
	}
	v, ok := parseNumber(s, 8)
	return uint8(v), ok
}

// parseNumber parses a number as C writes it: decimal, octal after 0, hexadecimal
// after 0x.
func parseNumber(s string, bits int) (uint64, bool) {
	s = strings.TrimPrefix(s, "+")
	base := 10
	if len(s) > 1 && s[0] == '0' {
		base = 8
		s = s[1:]
		if s[0] == 'x' || s[0] == 'X' {
			base = 16
			s = s[1:]
		}
	}
	v, err := strconv.ParseUint(s, base, bits)
	return v, err == nil
}
