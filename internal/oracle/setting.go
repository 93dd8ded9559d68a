package oracle

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/ptsns/ptsns/termios"
)

// flagWords are the flags by the kernel's names. word tells which flag word they are in.
var flagWords = []struct {
	word int // 0 Iflag, 1 Oflag, 2 Cflag, 3 Lflag
	name string
	bit  uint32
}{
	{0, "IGNBRK", termios.IGNBRK}, {0, "BRKINT", termios.BRKINT}, {0, "IGNPAR", termios.IGNPAR}, {0, "PARMRK", termios.PARMRK}, {0, "INPCK", termios.INPCK},
	{0, "ISTRIP", termios.ISTRIP}, {0, "INLCR", termios.INLCR}, {0, "IGNCR", termios.IGNCR}, {0, "ICRNL", termios.ICRNL}, {0, "IUCLC", termios.IUCLC},
	{0, "IXON", termios.IXON}, {0, "IXANY", termios.IXANY}, {0, "IXOFF", termios.IXOFF}, {0, "IMAXBEL", termios.IMAXBEL}, {0, "IUTF8", termios.IUTF8},
	{1, "OPOST", termios.OPOST}, {1, "OLCUC", termios.OLCUC}, {1, "ONLCR", termios.ONLCR}, {1, "OCRNL", termios.OCRNL}, {1, "ONOCR", termios.ONOCR},
	{1, "ONLRET", termios.ONLRET}, {1, "OFILL", termios.OFILL}, {1, "OFDEL", termios.OFDEL}, {1, "NL1", termios.NL1}, {1, "CR1", termios.CR1}, {1, "CR2", termios.CR2},
	{1, "TAB1", termios.TAB1}, {1, "TAB2", termios.TAB2}, {1, "XTABS", termios.XTABS}, {1, "BS1", termios.BS1}, {1, "VT1", termios.VT1}, {1, "FF1", termios.FF1},
	{2, "CSTOPB", termios.CSTOPB}, {2, "CREAD", termios.CREAD}, {2, "PARENB", termios.PARENB}, {2, "PARODD", termios.PARODD}, {2, "HUPCL", termios.HUPCL},
	{2, "CLOCAL", termios.CLOCAL}, {2, "CRTSCTS", termios.CRTSCTS}, {2, "CS6", termios.CS6}, {2, "CS7", termios.CS7}, {2, "CS8", termios.CS8},
	{3, "ISIG", termios.ISIG}, {3, "ICANON", termios.ICANON}, {3, "XCASE", termios.XCASE}, {3, "ECHO", termios.ECHO}, {3, "ECHOE", termios.ECHOE},
	{3, "ECHOK", termios.ECHOK}, {3, "ECHONL", termios.ECHONL}, {3, "NOFLSH", termios.NOFLSH}, {3, "TOSTOP", termios.TOSTOP}, {3, "ECHOCTL", termios.ECHOCTL},
	{3, "ECHOPRT", termios.ECHOPRT}, {3, "ECHOKE", termios.ECHOKE}, {3, "FLUSHO", termios.FLUSHO}, {3, "PENDIN", termios.PENDIN}, {3, "IEXTEN", termios.IEXTEN},
	{3, "EXTPROC", termios.EXTPROC},
}

// ccWords are the control characters by the kernel's names, at their indices.
var ccWords = [...]string{"VINTR", "VQUIT", "VERASE", "VKILL", "VEOF", "VTIME", "VMIN", "VSWTC", "VSTART", "VSTOP", "VSUSP",
	"VEOL", "VREPRINT", "VDISCARD", "VWERASE", "VLNEXT", "VEOL2"}

// wordNames are the flag words as they are set and printed whole.
var wordNames = [...]string{"iflag", "oflag", "cflag", "lflag"}

func words(t *termios.Termios) [4]*uint32 { return [4]*uint32{&t.Iflag, &t.Oflag, &t.Cflag, &t.Lflag} }

// applySetting changes t by one word of a conversation: ECHO, -ECHO, VMIN=3, VINTR=q,
// VERASE=^H, VSTOP=off, VEOL=\xff, raw, iflag=0x500, line=7.
func applySetting(t *termios.Termios, s string) error {
	if s == "raw" {
		t.MakeRaw()
		return nil
	}
	if name, value, ok := strings.Cut(s, "="); ok {
		return assign(t, name, value)
	}
	name := strings.TrimPrefix(s, "-")
	for _, f := range flagWords {
		if f.name != name {
			continue
		}
		w := words(t)[f.word]
		if *w |= f.bit; name != s {
			*w &^= f.bit
		}
		return nil
	}
	return fmt.Errorf("setting %q is not known", s)
}

func assign(t *termios.Termios, name, value string) error {
	for i, word := range wordNames {
		if word == name {
			v, err := strconv.ParseUint(value, 0, 32)
			*words(t)[i] = uint32(v)
			return err
		}
	}
	if name == "line" {
		v, err := strconv.ParseUint(value, 0, 8)
		t.Line = uint8(v)
		return err
	}
	for i, word := range ccWords {
		if word == name {
			v, err := parseChar(value, i == termios.VMIN || i == termios.VTIME)
			t.Cc[i] = v
			return err
		}
	}
	return fmt.Errorf("setting %q is not known", name)
}

func parseChar(s string, number bool) (uint8, error) {
	switch {
	case number || len(s) > 2 && s[:2] == "0x":
		v, err := strconv.ParseUint(s, 0, 8)
		return uint8(v), err
	case s == "off":
		return 0, nil
	case s == "^?":
		return 0x7f, nil
	case len(s) == 2 && s[0] == '^':
		return s[1] & 0x1f, nil
	case len(s) == 1:
		return s[0], nil
	}
	return 0, fmt.Errorf("%q is not a character", s)
}

// printSetting prints the word of t that a query names.
func printSetting(t *termios.Termios, s string) (string, error) {
	if s == "all" {
		return printAll(t), nil
	}
	for i, word := range ccWords {
		if word == s {
			return fmt.Sprintf("%s=%s", s, printChar(t.Cc[i], i == termios.VMIN || i == termios.VTIME)), nil
		}
	}
	for i, word := range wordNames {
		if word == s {
			return fmt.Sprintf("%s=%#x", s, *words(t)[i]), nil
		}
	}
	if s == "line" {
		return fmt.Sprintf("line=%d", t.Line), nil
	}
	for _, f := range flagWords {
		if f.name == s {
			if *words(t)[f.word]&f.bit == f.bit {
				return s, nil
			}
			return "-" + s, nil
		}
	}
	return "", fmt.Errorf("setting %q is not known", s)
}

func printChar(c uint8, number bool) string {
	switch {
	case number:
		return strconv.Itoa(int(c))
	case c == 0:
		return "off"
	case c == 0x7f:
		return "^?"
	case c < ' ':
		return "^" + string(rune(c|0x40))
	case c > '~':
		return fmt.Sprintf("%#x", c)
	}
	return string(rune(c))
}

// printAll prints t in words that applySetting takes, every bit and character of it.
func printAll(t *termios.Termios) string {
	out := make([]string, 0, 24)
	for i, word := range wordNames {
		out = append(out, fmt.Sprintf("%s=%#x", word, *words(t)[i]))
	}
	out = append(out, fmt.Sprintf("line=%d", t.Line))
	for i, word := range ccWords {
		out = append(out, word+"="+printChar(t.Cc[i], i == termios.VMIN || i == termios.VTIME))
	}
	return strings.Join(out, " ")
}
