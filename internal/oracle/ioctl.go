package oracle

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"

	"github.com/ptsns/ptsns/pts"
	"github.com/ptsns/ptsns/termios"
)

// argKind is how a conversation writes a request's argument or result.
type argKind uint8

const (
	argValue   argKind = iota // a number, in place of a pointer
	argInt                    // an int
	argOpaque                 // an int that differs from machine to machine: only success is told
	argPID                    // an int: the name of a process
	argByte                   // one byte, quoted
	argWinsize                // ROWS COLS XPIXEL YPIXEL
	argTermios                // words of package termios
	argTermio
	argTermios2
)

// request is one ioctl of the language.
type request struct {
	name string
	req  uint32
	set  bool // the argument is read by the terminal
	kind argKind
}

var requests = []request{
	{"TCGETS", pts.TCGETS, false, argTermios}, {"TCSETS", pts.TCSETS, true, argTermios}, {"TCSETSW", 0x5403, true, argTermios},
	{"TCSETSF", 0x5404, true, argTermios}, {"TCGETA", 0x5405, false, argTermio}, {"TCSETA", 0x5406, true, argTermio},
	{"TCSETAW", 0x5407, true, argTermio}, {"TCSETAF", 0x5408, true, argTermio}, {"TCSBRK", 0x5409, true, argValue},
	{"TCXONC", 0x540a, true, argValue}, {"TCFLSH", 0x540b, true, argValue}, {"TIOCEXCL", 0x540c, true, argValue},
	{"TIOCNXCL", 0x540d, true, argValue}, {"TIOCSCTTY", pts.TIOCSCTTY, true, argValue}, {"TIOCGPGRP", pts.TIOCGPGRP, false, argPID},
	{"TIOCSPGRP", pts.TIOCSPGRP, true, argPID}, {"TIOCOUTQ", 0x5411, false, argInt}, {"TIOCSTI", pts.TIOCSTI, true, argByte},
	{"TIOCGWINSZ", pts.TIOCGWINSZ, false, argWinsize}, {"TIOCSWINSZ", pts.TIOCSWINSZ, true, argWinsize},
	{"TIOCMGET", 0x5415, false, argInt}, {"TIOCMBIS", 0x5416, true, argInt}, {"TIOCMBIC", 0x5417, true, argInt}, {"TIOCMSET", 0x5418, true, argInt},
	{"TIOCGSOFTCAR", 0x5419, false, argInt}, {"TIOCSSOFTCAR", 0x541a, true, argInt}, {"FIONREAD", 0x541b, false, argInt},
	{"TIOCLINUX", 0x541c, false, argByte}, {"TIOCCONS", 0x541d, true, argValue}, {"TIOCPKT", pts.TIOCPKT, true, argInt},
	{"TIOCNOTTY", pts.TIOCNOTTY, true, argValue}, {"TIOCSETD", pts.TIOCSETD, true, argInt}, {"TIOCGETD", 0x5424, false, argInt},
	{"TCSBRKP", 0x5425, true, argValue}, {"TIOCSBRK", 0x5427, true, argValue}, {"TIOCCBRK", 0x5428, true, argValue},
	{"TIOCGSID", pts.TIOCGSID, false, argPID}, {"TCGETS2", 0x802c542a, false, argTermios2}, {"TCSETS2", 0x402c542b, true, argTermios2},
	{"TCSETSW2", 0x402c542c, true, argTermios2}, {"TCSETSF2", 0x402c542d, true, argTermios2}, {"TIOCGPTN", pts.TIOCGPTN, false, argOpaque},
	{"TIOCSPTLCK", pts.TIOCSPTLCK, true, argInt}, {"TIOCGDEV", 0x80045432, false, argOpaque}, {"TIOCSIG", pts.TIOCSIG, true, argValue},
	{"TIOCVHANGUP", pts.TIOCVHANGUP, true, argValue}, {"TIOCGPKT", 0x80045438, false, argInt}, {"TIOCGPTLCK", 0x80045439, false, argInt},
	{"TIOCGEXCL", 0x80045440, false, argInt}, {"TIOCGLCKTRMIOS", 0x5456, false, argTermios}, {"TIOCSLCKTRMIOS", pts.TIOCSLCKTRMIOS, true, argTermios},
	{"TIOCMIWAIT", 0x545c, true, argValue}, {"TIOCGICOUNT", 0x545d, false, argInt}, {"TIOCGSERIAL", 0x541e, false, argInt},
	{"TIOCSERGETLSR", 0x5459, false, argInt}, {"FIOQSIZE", 0x5460, false, argInt},
}

func lookupRequest(name string) (request, bool) {
	for _, r := range requests {
		if r.name == name {
			return r, true
		}
	}
	if v, err := strconv.ParseUint(name, 0, 32); err == nil {
		return request{name, uint32(v), true, argValue}, true
	}
	return request{}, false
}

var forms = map[argKind]termios.Form{argTermios: termios.Struct, argTermio: termios.Termio, argTermios2: termios.Struct2}

func (r request) size() int {
	switch r.kind {
	case argByte:
		return 1
	case argWinsize:
		return termios.WinsizeSize
	case argTermios, argTermio, argTermios2:
		return forms[r.kind].Size()
	case argValue:
		return 0
	}
	return 4
}

// op makes the call from the words that follow the request's name. pid finds processes.
func (r request) op(end, args string, pid func(string) (int, bool)) (Op, error) {
	op := Op{Call: Ioctl, End: end, Req: r.req}
	if args == "badptr" {
		op.BadPtr = true
		return op, nil
	}
	if r.kind == argValue {
		v, err := parseNumber(args)
		op.Value = int64(v)
		return op, err
	}
	op.Data = make([]byte, max(r.size(), 64))[:r.size()] // the kernel may write more than the name says
	if !r.set {
		return op, nil
	}
	switch r.kind {
	case argInt, argPID:
		v, ok := pid(args)
		if !ok {
			var err error
			if v, err = parseNumber(args); err != nil {
				return op, err
			}
		}
		binary.LittleEndian.PutUint32(op.Data, uint32(v))
	case argByte:
		b, err := unquote(args)
		if err != nil || len(b) != 1 {
			return op, fmt.Errorf("%s %s: one quoted byte is needed", r.name, args)
		}
		op.Data = b
	case argWinsize:
		var w termios.Winsize
		if _, err := fmt.Sscan(args, &w.Row, &w.Col, &w.Xpixel, &w.Ypixel); err != nil {
			return op, fmt.Errorf("%s %q: %w", r.name, args, err)
		}
		w.Put(op.Data)
	case argTermios, argTermio, argTermios2:
		var t termios.Termios
		for _, word := range strings.Fields(args) {
			if err := applySetting(&t, word); err != nil {
				return op, err
			}
		}
		forms[r.kind].Put(op.Data, &t)
	}
	return op, nil
}

func parseNumber(s string) (int, error) {
	if s == "" {
		return 0, nil
	}
	if n, ok := signalNumbers[s]; ok {
		return n, nil
	}
	v, err := strconv.ParseInt(s, 0, 64)
	return int(v), err
}

// result prints what the request filled in. name finds processes.
func (r request) result(b []byte, name func(pid int) string) string {
	if r.set || r.kind == argOpaque || r.kind == argValue || len(b) < r.size() {
		return "ok"
	}
	switch r.kind {
	case argPID:
		return name(int(int32(binary.LittleEndian.Uint32(b))))
	case argByte:
		return quote(b[:1])
	case argWinsize:
		var w termios.Winsize
		w.Take(b)
		return fmt.Sprintf("%d %d %d %d", w.Row, w.Col, w.Xpixel, w.Ypixel)
	case argTermios, argTermio, argTermios2:
		var t termios.Termios
		forms[r.kind].Take(b, &t)
		return printAll(&t)
	}
	return strconv.Itoa(int(int32(binary.LittleEndian.Uint32(b))))
}
