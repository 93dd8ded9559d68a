package sshd

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/ptsns/ptsns/control"
	"github.com/ptsns/ptsns/hub"
	"github.com/ptsns/ptsns/server"
	"github.com/ptsns/ptsns/termios"
)

var noTTY = window{}

// told waits until a terminal is told what is wanted.
func told(t *testing.T, s *fakeStream, want string) {
	t.Helper()
	for got := ""; got != want; {
		got = next(t, s.told)
	}
}

func TestShell(t *testing.T) {
	d := newDoor(t, func(s *Server) { s.cfg.Env = append(s.cfg.Env, "LANG=C") })
	s := newFakeStream(3)
	d.ns.streams <- s
	c, err := d.login("vs1", d.signer)
	if err != nil {
		t.Fatal(err)
	}
	session, err := c.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{"LANG": true, "LC_TIME": true, "LD_PRELOAD": false, "TERM": false} {
		if err := session.Setenv(name, "x"); (err == nil) != want {
			t.Errorf("environment variable %s: %v", name, err)
		}
	}
	p := &person{t: t, s: session, out: new(syncBuffer), errs: new(syncBuffer)}
	session.Stdout, session.Stderr = p.out, p.errs
	if p.in, err = session.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := session.RequestPty("vt220", 30, 100, ssh.TerminalModes{ssh.ECHO: 0}); err != nil {
		t.Fatal(err)
	}
	if err := session.RequestPty("vt220", 30, 100, nil); err == nil {
		t.Error("a second terminal is given")
	}
	if err := session.Shell(); err != nil {
		t.Fatal(err)
	}

	spec := next(t, d.ns.started)
	settings := termios.Default()
	if err := settings.TakeModes(spec.Modes); err != nil || settings.Lflag&termios.ECHO != 0 {
		t.Errorf("modes %q: %v", spec.Modes, err)
	}
	slices.Sort(spec.Env)
	if got := fmt.Sprintf("%q %q %d %d %v %s %s %s", spec.Argv, spec.Env, spec.Rows, spec.Cols, spec.Attach, spec.DirDefault, spec.Who.Door, spec.Who.Name); got !=
		`["/bin/zsh"] ["HOME=/home/dev" "LANG=x" "LC_TIME=x" "TERM=vt220"] 30 100 true /home/dev ssh dev@laptop` {
		t.Errorf("started %s", got)
	}
	told(t, s, "30x100")
	s.say("prompt> ")
	p.out.await(t, "the prompt", func(text string) bool { return text == "prompt> " })
	p.types("ls\r")
	if got := next(t, s.typed); got != "ls\r" {
		t.Errorf("typed %q", got)
	}
	if err := session.WindowChange(40, 120); err != nil {
		t.Fatal(err)
	}
	told(t, s, "40x120")
	for _, sig := range []ssh.Signal{ssh.SIGINT, ssh.SIGUSR1} {
		if err := session.Signal(sig); err != nil {
			t.Fatal(err)
		}
	}
	told(t, s, syscall.SIGINT.String())
	told(t, s, syscall.SIGUSR1.String())
	s.exit(7)
	if got := p.status(); got != 7 {
		t.Errorf("status %d, want 7", got)
	}
	next(t, s.closed)
}

// A user's shell that is not there inside is /bin/sh.
func TestShellThatIsNotThere(t *testing.T) {
	d := newDoor(t, nil)
	d.ns.fail <- &control.Error{Code: "not-found", Text: "start \"/bin/zsh\""}
	p := d.enter("vs1", d.signer, defaultWindow, nil, "")
	if got := next(t, d.ns.started).Argv; got[0] != "/bin/zsh" {
		t.Errorf("first %q", got)
	}
	s := newFakeStream(0)
	d.ns.streams <- s
	if got := next(t, d.ns.started).Argv; got[0] != "/bin/sh" {
		t.Errorf("then %q", got)
	}
	s.exit(0)
	if got := p.status(); got != 0 {
		t.Errorf("status %d", got)
	}
}

// A command without a terminal: what it is given passes as it is, then ends.
func TestCommandInAPipe(t *testing.T) {
	d := newDoor(t, nil)
	s := newFakeStream(1)
	d.ns.streams <- s
	p := d.enter("vs1", d.signer, noTTY, nil, "cat; exit 3")
	spec := next(t, d.ns.started)
	if !slices.Equal(spec.Argv, []string{"/bin/sh", "-c", "cat; exit 3"}) || string(spec.Modes) != string(quietModes()) || !slices.Contains(spec.Env, "TERM=dumb") {
		t.Errorf("started %+v", spec)
	}
	p.types("\x10\x11piped")
	if got := next(t, s.typed); got != "\x10\x11piped" { // no keys that leave
		t.Errorf("typed %q", got)
	}
	if err := p.in.Close(); err != nil {
		t.Fatal(err)
	}
	told(t, s, "end")
	s.say("out")
	s.exit(3)
	if got := p.status(); got != 3 || p.out.String() != "out" || p.errs.String() != "" {
		t.Errorf("status %d, output %q, %q", got, p.out, p.errs)
	}
}

func TestJoin(t *testing.T) {
	d := newDoor(t, nil)
	for _, tt := range []struct {
		user string
		size window
		want string
	}{
		{"vs1/0", window{30, 100}, "vs1/0 ssh dev@laptop read-only=false 30x100"},
		{"vs1+12", window{30, 100}, "vs1/12 ssh dev@laptop read-only=false 30x100"},
		{"vs1/0", noTTY, "vs1/0 ssh dev@laptop read-only=false 0x0"},
	} {
		s := newFakeStream(0)
		d.ns.streams <- s
		p := d.enter(tt.user, d.signer, tt.size, nil, "")
		if got := next(t, d.ns.attached); got != tt.want {
			t.Errorf("joined %s, want %s", got, tt.want)
		}
		p.types("x")
		if got := next(t, s.typed); got != "x" {
			t.Errorf("typed %q", got)
		}
		if err := p.in.Close(); err != nil { // neither leaves nor types
			t.Fatal(err)
		}
		s.say("still here")
		p.out.await(t, "output after the end of input", func(text string) bool { return text == "still here" })
		s.exit(9) // somebody else's
		if got := p.status(); got != 0 {
			t.Errorf("%s: status %d, want 0", tt.user, got)
		}
		for len(s.told) > 0 {
			if got := <-s.told; got == "end" {
				t.Errorf("%s: an end of input is typed", tt.user)
			}
		}
	}
}

func TestDetach(t *testing.T) {
	d := newDoor(t, nil)
	s := newFakeStream(5)
	d.ns.streams <- s
	p := d.enter("vs1", d.signer, defaultWindow, nil, "")
	p.types("a\x10")
	p.types("b\x10\x11c")
	if got := p.status(); got != 0 {
		t.Errorf("status %d, want 0", got)
	}
	next(t, s.closed)
	typed := ""
	for len(s.typed) > 0 {
		typed += <-s.typed
	}
	if typed != "a\x10b" {
		t.Errorf("typed %q", typed)
	}
	if want := "ptsns: detached from vs1/5; ssh vs1/5@... comes back\r\n"; p.errs.String() != want {
		t.Errorf("said %q, want %q", p.errs, want)
	}
	if !strings.HasSuffix(p.out.String(), enough+"\r\n") {
		t.Errorf("the terminal is left with %q", p.out)
	}
}

// A read-only key: nothing that is typed arrives, and neither do signals. The size of the
// window does: what is painted has to fit it.
func TestReadOnlyKey(t *testing.T) {
	viewer := newSigner(t)
	d := newDoor(t, nil, line(viewer.PublicKey(), `read-only,namespaces="vs1"`, "tv"))
	s := newFakeStream(0)
	d.ns.streams <- s
	p := d.enter("vs1/0", viewer, window{30, 100}, nil, "")
	if got, want := next(t, d.ns.attached), "vs1/0 ssh tv read-only=true 30x100"; got != want {
		t.Errorf("joined %s, want %s", got, want)
	}
	p.types("rm -rf\r\x03\x1b[0n")
	told(t, s, "30x100")
	if err := p.s.WindowChange(10, 20); err != nil {
		t.Fatal(err)
	}
	told(t, s, "10x20")
	if err := p.s.Signal(ssh.SIGKILL); err != nil { // wants no answer
		t.Fatal(err)
	}
	p.types("\x10\x11") // once this is heard, so was all the rest
	if got := p.status(); got != 0 {
		t.Errorf("status %d, want 0", got)
	}
	if len(s.typed) != 0 || len(s.told) != 0 {
		t.Errorf("%d inputs and %d requests arrive", len(s.typed), len(s.told))
	}
	for user, want := range map[string]string{
		"vs1":   "ptsns: this key looks on: it may join terminals and open none\r\n",
		"vs2/0": "ptsns: this key is not for namespace \"vs2\"\r\n",
	} {
		p := d.enter(user, viewer, defaultWindow, nil, "")
		if got := p.status(); got != exitFailure || p.errs.String() != want {
			t.Errorf("%s: status %d, said %q, want %q", user, got, p.errs, want)
		}
	}
	if len(d.ns.started) != 0 || len(d.ns.attached) != 0 {
		t.Error("something is started or joined")
	}
}

func TestRefusals(t *testing.T) {
	plain := newSigner(t)
	d := newDoor(t, nil, line(plain.PublicKey(), "restrict", "plain"))
	tests := []struct {
		user, command string
		signer        ssh.Signer
		want          string
	}{
		{"../x", "", d.signer, `user "../x"`},
		{"vs1/../vs2/0", "", d.signer, "is not an index"},
		{"..", "true", d.signer, `user ".."`},
		{"vs1", "", d.signer, "a shell needs a terminal"},
		{"vs1/0", "true", d.signer, "runs no command"},
		{"ptsns", "true", d.signer, "the picker runs no command"},
		{"vs1", "scp -t /tmp", d.signer, "there is no scp"},
		{"vs1", "scp -f /etc/passwd", d.signer, "there is no scp"},
	}
	for _, tt := range tests {
		p := d.enter(tt.user, tt.signer, noTTY, nil, tt.command)
		if got := p.status(); got != exitFailure || !strings.Contains(p.errs.String(), tt.want) {
			t.Errorf("%s %q: status %d, said %q, want %q", tt.user, tt.command, got, p.errs, tt.want)
		}
	}

	c, err := d.login("vs1", plain)
	if err != nil {
		t.Fatal(err)
	}
	session, err := c.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	if err := session.RequestPty("xterm", 24, 80, nil); err == nil {
		t.Error("a restricted key gets a terminal")
	}

	c, err = d.login("vs1", d.signer)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Dial("tcp", "127.0.0.1:22"); err == nil || !strings.Contains(err.Error(), "nothing is forwarded here") {
		t.Errorf("a connection is forwarded: %v", err)
	}
	if _, err := c.Listen("tcp", "127.0.0.1:0"); err == nil {
		t.Error("a listener is forwarded")
	}
	if _, _, err := c.OpenChannel("x11", nil); err == nil {
		t.Error("a channel of another type is opened")
	}
	ch, reqs, err := c.OpenChannel("session", nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, request := range []string{"x11-req", "auth-agent-req@openssh.com", "break", "xon-xoff", "eow@openssh.com", "nonsense"} {
		if ok, err := ch.SendRequest(request, true, nil); ok || err != nil {
			t.Errorf("%s: %v, %v", request, ok, err)
		}
	}
	if ok, err := ch.SendRequest("subsystem", true, ssh.Marshal(subsystemPayload{"sftp"})); !ok || err != nil {
		t.Fatal(err)
	}
	errs, err := io.ReadAll(ch.Stderr())
	if want := "ptsns: X11 is not forwarded here\nptsns: agents are not forwarded here\nptsns: no files are copied here: there is no sftp\n"; string(errs) != want {
		t.Errorf("said %q, %v, want %q", errs, err, want)
	}
	if r := next(t, reqs); r.Type != "exit-status" || string(r.Payload) != "\x00\x00\x00\xff" {
		t.Errorf("sftp: %s %q", r.Type, r.Payload)
	}
	if len(d.ns.started) != 0 || len(d.ns.attached) != 0 {
		t.Error("something is started or joined")
	}
}

// How things go wrong is said, with a status.
func TestFailures(t *testing.T) {
	d := newDoor(t, nil)
	tests := []struct {
		user   string
		begin  error
		during error
		want   string
		status int
	}{
		{"vs1/4", &control.Error{Code: "no-such-terminal", Text: "no such terminal"}, nil, "ptsns: vs1/4: no such terminal\r\n", exitFailure},
		{"vs1/4", syscall.ENOENT, nil, "ptsns: no namespace \"vs1\"\r\n", exitFailure},
		{"vs1", syscall.ENOENT, nil, "ptsns: no namespace \"vs1\"\r\n", exitFailure},
		{"vs1", &control.Error{Code: "not-executable", Text: "start \"x\": permission denied"}, nil, "ptsns: vs1: start \"x\": permission denied\r\n", exitNotExecutable},
		{"vs1", server.ErrEnding, nil, "ptsns: vs1: the namespace is ending\r\n", exitFailure},
		{"vs1/4", nil, fmt.Errorf("%w", control.ErrServerGone), "ptsns: vs1/4: the server of the namespace has gone\r\n", exitFailure},
		{"vs1", nil, &control.Error{Code: "kicked", Text: "somebody has kicked this viewer"}, "ptsns: vs1/4: somebody has kicked this viewer\r\n", exitFailure},
		{"vs1/4", nil, hub.ErrReadOnly, "ptsns: vs1/4: " + hub.ErrReadOnly.Error() + "\r\n", exitFailure},
	}
	for _, tt := range tests {
		if tt.begin != nil {
			d.ns.fail <- tt.begin
		} else {
			s := newFakeStream(4)
			s.events <- tt.during
			d.ns.streams <- s
		}
		p := d.enter(tt.user, d.signer, defaultWindow, nil, "")
		if got := p.status(); got != tt.status || p.errs.String() != tt.want {
			t.Errorf("%+v: status %d, said %q", tt, got, p.errs)
		}
	}
}

func TestLostOutput(t *testing.T) {
	d := newDoor(t, nil)
	for size, want := range map[window]string{
		defaultWindow: "a\x1b[7m[ptsns: 123 bytes missed]\x1b[27mb",
		noTTY:         "ab",
	} {
		s := newFakeStream(0)
		s.say("a")
		s.events <- control.Event{Kind: control.Lost, Lost: 123}
		s.say("b")
		s.events <- control.Event{Kind: control.Ended}
		d.ns.streams <- s
		p := d.enter("vs1/0", d.signer, size, nil, "")
		if got := p.status(); got != 0 || p.out.String() != want {
			t.Errorf("status %d, output %q, want %q", got, p.out, want)
		}
		if size == noTTY && p.errs.String() != "ptsns: 123 bytes missed\n" {
			t.Errorf("said %q", p.errs)
		}
	}
}

func TestInputTaken(t *testing.T) {
	d := newDoor(t, nil)
	for size, want := range map[window][2]string{
		defaultWindow: {"a\a\ab", ""},
		noTTY:         {"ab", "ptsns: another viewer has taken the input for itself\n"},
	} {
		s := newFakeStream(0)
		s.say("a")
		s.events <- control.Event{Kind: control.Refused, Code: 1}
		s.events <- control.Event{Kind: control.Refused, Code: 1}
		s.say("b")
		s.events <- control.Event{Kind: control.Ended}
		d.ns.streams <- s
		p := d.enter("vs1/0", d.signer, size, nil, "")
		if got := p.status(); got != 0 || p.out.String() != want[0] || p.errs.String() != want[1] {
			t.Errorf("status %d, output %q, %q, want %q", got, p.out, p.errs, want)
		}
	}
}

// A client that goes leaves its terminal, and nothing else.
func TestClientGoes(t *testing.T) {
	d := newDoor(t, nil)
	s, other := newFakeStream(0), newFakeStream(1)
	d.ns.streams <- s
	c, err := d.login("vs1", d.signer)
	if err != nil {
		t.Fatal(err)
	}
	p := d.open(c, defaultWindow, nil, "")
	p.types("x")
	next(t, s.typed)
	d.ns.streams <- other
	q := d.open(c, defaultWindow, nil, "sleep 1000") // a second channel of the connection
	q.types("y")
	next(t, other.typed)
	if err := p.s.Close(); err != nil { // one channel
		t.Fatal(err)
	}
	next(t, s.closed)
	if err := c.Conn.Close(); err != nil { // the connection
		t.Fatal(err)
	}
	next(t, other.closed)
	for _, s := range []*fakeStream{s, other} {
		for len(s.told) > 0 {
			if got := <-s.told; got == "end" {
				t.Error("the end of the channel is typed as an end of file")
			}
		}
	}
}

// The door closes: everybody hears of it.
func TestDoorCloses(t *testing.T) {
	d := newDoor(t, nil)
	s := newFakeStream(0)
	d.ns.streams <- s
	p := d.enter("vs1", d.signer, defaultWindow, nil, "")
	p.types("x")
	next(t, s.typed)
	d.ns.set(terminals("vs1", "bash"))
	picker := d.enter("ptsns", d.signer, defaultWindow, nil, "")
	picker.sees(defaultWindow, "the list", func(text string) bool { return strings.Contains(text, "vs1/0") })
	d.cancel()
	if got := p.status(); got != exitFailure || p.errs.String() != "ptsns: vs1/0: the door is closing; the terminal lives on\r\n" {
		t.Errorf("status %d, said %q", got, p.errs)
	}
	if got := picker.status(); got != exitFailure || picker.errs.String() != "ptsns: the door is closing\r\n" {
		t.Errorf("the picker: status %d, said %q", got, picker.errs)
	}
	next(t, s.closed)
}
