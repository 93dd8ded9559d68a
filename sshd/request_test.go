package sshd

import (
	"encoding/binary"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/ptsns/ptsns/termios"
)

func TestParsePty(t *testing.T) {
	echoOff := string(binary.BigEndian.AppendUint32([]byte{53}, 0)) + "\x00"
	tests := []struct {
		name    string
		payload []byte
		want    terminal
		size    window
		noted   bool
		fails   bool
	}{
		{"usual", ssh.Marshal(ptyPayload{Term: "xterm", Cols: 80, Rows: 25, Modes: echoOff}), terminal{"xterm", []byte(echoOff)}, window{25, 80}, false, false},
		{"no size", ssh.Marshal(ptyPayload{Term: "xterm", Rows: 25}), terminal{"xterm", []byte{}}, defaultWindow, false, false},
		{"huge", ssh.Marshal(ptyPayload{Term: "xterm", Rows: 1 << 31, Cols: 70000}), terminal{"xterm", []byte{}}, window{65535, 65535}, false, false},
		{"no TERM", ssh.Marshal(ptyPayload{Rows: 1, Cols: 1}), terminal{dumbTerm, []byte{}}, window{1, 1}, false, false},
		{"a strange TERM", ssh.Marshal(ptyPayload{Term: "../../x\x1b", Rows: 1, Cols: 1}), terminal{dumbTerm, []byte{}}, window{1, 1}, false, false},
		{"a long TERM", ssh.Marshal(ptyPayload{Term: strings.Repeat("x", 100), Rows: 1, Cols: 1}), terminal{dumbTerm, []byte{}}, window{1, 1}, false, false},
		{"modes that are cut", ssh.Marshal(ptyPayload{Term: "vt100", Rows: 1, Cols: 1, Modes: "\x35\x00"}), terminal{"vt100", nil}, window{1, 1}, true, false},
		{"too many modes", ssh.Marshal(ptyPayload{Term: "vt100", Rows: 1, Cols: 1, Modes: strings.Repeat("\x00", maxModes+1)}), terminal{"vt100", nil}, window{1, 1}, true, false},
		{"cut", ssh.Marshal(ptyPayload{Term: "vt100"})[:9], terminal{}, window{}, false, true},
		{"nothing", nil, terminal{}, window{}, false, true},
	}
	for _, tt := range tests {
		got, size, note, err := parsePty(tt.payload)
		if got.term != tt.want.term || string(got.modes) != string(tt.want.modes) || size != tt.size || (note != nil) != tt.noted || (err != nil) != tt.fails {
			t.Errorf("%s: %+v, %v, %v, %v", tt.name, got, size, note, err)
		}
	}
}

// Whatever a client sends as its terminal, what is passed on is a size, a TERM that is safe
// in an environment, and modes that a terminal can be given.
func FuzzPty(f *testing.F) {
	d := termios.Default()
	f.Add(ssh.Marshal(ptyPayload{Term: "xterm", Cols: 80, Rows: 25, Modes: string(d.AppendModes(nil))}))
	f.Add(ssh.Marshal(ptyPayload{Term: "x\x00", Modes: "\x01\xff\xff\xff\xff\x35"}))
	f.Add(ssh.Marshal(ptyPayload{Modes: "\x80\x00\x00\x00\x00\xa0"}))
	f.Add([]byte("\x00\x00\x00\x05xterm"))
	f.Fuzz(func(t *testing.T, payload []byte) {
		tty, size, note, err := parsePty(payload)
		if err != nil {
			return
		}
		if size.rows == 0 || size.cols == 0 {
			t.Errorf("size %v", size)
		}
		if tty.term == "" || strings.ContainsAny(tty.term, "\x00/= \x1b") || len(tty.term) > maxTerm {
			t.Errorf("TERM %q", tty.term)
		}
		settings := termios.Default()
		if err := settings.TakeModes(tty.modes); err != nil || note != nil && tty.modes != nil {
			t.Errorf("modes %q: %v, note %v", tty.modes, err, note)
		}
	})
}

func TestQuietModes(t *testing.T) {
	got := termios.Default()
	if err := got.TakeModes(quietModes()); err != nil {
		t.Fatal(err)
	}
	if got.Lflag&(termios.ECHO|termios.ISIG|termios.IEXTEN) != 0 || got.Lflag&termios.ICANON == 0 || got.Oflag&termios.OPOST != 0 ||
		got.Iflag&(termios.ICRNL|termios.IXON|termios.ISTRIP) != 0 {
		t.Errorf("%+v", got)
	}
	for i, c := range got.Cc {
		if c != 0 && i != termios.VEOF && i != termios.VMIN && i != termios.VDISCARD {
			t.Errorf("character %d is %q", i, c)
		}
	}
}

func TestTakesEnv(t *testing.T) {
	tests := []struct {
		name, value string
		want        bool
	}{
		{"LANG", "C.UTF-8", true},
		{"LC_ALL", "", true},
		{"LC_MY_OWN", "x", true},
		{"LC_", "x", false},
		{"LANGUAGE", "x", false},
		{"LD_PRELOAD", "x", false},
		{"LC_A=B", "x", false},
		{"LC_A\x00", "x", false},
		{"LC_" + strings.Repeat("A", 100), "x", false},
		{"LANG", "x\x00y", false},
		{"LANG", "x\ny", false},
		{"LANG", strings.Repeat("x", maxEnvValue+1), false},
	}
	for _, tt := range tests {
		if got := takesEnv(tt.name, tt.value); got != tt.want {
			t.Errorf("%q=%q: %v, want %v", tt.name, tt.value, got, tt.want)
		}
	}
}

func TestIsSCP(t *testing.T) {
	for command, want := range map[string]bool{
		"scp -t /tmp":               true,
		"scp -v -f -- x":            true,
		"/usr/bin/scp -prt x":       true,
		"  scp\t-t .":               true,
		"scp":                       false,
		"scp file host:":            false,
		"echo scp -t":               false,
		"":                          false,
		"scpx -t":                   false,
		"./run-tests --scp -t here": false,
	} {
		if got := isSCP(command); got != want {
			t.Errorf("%q: %v, want %v", command, got, want)
		}
	}
}

func TestKeyParser(t *testing.T) {
	tests := map[string][]keyCode{
		"q":                     {'q'},
		"\x1b[A\x1b[B":          {keyUp, keyDown},
		"\x1bOA\x1bOF":          {keyUp, keyEnd},
		"\x1b[5~\x1b[6~":        {keyPageUp, keyPageDown},
		"\x1b[1~\x1b[4~":        {keyHome, keyEnd},
		"\x1b[1;5A":             {keyUp},
		"\x1b[200~q\x1b[201~":   {'q'},
		"\x1bq\x1b\x1b[Ax":      {keyUp, 'x'},
		"\x1b[?1;2cq":           {'q'},
		"\x1b[999999999999~":    nil,
		"\x1b[<0;1;1M\x1b[Zr":   {'r'},
		"1\r\n":                 {'1', '\r', '\n'},
		"\x1b[\x1b[\x1b[Bj":     {keyDown, 'j'},
		"\x1bOx\x1bO\x1b[H\x04": {keyHome, 4},
		// Answers of the terminal.
		"\x1b]l3n\r\x1b\\q":            {'q'},
		"\x1b]11;rgb:0/0/0\aq":         {'q'},
		"\x1bP1$r0m\x1b\\\x1b[24;80Rq": {'q'},
		"\x1b]52;c;bg==\x1b[Aq":        {keyUp, 'q'},
		"\x1b]2;x\x04q":                {'q'},
	}
	for typed, want := range tests {
		var p keyParser
		var got []keyCode
		for _, c := range []byte(typed) {
			if key := p.next(c); key != keyNone {
				got = append(got, key)
			}
		}
		if len(got) != len(want) {
			t.Errorf("%q: %v, want %v", typed, got, want)
			continue
		}
		for i := range got {
			if got[i] != want[i] {
				t.Errorf("%q: %v, want %v", typed, got, want)
			}
		}
	}
}
