package main

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
)

// doors is a ptsns serve.
type doors struct {
	t      *testing.T
	stderr *bufio.Reader
	stop   func(syscall.Signal) (status int)
}

// serve starts a ptsns serve and returns it once its one door is open, at that address.
func (w *world) serve(args ...string) (d *doors, addr string) {
	w.t.Helper()
	cmd := w.command(append([]string{"serve"}, args...)...)
	r, err := cmd.StderrPipe()
	if err != nil {
		w.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		if cmd.ProcessState == nil {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
	})
	d = &doors{t: w.t, stderr: bufio.NewReader(r)}
	d.stop = func(sig syscall.Signal) int {
		_ = cmd.Process.Signal(sig) // one that has ended tells below
		rest, _ := io.ReadAll(d.stderr)
		d.stderr.Reset(strings.NewReader(string(rest)))
		_ = cmd.Wait() // its status is looked at
		return cmd.ProcessState.ExitCode()
	}
	line := d.line()
	_, addr, ok := strings.Cut(line, " on ")
	if !ok {
		w.t.Fatalf("serve says %q", line)
	}
	return d, addr
}

// line is the next line that serve says.
func (d *doors) line() string {
	d.t.Helper()
	line, err := d.stderr.ReadString('\n')
	if err != nil {
		d.t.Fatalf("%q and %v", line, err)
	}
	return strings.TrimSuffix(line, "\n")
}

// get asks for a page.
func get(t *testing.T, url string) (status int, body string) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

func TestMetricsDoor(t *testing.T) {
	w := newWorld(t)
	w.output("run", "-d", "--name", "vs1", "--", "cat")
	d, addr := w.serve("--metrics", ":0", "--log-format", "json")
	if !strings.HasPrefix(addr, "127.0.0.1:") {
		t.Errorf("the door is at %q", addr)
	}
	if status, text := get(t, "http://"+addr+"/metrics"); status != http.StatusOK ||
		!strings.Contains(text, "\nptsns_terminals{namespace=\"vs1\"} 1\n") || strings.Contains(text, "vs2") {
		t.Errorf("%d\n%s", status, text)
	}
	// One that comes later is there as well.
	w.output("run", "-d", "--name", "vs2", "--", "cat")
	if _, text := get(t, "http://"+addr+"/metrics"); !strings.Contains(text, "\nptsns_server_up{namespace=\"vs2\"} 1\n") {
		t.Error(text)
	}
	if status, _ := get(t, "http://"+addr+"/"); status != http.StatusNotFound {
		t.Errorf("/ is %d", status)
	}
	resp, err := http.Post("http://"+addr+"/metrics", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close() // only its status is looked at
	if resp.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("POST is %d", resp.StatusCode)
	}
	if got := d.stop(syscall.SIGTERM); got != 0 {
		t.Errorf("exit status %d", got)
	}
	var said struct{ Level, Msg, Why string }
	if line := d.line(); json.Unmarshal([]byte(line), &said) != nil || said.Level != "INFO" || said.Msg != "ended" || said.Why != "signal" {
		t.Errorf("the log says %q", line)
	}
	if s := w.state("vs1"); len(s.Terminals) != 1 {
		t.Errorf("vs1 is %+v", s)
	}
}

// The second of two that want the same address fails, and does not hurt the first.
func TestDoorTaken(t *testing.T) {
	w := newWorld(t)
	d, addr := w.serve("--metrics", "127.0.0.1:0")
	out, err := w.command("serve", "--metrics", addr).CombinedOutput()
	if want := "ptsns: serve: metrics: listen tcp " + addr + ": bind: address already in use\n"; err == nil || string(out) != want {
		t.Errorf("%v, %q, want %q", err, out, want)
	}
	if got := d.stop(syscall.SIGINT); got != 0 {
		t.Errorf("exit status %d", got)
	}
}

func TestListenAddress(t *testing.T) {
	for addr, want := range map[string]string{
		":80": "127.0.0.1:80", "localhost:0": "localhost:0", "0.0.0.0:1": "0.0.0.0:1", "[::]:1": "[::]:1", "[::1]:http": "[::1]:http",
	} {
		if got, err := listenAddress("web", addr); err != nil || got != want {
			t.Errorf("%q is %q, %v, want %q", addr, got, err, want)
		}
	}
	for _, addr := range []string{"80", "host", "host:", ":", "::1:80"} {
		if got, err := listenAddress("web", addr); exitCode(err) != exitUsage {
			t.Errorf("%q is %q, %v, want a usage error", addr, got, err)
		}
	}
}
