package sshd

import (
	"strings"
	"testing"

	"github.com/ptsns/ptsns/control"
	"github.com/ptsns/ptsns/server"
)

// selects waits until the picker shows that line as chosen.
func (p *person) selects(size window, line string) {
	p.t.Helper()
	p.sees(size, "selected "+line, func(text string) bool {
		for shown := range strings.Lines(text) {
			if rest, ok := strings.CutPrefix(shown, "> "); ok {
				return strings.Join(strings.Fields(rest), " ") == line
			}
		}
		return false
	})
}

func (p *person) seesText(size window, want string) {
	p.t.Helper()
	p.sees(size, want, func(text string) bool { return strings.Contains(text, want) })
}

func TestPicker(t *testing.T) {
	d := newDoor(t, nil)
	d.ns.set(terminals("vs1", "bash", "vim"), Namespace{State: terminals("vs2").State, Error: "no answer in 5s"})
	size := window{16, 80}
	p := d.enter("ptsns", d.signer, size, nil, "")
	p.selects(size, "1 vs1 new terminal")
	p.sees(size, "everything", func(text string) bool {
		for _, want := range []string{"ptsns", "dev@laptop", "vs1/0", "bash", "vim", "no answer in 5s", "q leaves"} {
			if !strings.Contains(text, want) {
				return false
			}
		}
		return true
	})

	// What there is changes; what is selected stays.
	p.types("\x1b[B\x1bOB")
	p.selects(size, "3 vs1/1 24x80 vim")
	d.ns.set(terminals("a"), terminals("vs1", "bash", "vim"))
	p.selects(size, "4 vs1/1 24x80 vim")
	d.ns.set(terminals("a"), terminals("vs1", "bash"))
	p.selects(size, "3 vs1/0 24x80 bash") // the last there is

	// A number, keys, and the edges.
	p.types("1")
	p.selects(size, "1 a new terminal")
	p.types("k\x1b[A")
	p.types("r")
	p.seesText(size, "choose a terminal to look on")
	p.types("G")
	p.selects(size, "3 vs1/0 24x80 bash")

	// Joining one, read-only too, and back.
	for _, how := range []struct{ key, want, readOnly string }{{"\r", "left vs1/0, which goes on", "false"}, {"r", "vs1/0 has ended", "true"}} {
		s := newFakeStream(0)
		d.ns.streams <- s
		p.types(how.key)
		if got, want := next(t, d.ns.attached), "vs1/0 ssh dev@laptop read-only="+how.readOnly+" 16x80 vs1-serial-0"; got != want {
			t.Errorf("joined %s, want %s", got, want)
		}
		s.say("the program's screen")
		p.seesText(size, "the program's screen")
		if how.readOnly == "false" {
			p.types("typed")
			if got := next(t, s.typed); got != "typed" {
				t.Errorf("typed %q", got)
			}
			p.types("\x10\x11")
		} else {
			s.events <- control.Event{Kind: control.Ended}
		}
		next(t, s.closed)
		p.seesText(size, how.want)
		p.selects(size, "3 vs1/0 24x80 bash")
		if len(s.typed) != 0 {
			t.Errorf("a viewer that looks on has typed")
		}
	}

	// A new terminal, which ends.
	s := newFakeStream(7)
	d.ns.streams <- s
	p.types("n")
	if spec := next(t, d.ns.started); spec.Rows != 16 || spec.Cols != 80 || spec.Argv[0] != "/bin/zsh" {
		t.Errorf("started %+v", spec)
	}
	s.exit(2)
	p.seesText(size, "vs1/7 has ended, with status 2")

	// A join that fails.
	d.ns.fail <- &control.Error{Code: "not-tapped", Text: "the terminal is not tapped"}
	p.types("\r")
	p.seesText(size, "vs1/0: the terminal is not tapped")

	// The window changes.
	if err := p.s.WindowChange(8, 60); err != nil {
		t.Fatal(err)
	}
	p.seesText(window{8, 60}, helpNarrow)
	p.types("q")
	if got := p.status(); got != 0 {
		t.Errorf("status %d, want 0", got)
	}
	if !strings.HasSuffix(p.out.String(), "\x1b[m\x1b[?25h\x1b[?1049l") {
		t.Error("the terminal is not given back")
	}
}

// In a namespace of virtual terminals there is none to be opened, and those that are there
// are joined as others are.
func TestPickerOfVirtual(t *testing.T) {
	d := newDoor(t, nil)
	virtual := terminals("vm", "vim")
	virtual.Kind = server.KindVirtual
	d.ns.set(virtual)
	size := window{16, 80}
	p := d.enter("ptsns", d.signer, size, nil, "")
	p.selects(size, "1 vm virtual terminals")
	for _, keys := range []string{"\r", "n", "2n"} {
		p.types(keys)
		p.seesText(size, "terminals of vm are opened by its programs alone")
	}
	s := newFakeStream(0)
	d.ns.streams <- s
	p.types("\r")
	if got, want := next(t, d.ns.attached), "vm/0 ssh dev@laptop read-only=false 16x80 vm-serial-0"; got != want {
		t.Errorf("joined %s, want %s", got, want)
	}
	s.events <- control.Event{Kind: control.Ended}
	p.seesText(size, "vm/0 has ended")
	p.types("q")
}

func TestPickerLeaves(t *testing.T) {
	d := newDoor(t, nil)
	for _, how := range []string{"q", "\x03", "\x04", ""} {
		p := d.enter("ptsns", d.signer, defaultWindow, nil, "")
		p.seesText(defaultWindow, "no namespaces")
		if how == "" {
			if err := p.in.Close(); err != nil {
				t.Fatal(err)
			}
		} else {
			p.types(how)
		}
		if got := p.status(); got != 0 {
			t.Errorf("%q: status %d", how, got)
		}
	}
}

// Who looks on sees what the key is for, and can open nothing.
func TestPickerReadOnlyKey(t *testing.T) {
	viewer := newSigner(t)
	d := newDoor(t, nil, line(viewer.PublicKey(), `read-only,namespaces="build-*"`, "tv\x1b[31m"))
	d.ns.set(terminals("build-1", "make"), terminals("vs1", "bash"))
	p := d.enter("ptsns", viewer, defaultWindow, nil, "")
	p.seesText(defaultWindow, "build-1/0")
	p.types("n")
	p.seesText(defaultWindow, "this key looks on")
	s := newFakeStream(0)
	d.ns.streams <- s
	p.types("2\r")
	if got, want := next(t, d.ns.attached), "build-1/0 ssh tv?[31m read-only=true 24x80 build-1-serial-0"; got != want {
		t.Errorf("joined %q, want %q", got, want)
	}
	p.types("rm\x10\x11")
	next(t, s.closed)
	p.types("q")
	if got := p.status(); got != 0 || len(s.typed) != 0 || len(d.ns.started) != 0 {
		t.Errorf("status %d, typed %d, started %d", got, len(s.typed), len(d.ns.started))
	}
	if strings.Contains(p.out.String(), "vs1") {
		t.Error("a namespace is shown that the key is not for")
	}
}

// Titles and names that programs choose cannot control the viewer's terminal.
func TestPickerShowsOnlyText(t *testing.T) {
	d := newDoor(t, nil)
	ns := terminals("vs1", "ba\x1b]52;c;x\x07sh")
	ns.Terminals[0].Title = "a\x1b[2J\u009b1m\u202eb\U0001F600 \u4e2d\u6587 " + strings.Repeat("x", 300)
	d.ns.set(ns)
	p := d.enter("ptsns", d.signer, defaultWindow, nil, "")
	p.seesText(defaultWindow, "a?[2J?1m?b\U0001F600 \u4e2d\u6587 xxx")
	p.seesText(defaultWindow, "ba?]52;c;x?sh")
	p.types("q")
	if got := p.status(); got != 0 {
		t.Errorf("status %d", got)
	}
	if text := p.out.String(); strings.Contains(text, "\u202e") || strings.Contains(text, "]52") && strings.Contains(text, "\x1b]52") {
		t.Errorf("shown %q", text)
	}
}

// More rows than lines: what is selected is always shown.
func TestPickerScrolls(t *testing.T) {
	d := newDoor(t, nil)
	d.ns.set(terminals("vs1", make([]string, 100)...))
	size := window{12, 40}
	p := d.enter("ptsns", d.signer, size, nil, "")
	p.selects(size, "1 vs1 new terminal")
	p.types("99")
	p.selects(size, "99 vs1/97 24x80")
	p.types("\x1b[6~")
	p.selects(size, "101 vs1/99 24x80")
	p.seesText(size, "101 of 101")
	p.types("\x1b[H")
	p.selects(size, "1 vs1 new terminal")
	p.types("q")
	p.status()
}

// Without cursor movement the picker asks for lines, which the terminal edits.
func TestPickerInLines(t *testing.T) {
	d := newDoor(t, nil)
	d.ns.set(terminals("vs1", "bash"))
	c, err := d.login("ptsns", d.signer)
	if err != nil {
		t.Fatal(err)
	}
	session, err := c.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	p := &person{t: t, s: session, out: new(syncBuffer), errs: new(syncBuffer)}
	session.Stdout = p.out
	if p.in, err = session.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := session.RequestPty("dumb", 24, 80, nil); err != nil {
		t.Fatal(err)
	}
	if err := session.Shell(); err != nil {
		t.Fatal(err)
	}
	asked := 0
	awaitPrompt := func() {
		t.Helper()
		asked++
		p.out.await(t, "the prompt", func(text string) bool { return strings.Count(text, "q leaves") == asked })
	}
	awaitPrompt()
	p.types("9\r")
	awaitPrompt()
	s := newFakeStream(0)
	d.ns.streams <- s
	p.types("r 1\x7f2\r")
	if got, want := next(t, d.ns.attached), "vs1/0 ssh dev@laptop read-only=true 24x80 vs1-serial-0"; got != want {
		t.Errorf("joined %s, want %s", got, want)
	}
	s.events <- control.Event{Kind: control.Ended}
	awaitPrompt()
	p.types("q\r")
	if got := p.status(); got != 0 {
		t.Errorf("status %d", got)
	}
	want := "#  TERMINAL  SIZE   RUNS          VIEWERS  TITLE\r\n1  vs1              new terminal\r\n2    vs1/0   24x80  bash\r\n"
	if text := p.out.String(); strings.Contains(text, "\x1b") || !strings.HasPrefix(text, want) || !strings.Contains(text, "which number?") {
		t.Errorf("shown %q", text)
	}
}

func TestListWithoutTerminal(t *testing.T) {
	d := newDoor(t, nil)
	d.ns.set(terminals("vs1", "bash"), Namespace{State: terminals("vs2").State, Error: "no answer"})
	p := d.enter("ptsns", d.signer, noTTY, nil, "")
	if got := p.status(); got != 0 {
		t.Errorf("status %d", got)
	}
	want := "#  TERMINAL  SIZE   RUNS          VIEWERS  TITLE\n1  vs1              new terminal\n2    vs1/0   24x80  bash\n3  vs2              no answer\n"
	if p.out.String() != want {
		t.Errorf("shown\n%s\nwant\n%s", p.out, want)
	}
}
