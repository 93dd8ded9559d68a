//go:build linux

package procjob

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
)

// An actor acts on the thread that has its process's number, for others to look at.
func init() { runtime.LockOSThread() }

func TestMain(m *testing.M) {
	if address := os.Getenv(actorVar); address != "" {
		os.Exit(act(address))
	}
	if os.Getenv(firstVar) != "" {
		os.Exit(first())
	}
	runtime.UnlockOSThread()
	r, w, err := os.Pipe() // starts Go's own poller
	if err != nil {
		panic(err)
	}
	r.Close()
	w.Close()
	before := descriptors()
	code := m.Run()
	if code == 0 {
		code = leaks(before)
	}
	os.Exit(code)
}

// leaks fails the run if descriptors or goroutines of ours are left.
func leaks(before map[string]string) int {
	code := 0
	for fd, what := range descriptors() {
		if before[fd] != what {
			fmt.Fprintf(os.Stderr, "leaked descriptor %s: %s\n", fd, what)
			code = 1
		}
	}
	stacks := make([]byte, 1<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	for _, g := range strings.Split(string(stacks), "\n\n")[1:] {
		if strings.Contains(g, "ptsns/") && !strings.Contains(g, "epoll.(*Loop).run") { // its last step may yet be to come
			fmt.Fprintf(os.Stderr, "leaked goroutine:\n%s\n", g)
			code = 1
		}
	}
	return code
}

func descriptors() map[string]string {
	dir, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		panic(err)
	}
	open := make(map[string]string)
	for _, e := range dir {
		if link, err := os.Readlink("/proc/self/fd/" + e.Name()); err == nil {
			open[e.Name()] = link
		}
	}
	return open
}

// lacking skips a test for want of something that CI has.
func lacking(t *testing.T, what ...any) {
	t.Helper()
	if os.Getenv("PTSNS_REQUIRE") == "1" {
		t.Fatal(what...)
	}
	t.Skip(what...)
}
