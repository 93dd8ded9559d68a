//go:build linux

package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// opener is a program that opens a terminal of its own and talks to the program on it.
type opener struct {
	name  string
	needs []string
	build []string // in testdata/openers, {} being the binary to make; nil when argv runs as it is
	argv  []string // {} is the binary, or the directory testdata/openers
}

var openers = []opener{
	{"expect", []string{"expect"}, nil, []string{"expect", "{}/opener.exp"}},
	{"python fork", []string{"python3"}, nil, []string{"python3", "{}/opener.py", "fork"}},
	{"python openpty", []string{"python3"}, nil, []string{"python3", "{}/opener.py", "openpty"}},
	{"creack", nil, []string{"go", "build", "-o", "{}", "../../internal/creack"}, []string{"{}"}},
	{"glibc openpty", []string{"gcc"}, []string{"gcc", "-o", "{}", "openpty.c", "-lutil"}, []string{"{}"}},
	{"glibc forkpty", []string{"gcc"}, []string{"gcc", "-o", "{}", "forkpty.c", "-lutil"}, []string{"{}"}},
	{"musl openpty", []string{"musl-gcc"}, []string{"musl-gcc", "-static", "-o", "{}", "openpty.c"}, []string{"{}"}},
	{"musl forkpty", []string{"musl-gcc"}, []string{"musl-gcc", "-static", "-o", "{}", "forkpty.c"}, []string{"{}"}},
}

// users are whom the openers run as; an ordinary one only root can become.
var users = []struct {
	name   string
	uid    int
	become []string
}{
	{"root", 0, nil},
	{"ordinary user", 4321, []string{"setpriv", "--reuid=4321", "--regid=4321", "--clear-groups", "--"}},
}

func TestOpeners(t *testing.T) {
	need(t, "root")
	for _, o := range openers {
		t.Run(o.name, func(t *testing.T) {
			t.Parallel()
			need(t, o.needs...)
			need(t, "ps", "setpriv")
			argv := o.prepare(t)
			for _, kind := range ptmxKinds {
				for _, user := range users {
					t.Run(kind+" as "+user.name, func(t *testing.T) {
						needPtmx(t, kind)
						testOpener(t, kind, user.uid, append(user.become, argv...))
					})
				}
			}
		})
	}
}

// prepare builds the program, where it is to be built, and returns the command line
// that runs it for every user.
func (o opener) prepare(t *testing.T) []string {
	t.Helper()
	dir := publicDir(t)
	if err := os.CopyFS(dir, os.DirFS("testdata/openers")); err != nil {
		t.Fatal(err)
	}
	child := filepath.Join(dir, "child")
	if err := os.Chmod(child, 0o755); err != nil {
		t.Fatal(err)
	}
	place := dir
	if o.build != nil {
		place = filepath.Join(dir, "opener")
		build := exec.Command(o.build[0], fill(o.build[1:], place)...)
		build.Dir = "testdata/openers"
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("%q: %v\n%s", build.Args, err, out)
		}
	}
	return append(fill(o.argv, place), child)
}

func fill(args []string, place string) []string {
	filled := make([]string, len(args))
	for i, arg := range args {
		filled[i] = strings.ReplaceAll(arg, "{}", place)
	}
	return filled
}

func testOpener(t *testing.T, kind string, uid int, argv []string) {
	r := newRuntime(t)
	dir := publicDir(t)
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	hangup := filepath.Join(dir, "hangup")
	out := r.run(append([]string{"run", "--ptmx", kind, "-e", "HANGUP=" + hangup, "--"}, argv...)...)
	if out.code != 0 {
		t.Fatalf("exit status %d\nstdout %q\nstderr %q", out.code, out.stdout, out.stderr)
	}
	text := strings.ReplaceAll(out.stdout, "\r", "")
	for _, want := range []string{
		fmt.Sprintf("^opened /dev/pts/1 owner %d:5 mode 620\n", uid),
		"\n/dev/pts/1\npts/1\n",
		"\ntold hello\n",
		"\nsize 51 133\n",
		"\ndone\n$",
	} {
		if !regexp.MustCompile(want).MatchString(text) {
			t.Errorf("no %q in the output %q", want, text)
		}
	}
	if got, err := os.ReadFile(hangup); err != nil || string(got) != "hangup\n" {
		t.Errorf("when the ptm was closed: %q, %v", got, err)
	}
}
