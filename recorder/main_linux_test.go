package recorder

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
)

// helperEnv is what this binary does instead of testing.
const helperEnv = "PTSNS_TEST_HELPER"

var helpers = map[string]func() error{"record": recordForever, "full": recordOnFullDisk}

// TestMain fails when tests leave goroutines or file descriptors behind.
func TestMain(m *testing.M) {
	if name := os.Getenv(helperEnv); name != "" {
		if err := helpers[name](); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	before := openFiles()
	code := m.Run()
	if after := openFiles(); code == 0 && after > before {
		fmt.Fprintf(os.Stderr, "%d file descriptors were open before, %d are now\n", before, after)
		code = 1
	}
	stacks := ours()
	for tries := 0; stacks != "" && tries < 1000; tries++ { // who has been waited for may be about to return
		runtime.Gosched()
		stacks = ours()
	}
	if code == 0 && stacks != "" {
		fmt.Fprintf(os.Stderr, "goroutines left behind:\n%s\n", stacks)
		code = 1
	}
	os.Exit(code)
}

// openFiles is how many descriptors this process has, but for what Go's poller keeps.
func openFiles() (n int) {
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		panic(err)
	}
	for _, fd := range fds {
		to, err := os.Readlink("/proc/self/fd/" + fd.Name())
		if err == nil && to != "anon_inode:[eventpoll]" && to != "anon_inode:[eventfd]" {
			n++
		}
	}
	return n
}

// ours are the stacks of a Recorder's goroutines.
func ours() string {
	buf := make([]byte, 1<<20)
	var left []string
	for stack := range strings.SplitSeq(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
		if strings.Contains(stack, "(*Recorder).run") {
			left = append(left, stack)
		}
	}
	return strings.Join(left, "\n\n")
}
