//go:build linux

package e2e

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestDocument runs the container start-up example of the kernel's devpts document and
// each of its items. Every script has a machine of its own: see testdata/document/bin.
func TestDocument(t *testing.T) {
	need(t, "root", "fuse", "bash", "unshare", "nsenter", "runuser", "script", "python3", "sshd", "ssh", "ssh-keygen")
	scripts, err := filepath.Glob("testdata/document/*.txtar")
	if err != nil || len(scripts) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, script := range scripts {
		if !strings.Contains(string(readme), "| `"+filepath.Base(script)+"` |") {
			t.Errorf("README.md does not list %s", script)
		}
		t.Run(strings.TrimSuffix(filepath.Base(script), ".txtar"), func(t *testing.T) {
			t.Parallel()
			runOnMachine(t, script, "testdata/document/bin", sshFiles)
		})
	}
}

// runOnMachine runs a script whose commands can use those in dir, and whose $HOST_PID is
// the init of a scratch machine, for which prepare makes what it needs in a directory.
func runOnMachine(t *testing.T, script, dir string, prepare func(work string) error) {
	r := newRuntime(t)
	bin, err := filepath.Abs(dir)
	if err != nil {
		t.Fatal(err)
	}
	testscript.RunT(oneScript{t}, testscript.Params{
		Files:               []string{script},
		WorkdirRoot:         publicDir(t),
		RequireExplicitExec: true,
		Deadline:            time.Now().Add(2 * deadline),
		Setup: func(env *testscript.Env) error {
			for _, kv := range r.env {
				name, value, _ := strings.Cut(kv, "=")
				env.Setenv(name, value)
			}
			env.Setenv("PATH", bin+":"+env.Getenv("PATH"))
			env.Setenv("BIN", bin)
			if err := prepare(env.WorkDir); err != nil {
				return err
			}
			m := bootMachine(t, env)
			env.Setenv("HOST_PID", strconv.Itoa(m.Process.Pid))
			env.Defer(func() { halt(t, m, env, r) })
			return nil
		},
	})
}

// bootMachine starts bin/boot in new mount, pid and network namespaces, which end with
// it, and waits until it is up.
func bootMachine(t *testing.T, env *testscript.Env) *exec.Cmd {
	t.Helper()
	boot := exec.Command(filepath.Join(env.Getenv("BIN"), "boot"))
	boot.Env = env.Vars
	boot.Stderr = os.Stderr
	boot.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWNET,
		Setsid:     true, // the test's terminal is not the machine's
	}
	if _, err := boot.StdinPipe(); err != nil { // it ends with us: the pipe is open as long as we are
		t.Fatal(err)
	}
	out, err := boot.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := boot.Start(); err != nil {
		t.Fatalf("boot: %v", err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "booted\n" {
		_ = boot.Process.Kill() // the failure to boot is the one to tell
		_ = boot.Wait()
		t.Fatalf("boot: said %q: %v", line, err)
	}
	return boot
}

// halt ends the namespaces of a machine from inside it and then the machine.
func halt(t *testing.T, boot *exec.Cmd, env *testscript.Env, r *runtimeDir) {
	onHost := func(args ...string) result {
		cmd := exec.Command(filepath.Join(env.Getenv("BIN"), "host"), args...)
		cmd.Env, cmd.Dir = env.Vars, env.WorkDir
		return r.runCommand(cmd)
	}
	names, err := filepath.Glob(filepath.Join(r.path, "*", "socket"))
	if err != nil {
		t.Error(err)
	}
	for _, name := range names {
		name = filepath.Base(filepath.Dir(name))
		if out := onHost("ptsns", "rm", name); out.code != 0 && !strings.Contains(out.stderr, "no namespace") { // two may be of one mount
			t.Errorf("ptsns rm %s: exit %d, stderr %q", name, out.code, out.stderr)
		}
	}
	if _, err := os.Stat(r.systems()); err == nil {
		if out := onHost("umount", "-a", "-t", "fuse.ptsns"); out.code != 0 {
			t.Errorf("umount: exit %d, stderr %q", out.code, out.stderr)
		} else if !t.Failed() { // else the servers go with the machine
			r.awaitSystems()
		}
	}
	if out := onHost("grep", r.path, "/proc/self/mountinfo"); out.code != 1 {
		t.Errorf("mounts left on the machine:\n%s%s", out.stdout, out.stderr)
	}
	_ = boot.Process.Kill() // it has not ended: nobody closed its stdin
	_ = boot.Wait()         // killed
	if t.Failed() {
		r.run("ls") // cleans
	}
}

// sshFiles makes, in work, an /etc/ssh for a client and a server that trust each other.
// The server writes its pid to the FIFO listening in work once it listens.
func sshFiles(work string) error {
	dir := filepath.Join(work, "ssh")
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	for _, key := range []string{"host_key", "user_key"} {
		if err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", filepath.Join(dir, key)).Run(); err != nil {
			return err
		}
	}
	files := map[string]string{
		"sshd_config": "ListenAddress 127.0.0.1\nHostKey /etc/ssh/host_key\nAuthorizedKeysFile /etc/ssh/user_key.pub\n" +
			"PidFile " + filepath.Join(work, "listening") + "\nStrictModes no\nPrintMotd no\nPrintLastLog no\n",
		"ssh_config": "IdentityFile /etc/ssh/user_key\nIdentitiesOnly yes\nBatchMode yes\nStrictHostKeyChecking no\n" +
			"UserKnownHostsFile /dev/null\nLogLevel ERROR\n",
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// oneScript makes the test of its caller that of the one script of testscript.RunT.
type oneScript struct{ *testing.T }

func (s oneScript) Run(_ string, f func(testscript.T)) { f(s) }
func (oneScript) Parallel()                            {} // the caller's already is
func (oneScript) Verbose() bool                        { return testing.Verbose() }
