//go:build linux

package devptsd

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ptsns/ptsns/devpts"
	"github.com/ptsns/ptsns/rundir"
	"github.com/ptsns/ptsns/usock"
)

// serve starts a server and returns its first connection and its entry. The test ends it
// by closing what is connected.
func serve(t *testing.T, g devpts.Generation) (*net.UnixConn, *rundir.Entry) {
	t.Helper()
	t.Setenv("PTSNS_RUNTIME_DIR", t.TempDir())
	if err := os.Chmod(os.Getenv("PTSNS_RUNTIME_DIR"), 0o700); err != nil {
		t.Fatal(err)
	}
	dir, err := rundir.Open()
	if err != nil {
		t.Fatal(err)
	}
	systems, err := dir.Systems()
	if err != nil {
		t.Fatal(err)
	}
	entry, err := systems.Reserve("test")
	if err != nil {
		t.Fatal(err)
	}
	l, err := usock.Listen(entry.Socket())
	if err != nil {
		t.Fatal(err)
	}
	ours, theirs := pair(t)
	ended := make(chan error, 1)
	go func() { ended <- Serve(context.Background(), entry, Config{Generation: g}, theirs, l) }() // received below
	t.Cleanup(func() {
		_ = ours.Close() // the test may have
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("the server ended with %v", err)
			}
		case <-time.After(10 * time.Second):
			t.Error("the server does not end")
		}
		if err := entry.Remove(); err != nil {
			t.Error(err)
		}
	})
	return ours, entry
}

func pair(t *testing.T) (a, b *net.UnixConn) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	var conns [2]*net.UnixConn
	for i, fd := range fds {
		f := os.NewFile(uintptr(fd), "socket")
		c, err := net.FileConn(f)
		_ = f.Close() // c has its own
		if err != nil {
			t.Fatal(err)
		}
		conns[i] = c.(*net.UnixConn)
	}
	return conns[0], conns[1]
}

// say sends lines as they are and returns the answers, until the server hangs up.
func say(t *testing.T, c *net.UnixConn, text string) []answer {
	t.Helper()
	if _, err := c.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := c.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	var answers []answer
	for d := json.NewDecoder(c); ; {
		var a answer
		if d.Decode(&a) != nil {
			return answers
		}
		answers = append(answers, a)
	}
}

func TestServerAnswers(t *testing.T) {
	c, _ := serve(t, devpts.Multiple)
	got := say(t, c, `{"op":"list"}
{"op":"no such"}
{"op":"mount","device":"0:1"}
{"op":"remount","device":"0:1"}
{"op":"wait","device":"0:1"}
{}
`)
	if len(got) != 6 {
		t.Fatalf("%d answers: %+v", len(got), got)
	}
	if s := got[0].System; s == nil || s.Name != "test" || s.Generation != "multiple" || s.ServerPID != os.Getpid() || len(s.Mounts) != 0 {
		t.Errorf("list: %+v", s)
	}
	for i, want := range []error{1: errUnknown, 2: errNoFuse, 3: errNoMount, 5: errUnknown} {
		if want != nil && (got[i].Error == nil || got[i].Error.Text != want.Error()) {
			t.Errorf("answer %d: %+v, want %q", i, got[i].Error, want)
		}
	}
	if got[4].Error != nil {
		t.Errorf("wait for what is not there: %v", got[4].Error)
	}
}

// Who does not speak the language is hung up on, and nobody else notices.
func TestServerHangsUp(t *testing.T) {
	c, entry := serve(t, devpts.Always)
	for name, text := range map[string]string{
		"nothing":    "",
		"half":       `{"op":"li`,
		"no JSON":    "GET / HTTP/1.1\r\n\r\n",
		"wrong type": `{"op":7}` + "\n",
		"generation": `{"op":"mount","generation":"9"}` + "\n",
		"long":       `{"op":"` + strings.Repeat("x", maxLine) + "\"}\n",
		"endless":    strings.Repeat("x", 2*maxLine),
	} {
		other, err := usock.Dial(context.Background(), entry.Socket())
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		_, _ = other.Write([]byte(text)) // it may hang up in the middle
		_ = other.(*net.UnixConn).CloseWrite()
		b := make([]byte, 1000)
		if n, err := other.Read(b); err == nil {
			t.Errorf("%s: answered %q", name, b[:n])
		}
		_ = other.Close()
	}
	client := NewClient(c)
	if _, err := client.List(context.Background()); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

// What is no /dev/fuse, or not mounted, is refused or forgotten. Descriptors that nobody
// asked for are closed.
func TestServerWrongDescriptor(t *testing.T) {
	c, _ := serve(t, devpts.Always)
	open := func() int {
		list, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return len(list)
	}
	client := NewClient(c)
	if _, err := client.List(context.Background()); err != nil {
		t.Fatal(err)
	}
	before := open()
	null, err := os.Open("/dev/null")
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := client.ask(context.Background(), request{Op: "mount", Request: Request{Device: "0:1"}}, null, maxLine); err == nil {
			t.Error("/dev/null was served")
		}
		if _, err := client.ask(context.Background(), request{Op: "list"}, null, maxLine); err != nil {
			t.Error(err)
		}
	}
	_ = null.Close()
	s, err := client.List(context.Background())
	if err != nil || len(s.Mounts) != 0 {
		t.Errorf("mounts: %+v, %v", s.Mounts, err)
	}
	if after := open(); after > before+1 { // the last that came along stays until the next, or the end
		t.Errorf("%d descriptors, before %d", after, before)
	}
}

// An error keeps its number and its text on the way.
func TestRefusal(t *testing.T) {
	for _, err := range []error{unix.EBUSY, errors.New("plain"), errors.Join(errors.New("of two"), unix.EINVAL)} {
		b, jerr := json.Marshal(refuse(err))
		var a answer
		if jerr != nil || json.Unmarshal(b, &a) != nil || a.Error == nil || a.Error.Error() != err.Error() {
			t.Errorf("%v: came as %s, %+v", err, b, a.Error)
		}
		var errno unix.Errno
		if errors.As(err, &errno) != (a.Error.Errno != 0) || errno != 0 && !errors.Is(a.Error, errno) {
			t.Errorf("%v: number %d", err, a.Error.Errno)
		}
	}
	if a := refuse(nil); a.Error != nil {
		t.Errorf("nil: %+v", a.Error)
	}
	var p *refusal
	if errors.As(error(&refusal{Text: "x", Errno: unix.EINVAL}), &p); !errors.Is(p, unix.EINVAL) || errors.Is(p, unix.EBUSY) {
		t.Error("errors.Is of a refusal")
	}
}
