//go:build linux

package e2e

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestKilledWhileStarting kills some or all of the processes at moments spread over a
// start. Whatever is then left, the next commands take away.
func TestKilledWhileStarting(t *testing.T) {
	for _, c := range []struct {
		name string
		new  func(testing.TB) *runtimeDir
		args []string
	}{
		{"root", newRuntime, nil},
		{"pid", newRuntime, []string{"--pid"}},
		{"user", newUserRuntime, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := c.new(t)
			start := slices.Concat([]string{"run", "-d", "--name", "vs1"}, c.args,
				[]string{"--", "bash", "-c", "setsid sleep 1001 & exec sleep 1002"})
			began := time.Now()
			r.must(start...)
			took := time.Since(began)
			r.must("rm", "vs1")

			const moments = 20
			victims := []string{"client", "server", "supervisor", "all"}
			for i := range moments {
				killWhileStarting(t, r, start, took*time.Duration(i)/moments, victims[i%len(victims)])
			}
			r.must(start...)
		})
	}
}

// killWhileStarting kills the victims at that moment of a start.
func killWhileStarting(t *testing.T, r *runtimeDir, start []string, moment time.Duration, victims string) {
	t.Helper()
	client := r.command(start...)
	if err := client.Start(); err != nil {
		t.Fatal(err)
	}
	<-time.After(moment) // the fault's, and no wait for anything
	killOf(client.Process.Pid, victims)
	_ = client.Wait() // it may have been killed, or failed, or neither

	r.run("ls") // cleans
	r.run("rm", "vs1")
	checkKilled(t, r)
	if t.Failed() {
		t.Fatalf("after %s was killed %v into a start", victims, moment)
	}
}

// checkKilled checks that nothing is left of vs1 once what was killed has ended and a
// command was run.
func checkKilled(t *testing.T, r *runtimeDir) {
	t.Helper()
	awaitUnlocked(t, filepath.Join(r.path, "vs1", "lock"))
	r.run("ls")
	awaitNone(t, r.path)
	r.checkEmpty()
}

// TestKilledWhileEnding kills the server, the supervisor or both while rm ends programs
// that ignore what they can ignore.
func TestKilledWhileEnding(t *testing.T) {
	t.Parallel()
	r, dir := newRuntime(t), sharedDir(t)
	const moments = 20
	for i := range moments {
		ready := filepath.Join(dir, fmt.Sprint(i))
		r.must("run", "-d", "--name", "vs1", "--", "bash", "-c",
			"trap '' HUP; nohup sleep 1001 >/dev/null 2>&1 & setsid sleep 1002 & "+tell(ready, "ready")+"; exec sleep 1003")
		told(t, ready)
		server := r.state("vs1").ServerPID
		victims := [][]int{{server}, {supervisor(t, server)}, {server, supervisor(t, server)}}[i%3]
		rm := r.command("rm", "vs1")
		if err := rm.Start(); err != nil {
			t.Fatal(err)
		}
		<-time.After(time.Duration(i) * time.Millisecond) // the fault's moment, and no wait for anything
		for _, pid := range victims {
			_ = syscall.Kill(pid, syscall.SIGKILL) // one that has ended is as well
		}
		_ = rm.Wait() // it may have failed
		checkKilled(t, r)
		if t.Failed() {
			t.Fatalf("after %v of server %d were killed %d ms into rm", victims, server, i)
		}
	}
}

// killOf kills, of a client that is starting a namespace, its server and that one's
// supervisor, those of the name.
func killOf(client int, victims string) {
	servers := children(client)
	var supervisors []int
	for _, server := range servers {
		supervisors = append(supervisors, children(server)...)
	}
	pids := map[string][]int{"client": {client}, "server": servers, "supervisor": supervisors,
		"all": slices.Concat([]int{client}, servers, supervisors)}[victims]
	for _, pid := range pids {
		_ = syscall.Kill(pid, syscall.SIGKILL) // one that has ended is as well
	}
}

// awaitNone waits until every process of the runtime directory has ended.
func awaitNone(t *testing.T, path string) {
	t.Helper()
	for again := true; again; {
		again = false
		environs, _ := filepath.Glob("/proc/[0-9]*/environ") // only fails for a bad pattern
		for _, environ := range environs {
			if text, _ := os.ReadFile(environ); slices.Contains(strings.Split(string(text), "\x00"), "PTSNS_RUNTIME_DIR="+path) {
				awaitExit(t, number(t, filepath.Base(filepath.Dir(environ))))
				again = true // it may have started others
			}
		}
	}
}

// awaitUnlocked waits until nobody holds the lock of that file: a process that is ending
// may do so for a moment after it has lost all else that it is known by.
func awaitUnlocked(t testing.TB, path string) {
	t.Helper()
	lock, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	free := make(chan error, 1)
	go func() { free <- unix.Flock(int(lock.Fd()), unix.LOCK_SH) }() // ends at the latest with the holder
	select {
	case err := <-free:
		if err != nil {
			t.Fatal(err)
		}
	case <-time.After(deadline):
		t.Fatalf("%s stays locked", path)
	}
}
