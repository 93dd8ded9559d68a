//go:build linux

package fusefs

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
)

// A part's parent is a thread, which must not end before it; and a part acts on the
// thread that has its process's id, for others to look at.
func init() { runtime.LockOSThread() }

func TestMain(m *testing.M) {
	if name := os.Getenv(partVar); name != "" {
		os.Exit(play(parts[name], name))
	}
	if name := os.Getenv(roleVar); name != "" {
		os.Exit(inside(name))
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
		// Of those that are waited for, the last steps may yet be to come.
		ended := strings.Contains(g, "epoll.(*Loop).run") || strings.Contains(g, "goAside")
		if strings.Contains(g, "ptsns/") && !ended {
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
