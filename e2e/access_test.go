//go:build linux

package e2e

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/ptsns/ptsns/control"
)

// knock connects to the socket whose path it is given, asks for the state, and says
// what came.
const knock = `
import socket, sys
s = socket.socket(socket.AF_UNIX)
try:
    s.connect(sys.argv[1])
    s.sendall(b"GET /v1/namespace HTTP/1.1\r\nHost: ptsns\r\n\r\n")
    print("answer", s.recv(100))
except OSError as e:
    print(e.strerror)
`

// TestAccess lets another user come as near to a namespace as can be, further than any
// user comes by himself.
func TestAccess(t *testing.T) {
	t.Parallel()
	need(t, "root", "python3")
	r := newRuntime(t)
	r.must("run", "-d", "--name", "vs1", "--", "sleep", "1000")
	entry := filepath.Join(r.path, "vs1")
	socket := filepath.Join(entry, "socket")
	for path, want := range map[string]fs.FileMode{
		r.path: fs.ModeDir | 0o700, entry: fs.ModeDir | 0o700, socket: fs.ModeSocket | 0o600,
		filepath.Join(entry, "lock"): 0o600, filepath.Join(entry, "log"): 0o600, filepath.Join(entry, "record.json"): 0o600,
	} {
		if st, err := os.Lstat(path); err != nil || st.Mode() != want {
			t.Errorf("%s: %v, %v, want mode %v", path, st, err, want)
		}
	}
	knockAs := func(uid uint32, path string) string {
		cmd := r.command()
		cmd.Path, cmd.Args = "/usr/bin/python3", []string{"python3", "-c", knock, path}
		cmd.Dir = "/"
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
		dir, err := os.Open(entry) // an fd of the directory, for whoever is given it
		if err != nil {
			t.Fatal(err)
		}
		defer dir.Close()
		cmd.ExtraFiles = []*os.File{dir}
		out := r.runCommand(cmd)
		return strings.TrimSpace(out.stdout + out.stderr)
	}
	// answered tells whether there was more than the end of the connection.
	answered := func(said string) bool { return strings.HasPrefix(said, "answer b'HTTP") }

	if said := knockAs(0, socket); !answered(said) {
		t.Errorf("root: %s", said)
	}
	if said := knockAs(nobody, socket); said != "Permission denied" {
		t.Errorf("another user by the path: %s", said)
	}
	if said := knockAs(nobody, "/proc/self/fd/3/socket"); said != "Permission denied" {
		t.Errorf("another user by an fd of the directory: %s", said)
	}
	// Every mode as wrong as it can be: the peer's credentials are left.
	for _, path := range []string{r.path, entry, socket} {
		if err := os.Chmod(path, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range []string{socket, "/proc/self/fd/3/socket"} {
		if said := knockAs(nobody, path); said != "answer b''" && said != "Connection reset by peer" && said != "Broken pipe" {
			t.Errorf("another user by %s, open to all: %s", path, said)
		}
		if said := knockAs(0, path); !answered(said) {
			t.Errorf("root by %s: %s", path, said)
		}
	}
	// A runtime directory open to others is not used, however it came to be.
	r.refused(125, "is open to others", "ls")
	for _, path := range []string{r.path, entry} {
		if err := os.Chmod(path, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if len(r.list()) != 1 {
		t.Error("the namespace has gone")
	}
}

// TestAccessByRoot lets root into another user's namespace, by its socket.
func TestAccessByRoot(t *testing.T) {
	t.Parallel()
	r := newUserRuntime(t)
	r.must("run", "-d", "--name", "vs1", "--", "sleep", "1000")
	client, err := control.Dial(context.Background(), filepath.Join(r.path, "vs1", "socket"))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	state, err := client.State(context.Background())
	if err != nil || state.Name != "vs1" {
		t.Errorf("root asked for the state: %+v, %v", state, err)
	}
	// The commands leave another user's runtime directory alone, root's too.
	r.user = nil
	r.refused(125, "belongs to uid 65534, not to us", "ls")
	r.user = &syscall.Credential{Uid: nobody, Gid: nobody}
}
