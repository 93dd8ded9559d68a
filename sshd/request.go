package sshd

import (
	"fmt"
	"math"
	"path"
	"strings"
	"syscall"

	"golang.org/x/crypto/ssh"

	"github.com/ptsns/ptsns/termios"
)

// The payloads of a channel's requests: RFC 4254, section 6.
type (
	ptyPayload struct {
		Term             string
		Cols, Rows       uint32
		PixelsX, PixelsY uint32
		Modes            string
	}
	windowPayload struct {
		Cols, Rows       uint32
		PixelsX, PixelsY uint32
	}
	envPayload       struct{ Name, Value string }
	execPayload      struct{ Command string }
	subsystemPayload struct{ Name string }
	signalPayload    struct{ Name string }
	statusPayload    struct{ Status uint32 }
)

// terminal is the terminal at the client's end.
type terminal struct {
	term  string // TERM
	modes []byte // encoded; nil when there is nothing in them that a terminal could have
}

// dumb tells whether the terminal moves no cursor.
func (t *terminal) dumb() bool { return t.term == dumbTerm }

const (
	dumbTerm = "dumb"
	maxTerm  = 64
	maxModes = 4096
)

// window is the size of a client's window.
type window struct{ rows, cols uint16 }

// defaultWindow is that of a client who does not say.
var defaultWindow = window{24, 80}

func newWindow(rows, cols uint32) window {
	w := window{uint16(min(rows, math.MaxUint16)), uint16(min(cols, math.MaxUint16))}
	if w.rows == 0 || w.cols == 0 {
		return defaultWindow
	}
	return w
}

// parsePty parses a pty-req. Modes that no terminal can be given are left out, as note says:
// a client gets its terminal all the same.
func parsePty(payload []byte) (t terminal, w window, note error, err error) {
	var p ptyPayload
	if err := ssh.Unmarshal(payload, &p); err != nil {
		return terminal{}, window{}, nil, err
	}
	t.term = p.Term
	if t.term == "" || len(t.term) > maxTerm || strings.Trim(t.term, termLetters) != "" {
		t.term = dumbTerm
	}
	settings := termios.Default()
	if len(p.Modes) > maxModes {
		note = fmt.Errorf("terminal modes of %d bytes", len(p.Modes))
	} else if err := settings.TakeModes([]byte(p.Modes)); err != nil {
		note = err
	} else {
		t.modes = []byte(p.Modes)
	}
	return t, newWindow(p.Rows, p.Cols), note, nil
}

const termLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.+"

// quietModes are the settings of a terminal for a command whose client has none: bytes
// pass both ways as they are, but for VEOF, which ends the input.
func quietModes() []byte {
	t := termios.Default()
	t.MakeRaw()
	t.Lflag |= termios.ICANON
	veof := t.Cc[termios.VEOF]
	t.Cc = [termios.NCCS]uint8{termios.VEOF: veof, termios.VMIN: 1}
	return t.AppendModes(nil)
}

const (
	maxEnv      = 32
	maxEnvValue = 256
)

// takesEnv tells whether a client may set a variable: what says how text is to be written,
// as sshd is commonly configured.
func takesEnv(name, value string) bool {
	category, ok := strings.CutPrefix(name, "LC_")
	if name != "LANG" && (!ok || category == "" || len(category) > 32 || strings.Trim(category, termLetters) != "") {
		return false
	}
	return len(value) <= maxEnvValue && !strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r == 0x7f })
}

// signals are the names of RFC 4254, section 6.10.
var signals = map[string]syscall.Signal{
	"ABRT": syscall.SIGABRT, "ALRM": syscall.SIGALRM, "FPE": syscall.SIGFPE, "HUP": syscall.SIGHUP,
	"ILL": syscall.SIGILL, "INT": syscall.SIGINT, "KILL": syscall.SIGKILL, "PIPE": syscall.SIGPIPE,
	"QUIT": syscall.SIGQUIT, "SEGV": syscall.SIGSEGV, "TERM": syscall.SIGTERM, "USR1": syscall.SIGUSR1,
	"USR2": syscall.SIGUSR2,
}

// isSCP tells whether a command is the far end of an scp: it would speak its protocol
// into a terminal.
func isSCP(command string) bool {
	words := strings.Fields(command)
	if len(words) == 0 || path.Base(words[0]) != "scp" {
		return false
	}
	for _, word := range words[1:] {
		if flags, ok := strings.CutPrefix(word, "-"); ok && strings.ContainsAny(flags, "tf") {
			return true
		}
	}
	return false
}

// printable makes text that others chose fit for a terminal and for one line.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if !isPrint(r) {
			return '?'
		}
		return r
	}, s)
}
