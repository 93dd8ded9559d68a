//go:build linux

package nsexec

import (
	"encoding/binary"
	"errors"
	"os"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// needFuse skips a test without a /dev/fuse that this user may use.
func needFuse(t *testing.T) {
	t.Helper()
	f, err := os.OpenFile(fuseDev, os.O_RDWR, 0)
	if err == nil {
		_ = f.Close() // only tried
		return
	}
	if os.Getenv(asUserVar) != "" {
		t.Skip("root runs this one")
	}
	missing(t, err.Error())
}

// TestTap has nobody serve the tap at first: nothing that Start does may ask it.
func TestTap(t *testing.T) {
	needFuse(t)
	tests := map[string]Config{
		"plain":         {Ptmx: Tap},
		"shared":        {Ptmx: Tap, SharePts: true},
		"pid namespace": {Ptmx: Tap, PIDNS: true},
	}
	if os.Geteuid() == 0 {
		root := makeRoot(t, "dev", "proc")
		needUsr(t, root)
		tests["root"] = Config{Ptmx: Tap, Root: root}
	}
	for name, cfg := range tests {
		t.Run(name, func(t *testing.T) {
			s := newSpace(t, cfg)
			if s.Ptmx() != Tap || s.Note() != "" || s.Fuse() == nil {
				t.Fatalf("got %q, %q, %v", s.Ptmx(), s.Note(), s.Fuse())
			}
			got := s.sh("grep ' - fuse ptsns ' /proc/self/mountinfo | cut -d' ' -f5 | sort")
			if want := "/dev/ptmx\n/dev/pts/ptmx"; got != want {
				t.Errorf("the tap is mounted at %q, want %q", got, want)
			}
			served := make(chan []uint32)
			go func() { served <- serveAttributes(int(s.Fuse().Fd())) }()
			if err := s.Activate(); err != nil {
				t.Errorf("Activate: %v", err)
			}
			if got, want := s.sh("stat -c %s /dev/ptmx /dev/pts/ptmx"), "4096\n4096"; got != want {
				t.Errorf("sizes seen inside: got %q, want %q", got, want)
			}
			// The mounts go with the supervisor, and the last of them ends the serving.
			if err := s.Close(); err != nil {
				t.Errorf("Close: %v", err)
			}
			if asked := <-served; len(asked) < 2 || asked[0] != fuseInit {
				t.Errorf("requests: %v, want INIT and more", asked)
			}
		})
	}
}

const (
	fuseGetattr = 3
	fuseInit    = 26
)

// serveAttributes answers INIT and GETATTR until the file system is gone, and
// returns the opcodes that it saw.
func serveAttributes(fd int) (asked []uint32) {
	le := binary.LittleEndian
	b := make([]byte, 1<<17)
	for {
		n, err := unix.Read(fd, b)
		if err == unix.EINTR || err == unix.ENOENT {
			continue
		}
		if err != nil {
			return asked
		}
		opcode, unique := le.Uint32(b[4:]), le.Uint64(b[8:])
		asked = append(asked, opcode)
		out := make([]byte, 16)
		le.PutUint64(out[8:], unique)
		switch opcode {
		case fuseInit:
			body := make([]byte, 64)
			copy(body, b[40:min(n, 56)]) // the same version, no features
			le.PutUint32(body[12:], 0)
			le.PutUint32(body[20:], 4096)
			out = append(out, body...)
		case fuseGetattr:
			body := make([]byte, 16+88)
			le.PutUint64(body, 3600)      // valid for
			le.PutUint64(body[16:], 1)    // ino
			le.PutUint64(body[24:], 4096) // size
			le.PutUint32(body[76:], unix.S_IFREG|0o666)
			le.PutUint32(body[80:], 1) // nlink
			out = append(out, body...)
		default:
			le.PutUint32(out[4:], ^uint32(syscall.ENOSYS)+1) // negative
		}
		le.PutUint32(out, uint32(len(out)))
		_, _ = unix.Write(fd, out) // the asker may be gone
	}
}

// TestTapUnusable has the default fall back, and says why, where an explicit tap is
// an error.
func TestTapUnusable(t *testing.T) {
	want := syscall.EACCES
	switch {
	case os.Geteuid() == 0:
		mountFor(t, os.DevNull, fuseDev, "", unix.MS_BIND, "")
		want = syscall.EINVAL
	default:
		if f, err := os.OpenFile(fuseDev, os.O_RDWR, 0); err == nil {
			_ = f.Close() // only tried
			t.Skip("/dev/fuse is open to this user")
		} else if errors.Is(err, os.ErrNotExist) {
			want = syscall.ENOENT
		}
	}
	cfg := Config{Name: "x", Marker: "x", Options: options, UserNS: os.Geteuid() != 0}
	s, err := Start(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.closeFiles(); _ = s.Close() })
	if s.Ptmx() != Bind || !strings.Contains(s.Note(), want.Error()) || strings.Contains(s.Note(), "\n") || s.Fuse() != nil {
		t.Errorf("default: got %q, note %q", s.Ptmx(), s.Note())
	}
	sp := &space{Supervisor: s, t: t, ptmx: "ptmx"}
	if got := sp.run(role("pty")); got != "/dev/pts/1" {
		t.Errorf("a pair opened inside: %q", got)
	}
	cfg.Ptmx = Tap
	if _, err := Start(cfg); !errors.Is(err, want) {
		t.Errorf("explicit: got %v, want %v", err, want)
	}
}
