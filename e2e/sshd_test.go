//go:build linux

package e2e

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// sshServer is an sshd in namespace vs1, on a scratch host with a user more.
type sshServer struct {
	t    *testing.T
	r    *runtimeDir
	dir  string // its keys, configuration and log
	port int
}

// guest is the ordinary user of the scratch host.
const guest = 4242

// The namespace shares the network with the parent, so an sshd in there is reached from
// outside; the terminals it opens are the namespace's.
func TestSSHD(t *testing.T) {
	need(t, "root", "sshd", "ssh", "ssh-keygen", "ps", "python3")
	for _, kind := range ptmxKinds {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			needPtmx(t, kind)
			if !private(t) {
				return
			}
			s := startSSHD(t, kind)
			t.Run("login as root", func(t *testing.T) { s.testLogin(t, kind, "root", 0) })
			t.Run("login as an ordinary user", func(t *testing.T) { s.testLogin(t, kind, "guest", guest) })
			t.Run("without a terminal", s.testNoTerminal)
			t.Run("disconnect", s.testDisconnect)
			if kind == "tap" {
				t.Run("marathon", s.testMarathon)
			}
		})
	}
}

func startSSHD(t *testing.T, kind string) *sshServer {
	t.Helper()
	s := &sshServer{t: t, r: newRuntime(t), dir: publicDir(t)}
	s.makeHost()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.port = l.Addr().(*net.TCPAddr).Port
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"host", "user"} {
		keygen := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", filepath.Join(s.dir, key))
		if out, err := keygen.CombinedOutput(); err != nil {
			t.Fatalf("ssh-keygen: %v\n%s", err, out)
		}
	}
	s.write("config", fmt.Sprintf(`
ListenAddress 127.0.0.1
HostKey %[1]s/host
AuthorizedKeysFile %[1]s/user.pub
PidFile none
PermitRootLogin yes
PasswordAuthentication no
KbdInteractiveAuthentication no
StrictModes no
UsePAM no
UseDNS no
PrintMotd no
PrintLastLog no
MaxStartups 100
`, s.dir))
	sshd, err := exec.LookPath("sshd")
	if err != nil {
		t.Fatal(err)
	}
	s.write("log", "")
	s.r.must("run", "-d", "--name", "vs1", "--ptmx", kind, "--",
		sshd, "-D", "-p", strconv.Itoa(s.port), "-f", filepath.Join(s.dir, "config"), "-E", filepath.Join(s.dir, "log"))
	awaitText(t, filepath.Join(s.dir, "log"), "Server listening on")
	return s
}

func (s *sshServer) write(name, text string) string {
	s.t.Helper()
	path := filepath.Join(s.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		s.t.Fatal(err)
	}
	return path
}

// makeHost makes our mount namespace the scratch host: a user more, and what sshd
// writes of logins goes nowhere.
func (s *sshServer) makeHost() {
	s.t.Helper()
	for _, dir := range []string{"/run", "/var/log"} {
		if err := unix.Mount("scratch", dir, "tmpfs", 0, "mode=755"); err != nil {
			s.t.Fatalf("mount a tmpfs on %s: %v", dir, err)
		}
	}
	if err := os.Mkdir("/run/sshd", 0o755); err != nil {
		s.t.Fatal(err)
	}
	home := filepath.Join(s.dir, "home")
	if err := os.Mkdir(home, 0o755); err != nil {
		s.t.Fatal(err)
	}
	// A root whose home has none of the dotfiles of the one whose machine this is.
	passwd := fmt.Sprintf("guest:x:%d:%d::%s:/bin/bash\nroot:x:0:0:root:%s:/bin/bash\n", guest, guest, home, home)
	old, err := os.ReadFile("/etc/passwd")
	if err != nil {
		s.t.Fatal(err)
	}
	for line := range strings.Lines(string(old)) {
		if !strings.HasPrefix(line, "root:") {
			passwd += line
		}
	}
	s.write("home/.bash_profile", "PS1='prompt> ' exec bash --norc --noediting\n")
	for path, text := range map[string]string{
		"/etc/passwd": passwd,
		"/etc/shadow": "root:*:19000:0:99999:7:::\nguest:*:19000:0:99999:7:::\nsshd:!:19000::::::\n",
	} {
		if err := unix.Mount(s.write(filepath.Base(path), text), path, "", unix.MS_BIND, ""); err != nil {
			s.t.Fatalf("mount over %s: %v", path, err)
		}
	}
}

// ssh is a client, not started.
func (s *sshServer) ssh(args ...string) *exec.Cmd {
	cmd := exec.Command("ssh", append([]string{"-F", "none", "-i", filepath.Join(s.dir, "user"), "-p", strconv.Itoa(s.port),
		"-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR"}, args...)...)
	cmd.Env = append(slices.Clone(s.r.env), "TERM=dumb")
	return cmd
}

func (s *sshServer) testLogin(t *testing.T, kind, user string, uid int) {
	c := startConsole(t, s.ssh("-tt", user+"@127.0.0.1"), 30, 100)
	c.expect(`prompt> `)
	tty := c.command("tty", `(/dev/pts/(\d+))\r\n`)
	index, err := strconv.Atoi(tty[2])
	if err != nil {
		t.Fatal(err)
	}
	c.command("echo $SSH_TTY", tty[1]+`\r\n`)
	c.command("ps -o tty= -p $$", "pts/"+tty[2]+` *\r\n`)
	c.command("echo through >/dev/tty", `through\r\n`)
	c.command("stty size", `30 100\r\n`)
	c.command(`stat -c '%u %a' $(tty)`, fmt.Sprintf(`%d 620\r\n`, uid))
	c.begin("python3 " + writeScript(t, tellSize))
	c.expect(`30 rows 100 columns\r\n`)
	c.resize(41, 133)
	c.expect(`41 rows 133 columns\r\n`)
	c.enter("\x03")
	c.expect(`prompt> `)

	term, ok := s.r.terminal("vs1", index)
	if !ok || term.UID != uid || term.Mode != "0620" || term.Opener.Comm != "sshd" || term.Foreground.Comm != "bash" {
		t.Errorf("terminal %d: %+v, there: %v", index, term, ok)
	}
	if kind == "tap" {
		if term.Rows != 41 || term.Cols != 133 {
			t.Errorf("terminal %d is %d by %d, want 41 by 133", index, term.Rows, term.Cols)
		}
		viewer := s.r.console("attach", term.ID)
		viewer.awaitRaw()
		viewer.enter("echo jo'in'ed\n")
		viewer.expect(`[^']joined`) // a frame: its window is smaller
		c.expect(`joined\r\nprompt> `)
		viewer.detach()
	}
	path := s.r.must("path", term.ID)
	if err := os.WriteFile(path, []byte("by its path\n"), 0); err != nil {
		t.Error(err)
	}
	c.expect(`^by its path\r\n`)

	c.enter("exit 7\n")
	if code := c.wait(); code != 7 {
		t.Errorf("exit status %d, want 7", code)
	}
	s.awaitTerminals(t, "0")
}

func (s *sshServer) testNoTerminal(t *testing.T) {
	cmd := s.ssh("guest@127.0.0.1", "cat; tty; exit 5")
	cmd.Stdin = strings.NewReader("piped\n")
	out := s.r.runCommand(cmd)
	if out.code != 5 || out.stdout != "piped\nnot a tty\n" {
		t.Errorf("exit status %d, stdout %q, stderr %q", out.code, out.stdout, out.stderr)
	}
}

// hungUp tells in a file that it was hung up.
const hungUp = `#!/usr/bin/python3
import os, signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGHUP])
os.write(1, b"started\n")
signal.sigwait([signal.SIGHUP])
with open(sys.argv[1], "w") as f:
    f.write("hung up\n")
`

func (s *sshServer) testDisconnect(t *testing.T) {
	job := writeScript(t, hungUp)
	told := s.write("hungup", "")
	c := startConsole(t, s.ssh("-tt", "root@127.0.0.1"), 24, 80)
	c.expect(`prompt> `)
	pid, err := strconv.Atoi(c.command("echo $$", `(\d+)\r\n`)[1])
	if err != nil {
		t.Fatal(err)
	}
	c.begin(job + " " + told)
	c.expect(`^started\r\n`)
	if err := c.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	awaitText(t, told, "hung up")
	awaitExit(t, pid)
	s.awaitTerminals(t, "0")
}

// testMarathon leaves no trace of many logins.
func (s *sshServer) testMarathon(t *testing.T) {
	const logins, atOnce = 50, 5
	work := make(chan int)
	var workers sync.WaitGroup
	for range atOnce {
		workers.Go(func() {
			for n := range work {
				cmd := s.ssh("-tt", []string{"root", "guest"}[n%2]+"@127.0.0.1", fmt.Sprintf("tty; echo login %d; exit %d", n, n))
				out, err := cmd.Output()
				if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != n ||
					!strings.HasPrefix(string(out), "/dev/pts/") || !strings.Contains(string(out), fmt.Sprintf("login %d\r\n", n)) {
					t.Errorf("login %d: %v, output %q", n, err, out)
				}
			}
		})
	}
	for n := range logins {
		work <- n
	}
	close(work)
	workers.Wait()
	s.awaitTerminals(t, "0")
	if terminals := s.r.state("vs1").Terminals; len(terminals) != 1 {
		t.Errorf("terminals after %d logins: %+v", logins, terminals)
	}
}

// awaitTerminals waits until these are the namespace's.
func (s *sshServer) awaitTerminals(t *testing.T, want ...string) {
	t.Helper()
	want = append(want, "ptmx")
	slices.Sort(want)
	awaitDir(t, s.r.must("path", "vs1"), func(names []string) bool {
		slices.Sort(names)
		return slices.Equal(names, want)
	})
}

// awaitText waits until the file at path has text in it.
func awaitText(t *testing.T, path, text string) {
	t.Helper()
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if _, err := unix.InotifyAddWatch(fd, path, unix.IN_MODIFY); err != nil {
		t.Fatalf("watch %q: %v", path, err)
	}
	for buf := make([]byte, 4096); ; {
		got, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(got), text) {
			return
		}
		if !readable(t, fd, deadline) {
			t.Fatalf("no %q in %s: %q", text, path, got)
		}
		if _, err := unix.Read(fd, buf); err != nil && err != syscall.EAGAIN {
			t.Fatal(err)
		}
	}
}
