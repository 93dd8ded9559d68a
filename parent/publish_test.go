//go:build linux

package parent

import (
	"bufio"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/ptsns/ptsns/cast"
	"github.com/ptsns/ptsns/control"
	"github.com/ptsns/ptsns/hub"
	"github.com/ptsns/ptsns/pty"
	"github.com/ptsns/ptsns/rundir"
	"github.com/ptsns/ptsns/server"
)

// publish makes a namespace of this process with one terminal, at whose other end is tty.
func publish(t *testing.T, p *Parent, cfg server.VirtualConfig) (*Published, *pty.PTS) {
	t.Helper()
	pub, err := p.Publish(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := pub.Close(); err != nil {
			t.Error(err)
		}
	})
	ptm, tty := pty.Open()
	t.Cleanup(func() { _ = tty.Close() })
	term, _ := pub.Hub().Own(ptm.End(nil), 0, hub.Opener{PID: os.Getpid(), Comm: "program"}, false, hub.Who{})
	term.SetSize(24, 80)
	return pub, tty
}

// What a program has on its own terminals others find, join, write to and record, beside
// namespaces of the kernel's terminals.
func TestPublish(t *testing.T) {
	p := open(t)
	create(t, p, "")
	pub, tty := publish(t, p, server.VirtualConfig{})
	if pub.Name() != "vs2" {
		t.Errorf("it is called %q", pub.Name())
	}
	if _, err := io.WriteString(tty, "\x1b]2;a title\x07name: "); err != nil {
		t.Fatal(err)
	}

	list, err := p.List(t.Context())
	if err != nil || len(list) != 2 {
		t.Fatalf("List = %+v, %v", list, err)
	}
	if l := list[1]; l.Name != "vs2" || l.Kind != "virtual" || l.ServerPID != os.Getpid() || l.Ptmx != "tap" || l.Opened != 1 {
		t.Errorf("it is %+v", l)
	}
	if len(list[1].Terminals) != 1 {
		t.Fatalf("its terminals are %+v", list[1].Terminals)
	}
	if x := list[1].Terminals[0]; x.ID != "vs2/0" || x.Rows != 24 || x.Cols != 80 || x.Title != "a title" || x.UID != os.Geteuid() ||
		x.Opener != (server.Proc{PID: os.Getpid(), Comm: "program"}) || x.Foreground.PID != 0 {
		t.Errorf("its terminal is %+v", x)
	}

	c, err := p.Dial(t.Context(), "vs2")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	file := filepath.Join(t.TempDir(), "a.cast")
	if err := c.Record(t.Context(), 0, server.RecordSpec{File: file}); err != nil {
		t.Error(err)
	}
	stream, err := c.Attach(t.Context(), 0, control.AttachOptions{Rows: 24, Cols: 80, Who: hub.Who{Door: "local", Name: "eve"}})
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	if _, err := stream.Write([]byte("ewe\x7f\x7fve\r")); err != nil { // edited by the line discipline
		t.Error(err)
	}
	if line, err := bufio.NewReader(tty).ReadString('\n'); line != "eve\n" || err != nil {
		t.Errorf("the program read %q, %v", line, err)
	}
	if s, err := c.Screen(t.Context(), -1, false); err != nil || s.Text != "name: eve" {
		t.Errorf("the screen is %q, %v", s.Text, err)
	}
	if v := pub.State().Terminals[0].Viewers; len(v) != 1 || v[0].Name != "eve" || v[0].PID != os.Getpid() {
		t.Errorf("the viewers are %+v", v)
	}
	if err := c.StopRecord(t.Context(), 0, file); err != nil {
		t.Error(err)
	}
	if b, err := os.ReadFile(file); err != nil || !strings.Contains(string(b), "name:") {
		t.Errorf("the recording: %v\n%s", err, b)
	} else if _, err := cast.Verify(strings.NewReader(string(b)), nil); err != nil {
		t.Error(err)
	}

	for what, err := range map[string]error{
		"start a program": func() error { _, _, err := c.Start(t.Context(), server.Spec{Argv: []string{"true"}}); return err }(),
		"signal it":       c.Signal(t.Context(), 0, syscall.SIGTERM),
	} {
		if !errors.Is(err, server.ErrNoPrograms) && !errors.Is(err, control.ErrNoProgram) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := c.Attach(t.Context(), 1, control.AttachOptions{}); !errors.Is(err, server.ErrNoTerminal) {
		t.Errorf("a terminal that is not there: %v", err)
	}
	if err := pub.Close(); err != nil {
		t.Error(err)
	}
	for {
		e, err := stream.Next()
		if err != nil {
			t.Fatalf("the viewer's end: %v", err)
		}
		if e.Kind == control.Ended {
			break
		}
	}
	if n, err := tty.Read(make([]byte, 1)); n != 0 || err == nil {
		t.Errorf("the program's end of the terminal: %d, %v", n, err)
	}
	if list, err := p.List(t.Context()); err != nil || len(list) != 1 {
		t.Errorf("after the end: %+v, %v", list, err)
	}
	if _, err := os.Lstat(filepath.Join(p.Dir().Path(), "vs2")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("its entry: %v", err)
	}
}

// Somebody else ends it: the program lives, and its terminals are hung up.
func TestEndPublished(t *testing.T) {
	p := open(t)
	pub, tty := publish(t, p, server.VirtualConfig{Name: "mine"})
	if _, err := p.Publish(server.VirtualConfig{Name: "mine"}); !errors.Is(err, rundir.ErrTaken) {
		t.Errorf("a taken name: %v", err)
	}
	if killed, err := p.End(t.Context(), "mine"); killed || err != nil {
		t.Errorf("End = %v, %v", killed, err)
	}
	<-pub.Done()
	if n, err := tty.Read(make([]byte, 1)); n != 0 || err == nil {
		t.Errorf("the program's end of the terminal: %d, %v", n, err)
	}
	if _, err := p.End(t.Context(), "mine"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a second End = %v", err)
	}
}

// A program that does not end its namespace is left alone.
func TestEndStays(t *testing.T) {
	p := open(t)
	asked := make(chan struct{})
	pub, _ := publish(t, p, server.VirtualConfig{Name: "mine", End: func() { close(asked) }})
	ctx, cancel := context.WithCancel(t.Context())
	go func() { // the time is over
		<-asked
		cancel()
	}()
	if killed, err := p.End(ctx, "mine"); killed || !errors.Is(err, ErrStays) {
		t.Errorf("End = %v, %v", killed, err)
	}
	names, err := p.Dir().Names()
	if err != nil || !slices.Contains(names, "mine") {
		t.Errorf("it is gone: %q, %v", names, err)
	}
	if err := pub.Close(); err != nil {
		t.Error(err)
	}
}

// What tells whether a server may be killed was read with who it is: an entry from before a
// program published it says neither.
func TestFindServerShared(t *testing.T) {
	p := open(t)
	publish(t, p, server.VirtualConfig{Name: "mine"})
	s, entry, err := p.findServer("mine")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if !entry.Shared() || entry.ServerPID() != os.Getpid() {
		t.Errorf("shared %v, by %d", entry.Shared(), entry.ServerPID())
	}
}

// Who cannot be told of an end does not say that there is none.
func TestAwaitEndFails(t *testing.T) {
	p := open(t)
	pub, _ := publish(t, p, server.VirtualConfig{Name: "mine"})
	s, entry, err := p.findServer("mine")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	aside := entry.Path() + ".aside"
	if err := errors.Join(os.Rename(entry.Path(), aside), os.WriteFile(entry.Path(), nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	if ended, err := s.awaitEnd(t.Context(), entry); ended || !errors.Is(err, syscall.ENOTDIR) {
		t.Errorf("awaitEnd = %v, %v", ended, err)
	}
	if err := errors.Join(os.Remove(entry.Path()), os.Rename(aside, entry.Path()), pub.Close()); err != nil {
		t.Fatal(err)
	}
	if ended, err := s.awaitEnd(t.Context(), entry); !ended || err != nil {
		t.Errorf("after the end: %v, %v", ended, err)
	}
}
