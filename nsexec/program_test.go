//go:build linux

package nsexec

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// TestTerminal looks at what makes job control work.
func TestTerminal(t *testing.T) {
	have(t, "ps")
	s := newSpace(t, Config{})
	got := s.sh(`tty
		readlink /proc/self/fd/0 /proc/self/fd/1 /proc/self/fd/2
		echo through-dev-tty > /dev/tty
		set -- $(ps -o pid=,pgid=,sid=,tpgid= -p $$)
		test $1 = $2 && test $1 = $3 && test $1 = $4 && echo leader in the foreground
		ps -o tty= -p $$`)
	want := "/dev/pts/0\n/dev/pts/0\n/dev/pts/0\n/dev/pts/0\nthrough-dev-tty\nleader in the foreground\npts/0"
	if got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestJobControl(t *testing.T) {
	have(t, "bash")
	s := newSpace(t, Config{})
	r, err := s.start(Program{Argv: []string{"bash", "--norc", "--noediting", "-i"}, Env: append([]string{"PS1=prompt\n", "HISTFILE="}, environ...)})
	if err != nil {
		t.Fatal(err)
	}
	say := func(text string) {
		if _, err := r.ptm.WriteString(text); err != nil {
			t.Fatal(err)
		}
	}
	until := func(want string) {
		t.Helper()
		for l := r.line(); !strings.Contains(l, want); l = r.line() {
		}
	}
	until("prompt")
	say("sh -c 'echo run''ning; exec cat'\n")
	until("running")
	say("\x1a")
	until("Stopped")
	until("prompt")
	say("fg\n")
	say("typed\n")
	until("typed") // echo
	until("typed") // cat, so it is in the foreground
	say("\x03")
	until("prompt")
	say("echo status $?\n")
	until("status 130")
	until("prompt")
	say("exit 7\n")
	if out, ws := r.wait(); ws.ExitStatus() != 7 {
		t.Errorf("status %#x, output:\n%s", uint32(ws), out)
	}
}

// TestInheritance gives this process everything that a program must not inherit.
func TestInheritance(t *testing.T) {
	ignored := []os.Signal{syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTSTP, syscall.SIGTTOU, syscall.SIGUSR1, syscall.SIGPIPE}
	signal.Ignore(ignored...)
	defer signal.Reset(ignored...)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var before unix.Sigset_t
	blocked := unix.Sigset_t{Val: [16]uint64{1<<(syscall.SIGTERM-1) | 1<<(syscall.SIGCHLD-1)}}
	if err := unix.PthreadSigmask(unix.SIG_BLOCK, &blocked, &before); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.PthreadSigmask(unix.SIG_SETMASK, &before, nil) }()
	leak, err := unix.FcntlInt(0, unix.F_DUPFD, 40)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(leak)
	mask := unix.Umask(0o027)
	defer unix.Umask(mask)

	for _, pidNS := range []bool{false, true} {
		s := newSpace(t, Config{PIDNS: pidNS})
		got := s.sh(`grep -E 'Sig(Blk|Ign)' /proc/self/status; umask; cd /proc/self/fd; echo *`)
		want := "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n0027\n0 1 2 3" // 3 is the directory that the shell reads
		if got != want {
			t.Errorf("pid namespace %v: got %q, want %q", pidNS, got, want)
		}
	}
}

func TestEnvironmentIsExact(t *testing.T) {
	s := newSpace(t, Config{})
	odd := "ODD=\xff\xfe=\n"
	got := s.run(Program{Argv: []string{"env", "-0"}, Env: []string{"PATH=/usr/bin:/bin", "A=1", "EMPTY=", odd}})
	if want := "PATH=/usr/bin:/bin\x00A=1\x00EMPTY=\x00" + odd + "\x00"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	got = s.run(Program{Argv: []string{"printf", "%s|", "", "a b", "\xff", ""}})
	if want := "|a b|\xff||"; got != want {
		t.Errorf("arguments: got %q, want %q", got, want)
	}
}

func TestWorkingDir(t *testing.T) {
	s := newSpace(t, Config{})
	for _, c := range []struct{ dir, fallback, want string }{
		{"/usr", "", "/usr"},
		{"/usr", "/etc", "/usr"},
		{"", "/etc", "/etc"},
		{"", "/does/not/exist", "/"},
		{"", "/etc/passwd", "/"},
		{"", "", "/"},
	} {
		got := s.run(Program{Argv: []string{"pwd"}, Dir: c.dir, DirDefault: c.fallback})
		if got != c.want {
			t.Errorf("Dir %q, DirDefault %q: in %q, want %q", c.dir, c.fallback, got, c.want)
		}
	}
}

func TestStartErrors(t *testing.T) {
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	write := func(name, text string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	plain := write("plain", "#!/bin/sh\n", 0o644)
	garbage := write("garbage", "\x00\x01\x02", 0o755)
	orphan := write("orphan", "#!/does/not/exist\n", 0o755)
	env := append([]string{"PATH=" + dir}, environ...)

	s := newSpace(t, Config{})
	for _, c := range []struct {
		name string
		p    Program
		on   string
		want syscall.Errno
	}{
		{"no such name", Program{Argv: []string{"no-such-program"}}, OnProgram, syscall.ENOENT},
		{"no such path", Program{Argv: []string{"/no/such/program"}}, OnProgram, syscall.ENOENT},
		{"empty name", Program{Argv: []string{""}}, OnProgram, syscall.ENOENT},
		{"no arguments", Program{}, OnProgram, syscall.EINVAL},
		{"path not executable", Program{Argv: []string{plain}}, OnProgram, syscall.EACCES},
		{"name not executable", Program{Argv: []string{"plain"}, Env: env}, OnProgram, syscall.EACCES},
		{"a directory", Program{Argv: []string{"/etc"}}, OnProgram, syscall.EACCES},
		{"garbage", Program{Argv: []string{garbage}}, OnProgram, syscall.ENOEXEC},
		{"no interpreter", Program{Argv: []string{orphan}}, OnProgram, syscall.ENOENT},
		{"a file on the way", Program{Argv: []string{"/etc/passwd/x"}}, OnProgram, syscall.ENOTDIR},
		{"NUL", Program{Argv: []string{"echo", "a\x00b"}}, OnProgram, syscall.EINVAL},
		{"arguments too long", Program{Argv: []string{"true", strings.Repeat("x", 1<<20)}}, OnProgram, syscall.E2BIG},
		{"no such directory", Program{Argv: []string{"true"}, Dir: "/no/such/dir"}, OnDir, syscall.ENOENT},
		{"directory is a file", Program{Argv: []string{"true"}, Dir: "/etc/passwd"}, OnDir, syscall.ENOTDIR},
	} {
		_, err := s.start(c.p)
		var start *StartError
		if !errors.As(err, &start) || start.On != c.on || !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %s, %v", c.name, err, c.on, c.want)
		}
	}
	_, err := s.Start(Program{Argv: []string{"true"}, Env: environ, Index: 77}, nil)
	var start *StartError
	if !errors.As(err, &start) || start.On != OnTerminal || start.Name != "/dev/pts/77" || !errors.Is(err, syscall.ENOENT) {
		t.Errorf("no such terminal: got %v", err)
	}
	if got := s.run(Program{Argv: []string{"./plain2"}, Dir: filepath.Dir(write("plain2", "#!/bin/sh\necho relative\n", 0o755))}); got != "relative" {
		t.Errorf("relative path: got %q", got)
	}
}

// TestReplacedInstance has a root inside mount something else at /dev/pts.
func TestReplacedInstance(t *testing.T) {
	s := newSpace(t, Config{})
	ptm, index := s.openPtm()
	defer ptm.Close()
	if os.Geteuid() == 0 {
		s.sh("mount -t devpts -o ptmxmode=666 mine /dev/pts; exec 3<>/dev/pts/ptmx; tty; true")
	} else {
		s.sh("mount -t devpts -o ptmxmode=666 mine /dev/pts")
	}
	_, err := s.Start(Program{Argv: []string{"true"}, Env: environ, Index: index}, nil)
	var start *StartError
	if !errors.As(err, &start) || start.On != OnTerminal {
		t.Errorf("got %v, want a StartError about the terminal", err)
	}
}

func TestLookPath(t *testing.T) {
	dir := t.TempDir()
	for _, d := range []string{"a", "b", "c"} {
		if err := os.Mkdir(filepath.Join(dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for name, mode := range map[string]os.FileMode{"a/x": 0o644, "b/x": 0o755, "c/y": 0o755, "y": 0o755, "a/only": 0o644} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, mode); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "a", "y"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, path, want string
		err              error
	}{
		{"x", dir + "/a:" + dir + "/b", dir + "/b/x", nil},
		{"x", "a:b", "b/x", nil},
		{"y", dir + "/a:" + dir + "/c", dir + "/c/y", nil},
		{"y", ":" + dir + "/c", "./y", nil},
		{"only", dir + "/a:" + dir + "/b", "", syscall.EACCES},
		{"none", dir + "/a:/no/such/dir", "", syscall.ENOENT},
		{"./anything", "", "./anything", nil},
	} {
		got, err := lookPath(c.name, []string{"X=1", "PATH=" + c.path, "PATH=/never"}, dir)
		if got != c.want || !errors.Is(err, c.err) {
			t.Errorf("lookPath(%q) in %q: got %q, %v, want %q, %v", c.name, c.path, got, err, c.want, c.err)
		}
	}
	if got, err := lookPath("sh", nil, "/"); err != nil || got != "/bin/sh" {
		t.Errorf("lookPath without PATH: got %q, %v", got, err)
	}
}

func TestExits(t *testing.T) {
	s := newSpace(t, Config{})
	for _, c := range []struct {
		script string
		check  func(syscall.WaitStatus) bool
	}{
		{"exit 0", func(w syscall.WaitStatus) bool { return w.Exited() && w.ExitStatus() == 0 }},
		{"exit 42", func(w syscall.WaitStatus) bool { return w.Exited() && w.ExitStatus() == 42 }},
		{"kill -TERM $$", func(w syscall.WaitStatus) bool { return w.Signaled() && w.Signal() == syscall.SIGTERM }},
		{"kill -9 $$", func(w syscall.WaitStatus) bool { return w.Signaled() && w.Signal() == syscall.SIGKILL }},
	} {
		r, err := s.start(Program{Argv: []string{"sh", "-c", c.script}})
		if err != nil {
			t.Fatal(err)
		}
		if _, ws := r.wait(); !c.check(ws) {
			t.Errorf("%s: status %#x", c.script, uint32(ws))
		}
	}
}

// TestManyPrograms starts programs from many goroutines at once.
func TestManyPrograms(t *testing.T) {
	for _, pidNS := range []bool{false, true} {
		s := newSpace(t, Config{PIDNS: pidNS})
		const n = 60
		results := make(chan error, n)
		for i := range n {
			ptm, index := s.openPtm()
			go func() {
				defer ptm.Close()
				status := make(chan syscall.WaitStatus, 1)
				_, err := s.Start(Program{Argv: []string{"sh", "-c", fmt.Sprintf("exit %d", i)}, Env: environ, Index: index},
					func(ws syscall.WaitStatus) { status <- ws })
				if err == nil {
					if ws := <-status; ws.ExitStatus() != i {
						err = fmt.Errorf("program %d ended with %#x", i, uint32(ws))
					}
				}
				results <- err
			}()
		}
		for range n {
			if err := <-results; err != nil {
				t.Error(err)
			}
		}
	}
}
