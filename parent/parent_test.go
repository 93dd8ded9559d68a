//go:build linux

package parent

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ptsns/ptsns/rundir"
	"github.com/ptsns/ptsns/server"
)

// create makes a namespace, or skips the test where none can be made.
func create(t *testing.T, p *Parent, name string) *Server {
	t.Helper()
	s, _, err := p.Create(t.Context(), server.Config{Name: name, Options: "newinstance,ptmxmode=666"})
	if err != nil {
		if os.Getenv("PTSNS_REQUIRE") != "1" && (errors.Is(err, syscall.EPERM) || strings.Contains(err.Error(), "not permitted")) {
			t.Skipf("namespaces cannot be made here (root, or user namespaces, is missing): %v", err)
		}
		t.Fatal(err)
	}
	return s
}

// cat starts a program that stays.
func cat(t *testing.T, s *Server) int {
	t.Helper()
	index, _, err := s.Client().Start(t.Context(), server.Spec{Argv: []string{"cat"}, Env: os.Environ(), Rows: 24, Cols: 80})
	if err != nil {
		t.Fatal(err)
	}
	return index
}

func TestLife(t *testing.T) {
	p := open(t)
	if list, err := p.List(t.Context()); err != nil || list == nil || len(list) != 0 {
		t.Errorf("List = %v, %v, want an empty one", list, err)
	}
	s := create(t, p, "")
	if s.Name() != "vs1" {
		t.Errorf("name %q, want vs1", s.Name())
	}
	cat(t, s)
	if err := s.Client().Close(); err != nil { // the program runs, so this ends nothing
		t.Error(err)
	}
	if s := create(t, p, "vs10"); cat(t, s) != 0 {
		t.Error("the first terminal is not 0")
	}
	if s := create(t, p, ""); s.Name() != "vs2" {
		t.Errorf("name %q, want vs2", s.Name())
	}

	list, err := p.List(t.Context())
	if err != nil || len(list) != 3 || list[0].Name != "vs1" || list[1].Name != "vs2" || list[2].Name != "vs10" {
		t.Fatalf("List = %+v, %v", list, err)
	}
	if l := list[0]; l.Error != "" || len(l.Terminals) != 1 || l.Terminals[0].ID != "vs1/0" || l.InitPID == 0 {
		t.Errorf("vs1 is %+v", l)
	}
	if l := list[1]; l.Terminals == nil || len(l.Terminals) != 0 {
		t.Errorf("vs2 is %+v", l)
	}

	c, err := p.Dial(t.Context(), "vs1")
	if err != nil {
		t.Fatal(err)
	}
	if state, err := c.State(t.Context()); err != nil || state.Name != "vs1" {
		t.Errorf("State = %+v, %v", state, err)
	}
	_ = c.Close()
	if _, err := p.Dial(t.Context(), "vs3"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Dial = %v", err)
	}
	for _, name := range []string{"", "..", "a/b"} {
		if _, err := p.Dial(t.Context(), name); err == nil {
			t.Errorf("Dial(%q) succeeded", name)
		}
	}

	if killed, err := p.End(t.Context(), "vs1"); killed || err != nil {
		t.Errorf("End = %v, %v", killed, err)
	}
	if _, err := os.Lstat(filepath.Join(p.Dir().Path(), "vs1")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the entry after End: %v", err)
	}
	if _, err := p.End(t.Context(), "vs1"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a second End = %v", err)
	}
}

func TestCreateRefused(t *testing.T) {
	p := open(t)
	create(t, p, "vs1")
	if _, _, err := p.Create(t.Context(), server.Config{Name: "vs1"}); !errors.Is(err, rundir.ErrTaken) {
		t.Errorf("a taken name: %v", err)
	}
	if _, _, err := p.Create(t.Context(), server.Config{Name: "../x"}); err == nil {
		t.Error("a name that is none was taken")
	}
	if _, _, err := p.Create(t.Context(), server.Config{Name: "vs2", Options: "newinstance,nosuch=1"}); err == nil {
		t.Error("options that are none were taken")
	}
}

// A namespace that nobody has used ends with who made it.
func TestAbandon(t *testing.T) {
	p := open(t)
	create(t, p, "vs1").Abandon()
	if list, err := p.List(t.Context()); err != nil || len(list) != 0 {
		t.Errorf("List = %+v, %v", list, err)
	}
}

func TestSettle(t *testing.T) {
	p := open(t)
	s := create(t, p, "vs1")
	index := cat(t, s)
	other, err := p.Dial(t.Context(), "vs1")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	stream, err := other.StartAttached(t.Context(), server.Spec{Argv: []string{"true"}, Env: os.Environ()})
	if err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = stream.Next()
	}
	s.Settle(stream.Index()) // another terminal is open: nothing to wait for
	if killed, err := p.End(t.Context(), "vs1"); killed || err != nil {
		t.Errorf("End = %v, %v", killed, err)
	}
	s.Settle(index) // it has ended
}

// badPrograms are what can stand in PATH in our place.
var badPrograms = []struct{ name, script, want string }{
	{"ends at once", "exit 3", "the server ended before it was ready"},
	{"says why", "echo 'panic: no luck' >&2; exit 2", "the server ended before it was ready: panic: no luck"},
	{"logs why", `echo '{"level":"ERROR","msg":"the server failed","error":"no luck"}' >&2; kill -KILL $$`,
		"the server ended before it was ready: the server failed: no luck"},
	{"logs nothing of that", `echo '{"level":"INFO","msg":"serving"}' >&2; exit 1`, "the server ended before it was ready"},
	{"says nonsense", "echo nonsense >&5; exit 0", "the server ended before it was ready"},
	{"refuses", `echo '{"error":"no room"}' >&5; exit 1`, "no room"},
}

// Whatever the server does, nothing of it is left and there is an error to tell.
func TestServerThatFails(t *testing.T) {
	for _, tt := range badPrograms {
		t.Run(tt.name, func(t *testing.T) {
			p := open(t)
			usePtsns(t, tt.script)
			_, _, err := p.Create(t.Context(), server.Config{})
			if err == nil || err.Error() != tt.want {
				t.Errorf("Create = %v, want %q", err, tt.want)
			}
			if tt.name == "refuses" { // as the server does that says so
				return
			}
			if names, err := os.ReadDir(p.Dir().Path()); err != nil || len(names) != 1 {
				t.Errorf("left: %v, %v", names, err)
			}
		})
	}
}

// A server that never gets ready is given up with the context.
func TestCreateContext(t *testing.T) {
	p := open(t)
	ready := filepath.Join(t.TempDir(), "ready")
	if err := syscall.Mkfifo(ready, 0o600); err != nil {
		t.Fatal(err)
	}
	usePtsns(t, "echo >"+ready+"; exec sleep 1000")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		_, _ = os.ReadFile(ready) // until it runs
		cancel()
	}()
	if _, _, err := p.Create(ctx, server.Config{}); !errors.Is(err, context.Canceled) {
		t.Errorf("Create = %v", err)
	}
}

// usePtsns puts a script into PATH as ptsns.
func usePtsns(t *testing.T, script string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "ptsns"), []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
}

func TestNoProgram(t *testing.T) {
	p := open(t)
	t.Setenv("PATH", t.TempDir())
	if _, _, err := p.Create(t.Context(), server.Config{}); !errors.Is(err, fs.ErrNotExist) && !strings.Contains(err.Error(), "not found") {
		t.Errorf("Create = %v", err)
	}
}

// A server that is stopped holds nobody up: it is listed with that, and killed.
func TestStoppedServer(t *testing.T) {
	p := open(t)
	s := create(t, p, "vs1")
	cat(t, s)
	create(t, p, "vs2")
	if err := s.proc.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	expired, cancel := context.WithDeadline(t.Context(), time.Unix(1, 0))
	defer cancel()
	list, err := p.List(expired)
	if err != nil || len(list) != 2 || list[0].Name != "vs1" || list[0].Error != "its server does not answer" || list[0].Terminals == nil {
		t.Errorf("List = %+v, %v", list, err)
	}
	if killed, err := p.End(expired, "vs1"); !killed || err != nil {
		t.Errorf("End = %v, %v", killed, err)
	}
	if cleaned, err := p.Dir().Clean(); err != nil || len(cleaned) != 1 || cleaned[0].Name != "vs1" {
		t.Errorf("Clean = %+v, %v", cleaned, err)
	}
}
