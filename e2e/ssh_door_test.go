//go:build linux

package e2e

import (
	"bufio"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/crypto/ssh"
	"golang.org/x/sys/unix"
)

// sshDoor is `ptsns serve --ssh`, and the keys to it:
//
//	dev       may do everything
//	tv        looks on, in vs1 alone
//	stranger  is in no file
type sshDoor struct {
	t    *testing.T
	r    *runtimeDir
	dir  string
	port string
	cmd  *exec.Cmd
	log  string
	done chan struct{} // closed once it has ended
}

// openSSHDoor starts one for the namespaces of r. At the test's end it is told to end, and
// has to without being killed.
func openSSHDoor(t *testing.T, r *runtimeDir) *sshDoor {
	t.Helper()
	need(t, "ssh", "ssh-keygen")
	d := &sshDoor{t: t, r: r, dir: publicDir(t)}
	d.log = filepath.Join(d.dir, "log")
	lines := ""
	for name, options := range map[string]string{"dev": "", "tv": `read-only,namespaces="vs1" `, "stranger": "-"} {
		keygen := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name+"@laptop", "-f", filepath.Join(d.dir, name))
		if out, err := keygen.CombinedOutput(); err != nil {
			t.Fatalf("ssh-keygen: %v\n%s", err, out)
		}
		pub, err := os.ReadFile(filepath.Join(d.dir, name+".pub"))
		if err != nil {
			t.Fatal(err)
		}
		if options != "-" {
			lines += options + string(pub)
		}
	}
	if err := os.WriteFile(filepath.Join(d.dir, "authorized_keys"), []byte(lines), 0o600); err != nil {
		t.Fatal(err)
	}
	d.start("127.0.0.1:0")
	t.Cleanup(func() {
		d.end(syscall.SIGTERM)
		if t.Failed() {
			t.Logf("the door said:\n%s", d.said())
		}
	})
	return d
}

// shellPrompt is a user's shell with a prompt that the tests know.
const shellPrompt = "#!/bin/bash\nPS1='prompt> ' HISTFILE= exec bash --norc --noediting \"$@\"\n"

func (d *sshDoor) start(addr string) {
	d.t.Helper()
	d.cmd = d.r.command("serve", "--ssh", addr, "--ssh-authorized-keys", filepath.Join(d.dir, "authorized_keys"))
	d.cmd.Env = append(d.cmd.Env, "SHELL="+writeScript(d.t, shellPrompt), "SECRET=of the door")
	log, err := os.Create(d.log)
	if err != nil {
		d.t.Fatal(err)
	}
	defer log.Close()
	d.cmd.Stderr = log
	if err := d.cmd.Start(); err != nil {
		d.t.Fatal(err)
	}
	d.done = make(chan struct{})
	go func() { // ends with the door
		_ = d.cmd.Wait() // how it ended is in its ProcessState
		close(d.done)
	}()
	d.logs("ssh host key SHA256:")
	m := regexp.MustCompile(`^ptsns: ssh on 127\.0\.0\.1:(\d+)\n`).FindStringSubmatch(d.said())
	if m == nil {
		d.end(syscall.SIGKILL)
		d.t.Fatalf("the door says %q", d.said())
	}
	d.port = m[1]
}

// logs waits until the door has said text.
func (d *sshDoor) logs(text string) {
	d.t.Helper()
	awaitText(d.t, d.log, text)
}

func (d *sshDoor) said() string {
	d.t.Helper()
	text, err := os.ReadFile(d.log)
	if err != nil {
		d.t.Fatal(err)
	}
	return string(text)
}

// end ends the door.
func (d *sshDoor) end(sig syscall.Signal) {
	d.t.Helper()
	select {
	case <-d.done:
		return
	default:
	}
	_ = d.cmd.Process.Signal(sig) // ended meanwhile is as well
	if !ends(d.cmd.Process.Pid, deadline) {
		d.t.Error("the door does not end")
		_ = d.cmd.Process.Kill()
	}
	<-d.done
	if sig == syscall.SIGTERM && d.cmd.ProcessState.ExitCode() != 0 {
		d.t.Errorf("the door ended with %v", d.cmd.ProcessState)
	}
}

// options are those of every client: a key, and none of the files of whose machine this is.
func (d *sshDoor) options(key string) []string {
	return []string{"-F", "none", "-i", filepath.Join(d.dir, key), "-o", "IdentitiesOnly=yes", "-o", "SendEnv=LANG LC_*", "-o", "StrictHostKeyChecking=no",
		"-o", "UserKnownHostsFile=" + filepath.Join(d.dir, "known_hosts"), "-o", "GlobalKnownHostsFile=none"}
}

// ssh is a client, not started.
func (d *sshDoor) ssh(key string, args ...string) *exec.Cmd {
	cmd := exec.Command("ssh", append(append(d.options(key), "-p", d.port), args...)...)
	cmd.Env = append(slices.Clone(d.r.env), "LC_TIME=C", "SSH_AUTH_SOCK=")
	return cmd
}

// run runs a client without a terminal.
func (d *sshDoor) run(key string, args ...string) result {
	d.t.Helper()
	return d.r.runCommand(d.ssh(key, append([]string{"-q"}, args...)...))
}

// console is a client on a terminal.
func (d *sshDoor) console(key string, args ...string) *console {
	d.t.Helper()
	return startConsole(d.t, d.ssh(key, append([]string{"-q", "-tt"}, args...)...), 24, 80)
}

// newSSHDoor is a door with a namespace behind it: vs1, whose first program is a shell.
func newSSHDoor(t *testing.T) *sshDoor {
	t.Helper()
	t.Parallel()
	need(t, "ssh")
	r := newRuntime(t)
	r.must("run", "-d", "--name", "vs1", "--", "bash", "--norc", "--noediting")
	return openSSHDoor(t, r)
}

func TestSSHDoorShell(t *testing.T) {
	d := newSSHDoor(t)
	need(t, "python3")
	c := startConsole(t, d.ssh("dev", "-q", "vs1@127.0.0.1"), 30, 100)
	c.expect(`prompt> `)
	c.command("tty", `/dev/pts/1\r\n`)
	c.command("stty size", `30 100\r\n`)
	c.command("echo $TERM $LANG $LC_TIME $HOME [$SECRET]", regexp.QuoteMeta("xterm C.UTF-8 C "+filepath.Join(base, "home")+" []")+`\r\n`)
	c.begin("python3 " + writeScript(t, tellSize))
	c.expect(`30 rows 100 columns\r\n`)
	c.resize(41, 133)
	c.expect(`41 rows 133 columns\r\n`)
	c.enter("\x03")
	c.expect(`prompt> `)
	c.begin("sh -c 'echo ready; sleep 1000'")
	c.expect(`^ready\r\n`)
	c.enter("\x03")
	c.expect(`\^C\r\nprompt> `)
	term, ok := d.r.terminal("vs1", 1)
	if !ok || term.Rows != 41 || term.Cols != 133 || len(term.Viewers) != 1 {
		t.Fatalf("terminal %+v, there: %v", term, ok)
	}
	if v := term.Viewers[0]; v.Door != "ssh" || v.Name != "dev@laptop" || v.ReadOnly || !v.Owner {
		t.Errorf("viewer %+v", v)
	}
	c.enter("exit 7\n")
	if code := c.wait(); code != 7 {
		t.Errorf("exit status %d, want 7", code)
	}
}

// The settings of the terminal outside are those inside, before the program's first byte.
func TestSSHDoorModes(t *testing.T) {
	d := newSSHDoor(t)
	ptm, tty := openTerminal(t)
	settings, err := unix.IoctlGetTermios(int(tty.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	settings.Lflag &^= unix.ECHO
	settings.Iflag |= unix.IXOFF
	settings.Cc[unix.VERASE], settings.Cc[unix.VINTR] = 'H'&0x1f, 'X'&0x1f
	if err := unix.IoctlSetTermios(int(tty.Fd()), unix.TCSETS, settings); err != nil {
		t.Fatal(err)
	}
	c := startConsoleOn(t, ptm, tty, d.ssh("dev", "-q", "-t", "vs1@127.0.0.1", "stty -a"), 24, 80)
	if code := c.wait(); code != 0 {
		t.Errorf("exit status %d", code)
	}
	shown := c.rest()
	for _, want := range []string{" -echo ", " ixoff", " iutf8", "erase = ^H;", "intr = ^X;", " icanon ", " onlcr "} {
		if !strings.Contains(shown, want) {
			t.Errorf("inside there is no %q:\n%s", want, shown)
		}
	}
}

func TestSSHDoorCommand(t *testing.T) {
	d := newSSHDoor(t)
	cmd := d.ssh("dev", "-q", "vs1@127.0.0.1", "cat; tty; echo to stderr >&2; exit 5")
	cmd.Stdin = strings.NewReader("piped\n\x03\r\n")
	if out := d.r.runCommand(cmd); out.code != 5 || out.stdout != "piped\n\x03\r\n/dev/pts/1\nto stderr\n" || out.stderr != "" {
		t.Errorf("exit status %d, stdout %q, stderr %q", out.code, out.stdout, out.stderr)
	}
	if out := d.run("dev", "vs1@127.0.0.1", "kill -9 $$"); out.code != 128+9 {
		t.Errorf("a program that is killed: exit status %d", out.code)
	}
	if out := d.run("dev", "-tt", "vs1@127.0.0.1", "cat"); out.code != 0 {
		t.Errorf("cat from /dev/null on a terminal: exit status %d, stderr %q", out.code, out.stderr)
	}
	if out := d.run("dev", "nowhere@127.0.0.1", "true"); out.code != 255 || out.stderr != "ptsns: no namespace \"nowhere\"\n" {
		t.Errorf("no namespace: exit status %d, stderr %q", out.code, out.stderr)
	}
	if out := d.run("dev", "-T", "vs1@127.0.0.1"); out.code != 255 || !strings.Contains(out.stderr, "a shell needs a terminal") {
		t.Errorf("a shell without a terminal: exit status %d, stderr %q", out.code, out.stderr)
	}
	if out := d.run("dev", "-T", "ptsns@127.0.0.1"); out.code != 0 || !regexp.MustCompile(`(?m)^2 +vs1/0 +24x80 +bash$`).MatchString(out.stdout) {
		t.Errorf("the list: exit status %d, stdout %q", out.code, out.stdout)
	}
}

// Large output and input arrive as they are, with keys exchanged anew on the way.
func TestSSHDoorBulk(t *testing.T) {
	d := newSSHDoor(t)
	cmd := d.ssh("dev", "-q", "-o", "RekeyLimit=1M", "vs1@127.0.0.1", "head -c 8000000 /dev/zero | tr '\\0' x; wc -c")
	cmd.Stdin = strings.NewReader(strings.Repeat(strings.Repeat("y", 999)+"\n", 4000))
	out := d.r.runCommand(cmd)
	if xs, rest, _ := strings.Cut(out.stdout, "4"); out.code != 0 || xs != strings.Repeat("x", 8000000) || rest != "000000\n" {
		t.Errorf("exit status %d, %d bytes of output, then %q, stderr %q", out.code, len(xs), rest, out.stderr)
	}
}

func TestSSHDoorJoin(t *testing.T) {
	d := newSSHDoor(t)
	one, two := d.console("dev", "vs1/0@127.0.0.1"), d.console("dev", "vs1+0@127.0.0.1")
	for _, c := range []*console{one, two} {
		c.awaitRaw()
	}
	d.r.awaitViewers("vs1", 0, 2)
	one.enter("echo jo'in'ed\n")
	one.expect(`joined\r\n`)
	two.expect(`joined\r\n`)
	two.enter("echo t'o'o\n")
	one.expect(`too\r\n`)
	two.detach()
	one.enter("\n~.") // ssh's own way out
	if code := one.wait(); code != 255 {
		t.Errorf("~. ends ssh with %d", code)
	}
	d.r.awaitViewers("vs1", 0, 0)
	if out := d.run("dev", "vs1/7@127.0.0.1"); out.code != 255 || !strings.Contains(out.stderr, "ptsns: vs1/7: no such terminal") {
		t.Errorf("no terminal: exit status %d, stderr %q", out.code, out.stderr)
	}

	// A joined terminal that ends is no failure, whatever its program's status.
	three := d.console("dev", "vs1/0@127.0.0.1")
	three.awaitRaw()
	d.r.awaitViewers("vs1", 0, 1)
	three.enter("exit 9\n")
	if code := three.wait(); code != 0 {
		t.Errorf("the terminal's end: exit status %d", code)
	}
}

// A read-only key sees and cannot do anything.
func TestSSHDoorReadOnly(t *testing.T) {
	d := newSSHDoor(t)
	tv := d.console("tv", "vs1/0@127.0.0.1")
	tv.awaitRaw()
	d.r.awaitViewers("vs1", 0, 1)
	term, _ := d.r.terminal("vs1", 0)
	if v := term.Viewers[0]; !v.ReadOnly || v.Name != "tv@laptop" {
		t.Errorf("viewer %+v", v)
	}
	tv.resize(10, 20)
	tv.enter("touch " + filepath.Join(d.dir, "typed") + "\n\x03")
	dev := d.console("dev", "vs1/0@127.0.0.1")
	dev.awaitRaw()
	d.r.awaitViewers("vs1", 0, 2)
	dev.enter("printf 'a\\033[6n\\033]52;c;?\\007b%s\\n' c\n")
	tv.expect(`abc`) // without the questions
	tv.detach()      // heard after all that was typed before
	dev.enter("ls " + d.dir + "; stty size; echo do'ne'\n")
	shown := dev.expect(`(?s)authorized_keys.*done\r\n`)[0]
	if strings.Contains(shown, "typed") || !strings.Contains(shown, "24 80") {
		t.Errorf("afterwards there is\n%s", shown)
	}
	dev.detach()
	for user, want := range map[string]string{"vs1": "this key looks on", "vs2": `not for namespace "vs2"`, "vs2/0": `not for namespace "vs2"`} {
		if out := d.run("tv", user+"@127.0.0.1", "true"); out.code != 255 || !strings.Contains(out.stderr, want) {
			t.Errorf("%s: exit status %d, stderr %q", user, out.code, out.stderr)
		}
	}
}

func TestSSHDoorRefuses(t *testing.T) {
	d := newSSHDoor(t)
	if out := d.r.runCommand(d.ssh("stranger", "vs1@127.0.0.1", "true")); out.code != 255 || !strings.Contains(out.stderr, "Permission denied (publickey)") {
		t.Errorf("a wrong key: exit status %d, stderr %q", out.code, out.stderr)
	}
	d.logs("the key is not in the file")
	for _, user := range []string{"../x", "..", "vs1/../../x", ".systems", "vs1/00"} {
		if out := d.run("dev", "-l", user, "127.0.0.1", "true"); out.code != 255 || !strings.HasPrefix(out.stderr, "ptsns: user ") {
			t.Errorf("%s: exit status %d, stderr %q", user, out.code, out.stderr)
		}
	}

	file := writeScript(t, "a file")
	remote := "vs1@127.0.0.1:" + filepath.Join(d.dir, "copied")
	for _, program := range []string{"scp", "scp -O", "sftp"} {
		words := strings.Fields(program)
		need(t, words[0])
		args := append(words[1:], d.options("dev")...)
		args = append(args, "-P", d.port)
		if words[0] == "scp" {
			args = append(args, file, remote)
		} else {
			args = append(args, remote)
		}
		out := d.r.runCommand(exec.Command(words[0], args...))
		if out.code == 0 || !strings.Contains(out.stderr, "ptsns: no files are copied here") {
			t.Errorf("%s: exit status %d, stderr %q", program, out.code, out.stderr)
		}
	}
	if _, err := os.Stat(filepath.Join(d.dir, "copied")); err == nil {
		t.Error("a file was copied")
	}

	if out := d.r.runCommand(d.ssh("dev", "-W", "127.0.0.1:"+d.port, "vs1@127.0.0.1")); out.code == 0 || !strings.Contains(out.stderr, "ptsns: nothing is forwarded here") {
		t.Errorf("-W: exit status %d, stderr %q", out.code, out.stderr)
	}
	if out := d.r.runCommand(d.ssh("dev", "-o", "ExitOnForwardFailure=yes", "-R", "0:127.0.0.1:"+d.port, "vs1@127.0.0.1", "true")); out.code == 0 || !strings.Contains(out.stderr, "remote port forwarding failed") {
		t.Errorf("-R: exit status %d, stderr %q", out.code, out.stderr)
	}
	d.testLocalForward(t)
	d.testAgentAndX11(t)
}

// testLocalForward has a client listen, and connects there.
func (d *sshDoor) testLocalForward(t *testing.T) {
	socket := filepath.Join(d.dir, "forward")
	cmd := d.ssh("dev", "-N", "-o", "ExitOnForwardFailure=yes", "-L", socket+":127.0.0.1:"+d.port, "vs1@127.0.0.1")
	stderr := new(lockedBuffer)
	cmd.Stderr = stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // killed
		if !strings.Contains(stderr.String(), "ptsns: nothing is forwarded here") {
			t.Errorf("-L: stderr %q", stderr)
		}
	}()
	awaitDir(t, d.dir, func(names []string) bool { return slices.Contains(names, "forward") })
	var nc net.Conn
	for nc == nil { // bound, but perhaps not yet listened at
		nc, _ = net.Dial("unix", socket)
	}
	defer nc.Close()
	if n, err := nc.Read(make([]byte, 1)); n != 0 || err == nil {
		t.Errorf("-L: %d bytes came through", n)
	}
}

// testAgentAndX11 asks for both, beside a command, which runs.
func (d *sshDoor) testAgentAndX11(t *testing.T) {
	agent, err := net.Listen("unix", filepath.Join(d.dir, "agent"))
	if err != nil {
		t.Fatal(err)
	}
	defer agent.Close()
	go func() { // ends with agent
		for {
			c, err := agent.Accept()
			if err != nil {
				return
			}
			_ = c.Close() // an agent with nothing to say
		}
	}()
	cmd := d.ssh("dev", "-A", "-Y", "vs1@127.0.0.1", "echo [$SSH_AUTH_SOCK$DISPLAY]")
	cmd.Env = append(cmd.Env, "SSH_AUTH_SOCK="+agent.Addr().String(), "DISPLAY=127.0.0.1:99")
	out := d.r.runCommand(cmd)
	if out.code != 0 || out.stdout != "[]\n" || !strings.Contains(out.stderr, "ptsns: agents are not forwarded here") || !strings.Contains(out.stderr, "ptsns: X11 is not forwarded here") {
		t.Errorf("-A -Y: exit status %d, stdout %q, stderr %q", out.code, out.stdout, out.stderr)
	}
}

// OpenSSH's client sends no signals, so this one is of another make.
func TestSSHDoorSignal(t *testing.T) {
	d := newSSHDoor(t)
	private, err := os.ReadFile(filepath.Join(d.dir, "dev"))
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.ParsePrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	client, err := ssh.Dial("tcp", "127.0.0.1:"+d.port, &ssh.ClientConfig{User: "vs1", Auth: []ssh.AuthMethod{ssh.PublicKeys(signer)}, HostKeyCallback: ssh.InsecureIgnoreHostKey()})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	session, err := client.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := session.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := session.Start("trap 'echo caught; exit 4' USR1; echo ready; sleep 1000 & wait"); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(stdout)
	if line, err := lines.ReadString('\n'); line != "ready\n" {
		t.Fatalf("%q, %v", line, err)
	}
	if err := session.Signal(ssh.SIGUSR1); err != nil {
		t.Fatal(err)
	}
	if line, err := lines.ReadString('\n'); line != "caught\n" {
		t.Fatalf("%q, %v", line, err)
	}
	if err, ok := session.Wait().(*ssh.ExitError); !ok || err.ExitStatus() != 4 {
		t.Errorf("ended with %v", err)
	}
}

func TestSSHDoorPicker(t *testing.T) {
	d := newSSHDoor(t)
	c := d.console("dev", "ptsns@127.0.0.1")
	c.expect(`> 1  vs1 `)
	c.expect(`vs1/0 +24x80 +bash`)
	d.r.must("run", "-d", "--name", "vs2", "--", "cat")
	c.expect(`vs2/0 +24x80 +cat`) // it looks by itself

	c.enter("\x1b[B\r") // the second line: vs1/0
	d.r.awaitViewers("vs1", 0, 1)
	c.enter("echo he'll'o\n")
	c.expect(`hello\r\n`)
	c.enter(detachKeys)
	c.expect(`(?s)> 2    vs1/0 .*left vs1/0, which goes on`)

	c.enter("n")
	c.expect(`prompt> `)
	c.resize(30, 90)
	c.enter("while [ \"$(stty size)\" != '30 90' ]; do :; done; exit 3\n")
	c.expect(`vs1/1 has ended, with status 3`)

	c.enter("4r") // vs2/0, to look on
	d.r.awaitViewers("vs2", 0, 1)
	if term, _ := d.r.terminal("vs2", 0); !term.Viewers[0].ReadOnly {
		t.Errorf("viewer %+v", term.Viewers[0])
	}
	d.r.must("rm", "vs2")
	c.expect(`vs2/0`)
	c.expect(`q leaves`)
	c.enter("q")
	if code := c.wait(); code != 0 {
		t.Errorf("exit status %d", code)
	}
	if !strings.HasSuffix(strings.TrimSuffix(c.rest(), "<end of console>"), "\x1b[?25h\x1b[?1049l") {
		t.Error("the terminal is not given back")
	}
}

// A client that is killed leaves no trace but the terminal it was at; so does a door.
func TestSSHDoorKilled(t *testing.T) {
	d := newSSHDoor(t)
	c := d.console("dev", "vs1@127.0.0.1")
	c.expect(`prompt> `)
	pid := c.command("echo $$", `(\d+)\r\n`)[1]
	if err := c.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	d.r.awaitViewers("vs1", 1, 0)

	again := d.console("dev", "vs1/1@127.0.0.1")
	again.awaitRaw()
	d.r.awaitViewers("vs1", 1, 1)
	again.enter("echo it is $$\n")
	again.expect(`it is ` + pid + `\r\n`)

	d.end(syscall.SIGKILL)
	if code := again.wait(); code != 255 {
		t.Errorf("the door is killed: exit status %d", code)
	}
	d.r.awaitViewers("vs1", 1, 0)
	d.start("127.0.0.1:" + d.port) // with the same key: known_hosts has it
	again = d.console("dev", "-o", "StrictHostKeyChecking=yes", "vs1/1@127.0.0.1")
	again.awaitRaw()
	d.r.awaitViewers("vs1", 1, 1)
	again.enter("echo still $$\n")
	again.expect(`still ` + pid + `\r\n`)

	d.end(syscall.SIGTERM)
	again.expect(`ptsns: vs1/1: the door is closing; the terminal lives on`)
	if code := again.wait(); code != 255 {
		t.Errorf("the door closes: exit status %d", code)
	}
	n, err := strconv.Atoi(pid)
	if err != nil || unix.Kill(n, 0) != nil {
		t.Errorf("the shell %s has gone", pid)
	}
}

// The server of a namespace dies: its people hear of it.
func TestSSHDoorServerDies(t *testing.T) {
	d := newSSHDoor(t)
	c := d.console("dev", "vs1/0@127.0.0.1")
	c.awaitRaw()
	d.r.awaitViewers("vs1", 0, 1)
	if err := unix.Kill(d.r.state("vs1").ServerPID, unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	c.expect(`ptsns: vs1/0: the server of the namespace has gone`)
	if code := c.wait(); code != 255 {
		t.Errorf("exit status %d", code)
	}
}

// Keys that others can write open no door, and none that is open.
func TestSSHDoorKeysOfOthers(t *testing.T) {
	d := newSSHDoor(t)
	keys := filepath.Join(d.dir, "authorized_keys")
	if err := os.Chmod(keys, 0o666); err != nil {
		t.Fatal(err)
	}
	if out := d.run("dev", "vs1@127.0.0.1", "true"); out.code != 255 {
		t.Errorf("exit status %d", out.code)
	}
	d.logs("is open to others")
	if out := d.r.run("serve", "--ssh", "127.0.0.1:0", "--ssh-authorized-keys", keys); out.code != 125 || !strings.Contains(out.stderr, "is open to others") {
		t.Errorf("serve: exit status %d, stderr %q", out.code, out.stderr)
	}
	if out := d.r.run("serve", "--ssh", "127.0.0.1:0", "--ssh-authorized-keys", keys+".pub", "--ssh-host-key", keys); out.code != 125 {
		t.Errorf("serve with a host key that is none: exit status %d, stderr %q", out.code, out.stderr)
	}
	if err := os.Chmod(keys, 0o600); err != nil {
		t.Fatal(err)
	}
	if out := d.run("dev", "vs1@127.0.0.1", "true"); out.code != 0 {
		t.Errorf("as before: exit status %d, stderr %q", out.code, out.stderr)
	}
	info, err := os.Stat(filepath.Join(d.dir, "ssh_host_ed25519_key"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the host key: %v, %v", info, err)
	}
}
