package sshd

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"testing"
)

// TestMain fails the run if it leaves goroutines behind.
func TestMain(m *testing.M) {
	before := runtime.NumGoroutine()
	status := m.Run()
	if flag.Lookup("test.fuzz").Value.String() != "" {
		os.Exit(status) // the fuzzer has goroutines of its own
	}
	for n := 0; n < 100000 && runtime.NumGoroutine() > before; n++ {
		runtime.Gosched()
	}
	if after := runtime.NumGoroutine(); status == 0 && after > before {
		buf := make([]byte, 1<<20)
		fmt.Fprintf(os.Stderr, "%d goroutines before the tests, %d after\n%s\n", before, after, buf[:runtime.Stack(buf, true)])
		status = 1
	}
	os.Exit(status)
}
