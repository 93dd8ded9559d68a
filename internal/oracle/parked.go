package oracle

import (
	"bytes"
	"runtime"
)

// Parked waits until every call of a virtual process waits: what synctest.Wait is in a test's bubble,
// for drivers that share a program with the kernel's, whose time is real.
func Parked() {
	buf := make([]byte, 64<<10)
	for {
		n := runtime.Stack(buf, true)
		if n == len(buf) {
			buf = make([]byte, 2*n)
			continue
		}
		if allParked(buf[:n]) {
			return
		}
		runtime.Gosched()
	}
}

var (
	ofProcess = []byte("oracle.(*virtualProc).Do") // started the goroutine of a call
	waiting   = []byte("[sync.Cond.Wait")
)

// allParked looks at the stacks of all goroutines, taken while none ran.
func allParked(stacks []byte) bool {
	for _, g := range bytes.Split(stacks, []byte("\n\n")) {
		first, rest, _ := bytes.Cut(g, []byte("\n"))
		created := bytes.LastIndex(rest, []byte("created by "))
		if created >= 0 && bytes.Contains(rest[created:], ofProcess) && !bytes.Contains(first, waiting) {
			return false
		}
	}
	return true
}
