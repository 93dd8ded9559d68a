//go:build linux

package nsexec

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ptsns/ptsns/kpts"
)

func peers(t *testing.T) (a, b *peer) {
	t.Helper()
	f, g, err := socketpair()
	if err != nil {
		t.Fatal(err)
	}
	if a, err = newPeer(f); err != nil {
		t.Fatal(err)
	}
	if b, err = newPeer(g); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = a.conn.Close(), b.conn.Close() })
	return a, b
}

func TestMessages(t *testing.T) {
	a, b := peers(t)
	big := strings.Repeat("x", 3<<20)
	want := []request{
		{Seq: 1, Op: opBuild, Config: Config{Name: "n", Root: "/\xff", Hide: []string{"/a", ""}}},
		{Seq: 2, Op: opStart, Program: Program{Argv: []string{"a", "", "\xff\x01"}, Env: []string{big}, Index: 7}},
		{Seq: 3, Op: opKill},
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	sent := make(chan error, 1)
	go func() {
		for _, m := range want {
			if err := a.send(m, int(w.Fd())); err != nil {
				sent <- err
				return
			}
		}
		_ = w.Close() // the copies are open
		sent <- a.conn.CloseWrite()
	}()
	for _, w := range want {
		var got request
		files, err := b.receive(&got)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(w, got); d != "" {
			t.Errorf("message (-want +got):\n%s", d)
		}
		if len(files) != 1 {
			t.Fatalf("%d files", len(files))
		}
		if _, err := files[0].WriteString("."); err != nil {
			t.Error(err)
		}
		closeAll(files)
	}
	if err := <-sent; err != nil {
		t.Error(err)
	}
	if got, err := io.ReadAll(r); err != nil || string(got) != "..." {
		t.Errorf("through the files: %q, %v", got, err)
	}
	var got request
	if _, err := b.receive(&got); !errors.Is(err, io.EOF) {
		t.Errorf("at the end: %v", err)
	}
}

func TestMessageTooLong(t *testing.T) {
	a, b := peers(t)
	if err := a.send(request{Program: Program{Dir: strings.Repeat("x", maxFrame)}}); !errors.Is(err, syscall.E2BIG) {
		t.Errorf("send: %v", err)
	}
	if _, err := a.conn.Write([]byte{0xff, 0xff, 0xff, 0xff}); err != nil {
		t.Fatal(err)
	}
	var got request
	if _, err := b.receive(&got); !errors.Is(err, errFrame) {
		t.Errorf("receive: %v", err)
	}
	if _, err := a.conn.Write([]byte("\x00\x00\x00\x02no")); err != nil {
		t.Fatal(err)
	}
	if _, err := b.receive(&got); err == nil {
		t.Error("nonsense was decoded")
	}
}

func TestTooLongProgramKeepsTheSupervisor(t *testing.T) {
	s := newSpace(t, Config{})
	_, err := s.start(Program{Argv: []string{strings.Repeat("x", maxFrame)}})
	if !errors.Is(err, syscall.E2BIG) {
		t.Errorf("got %v", err)
	}
	if got := s.sh("echo here"); got != "here" {
		t.Errorf("got %q", got)
	}
}

func TestErrorsCross(t *testing.T) {
	for _, err := range []error{
		nil,
		errors.New("plain"),
		fmt.Errorf("doing: %w", syscall.EACCES),
		fmt.Errorf("mounting: %w", &kpts.MountError{Option: "x=1", Err: syscall.EINVAL}),
		&StartError{On: OnDir, Name: "/x", Err: syscall.ENOENT},
		&os.PathError{Op: "open", Path: "/x", Err: syscall.ENXIO},
	} {
		got := toWire(err).err()
		if (got == nil) != (err == nil) {
			t.Fatalf("%v became %v", err, got)
		}
		if err == nil {
			continue
		}
		if got.Error() != err.Error() {
			t.Errorf("text %q became %q", err, got)
		}
		for _, errno := range []syscall.Errno{syscall.EACCES, syscall.EINVAL, syscall.ENOENT, syscall.ENXIO} {
			if errors.Is(err, errno) != errors.Is(got, errno) {
				t.Errorf("%v is %v: got %v", err, errno, errors.Is(got, errno))
			}
		}
		var m1, m2 *kpts.MountError
		if errors.As(err, &m1) && (!errors.As(got, &m2) || *m1 != *m2) {
			t.Errorf("MountError %+v became %+v", m1, m2)
		}
		var s1, s2 *StartError
		if errors.As(err, &s1) && (!errors.As(got, &s2) || *s1 != *s2) {
			t.Errorf("StartError %+v became %+v", s1, s2)
		}
	}
}

func TestParseMount(t *testing.T) {
	for line, want := range map[string]mountEntry{
		`36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 shared:2 - ext3 /dev/root rw`: {36, "98:0", "/mnt1", "/mnt2", "ext3"},
		`1 2 0:1 / /a\040b\134\011\012 rw - devpts x\040y rw,gid=5`:               {1, "0:1", "/", "/a b\\\t\n", "devpts"},
		`1 2 0:1 /\9 /\04 rw - tmpfs a`:                                           {1, "0:1", `/\9`, `/\04`, "tmpfs"},
	} {
		if got, ok := parseMount(line); !ok || got != want {
			t.Errorf("%q: got %+v, %v, want %+v", line, got, ok, want)
		}
	}
	for _, line := range []string{"", "-", "a b c d e - x y", "1 2 3 - x", "1 2 3 4 5 x y"} {
		if got, ok := parseMount(line); ok {
			t.Errorf("%q: got %+v", line, got)
		}
	}
}

func TestUnder(t *testing.T) {
	for _, c := range []struct {
		path, dir, rest string
		ok              bool
	}{
		{"/a/b", "/a", "b", true},
		{"/a", "/a", ".", true},
		{"/a", "/", "a", true},
		{"/ab", "/a", "", false},
		{"/..a", "/", "..a", true},
		{"/", "/a", "", false},
	} {
		if rest, ok := under(c.path, c.dir); rest != c.rest || ok != c.ok {
			t.Errorf("under(%q, %q): got %q, %v", c.path, c.dir, rest, ok)
		}
	}
}
