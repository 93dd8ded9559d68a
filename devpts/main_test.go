package devpts

import (
	"fmt"
	"os"
	"runtime"
	"testing"
)

// child is what this binary does when a test has started it again.
var child func() (status int, is bool)

func TestMain(m *testing.M) {
	if child != nil {
		if status, is := child(); is {
			os.Exit(status)
		}
	}
	before := runtime.NumGoroutine()
	status := m.Run()
	for n := 0; n < 1000 && runtime.NumGoroutine() > before; n++ {
		runtime.Gosched()
		runtime.GC() // cleanups have a goroutine while they run
	}
	if after := runtime.NumGoroutine(); status == 0 && after > before {
		buf := make([]byte, 1<<20)
		fmt.Fprintf(os.Stderr, "%d goroutines before the tests, %d after\n%s\n", before, after, buf[:runtime.Stack(buf, true)])
		status = 1
	}
	os.Exit(status)
}
