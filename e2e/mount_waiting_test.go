//go:build linux

package e2e

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A thousand programs that wait in a read of their terminals cost a server no threads, and
// little memory, whatever went through the terminals before. It is not parallel: see
// TestLimit.
func TestMountWaitingReaders(t *testing.T) {
	if need(t, "fuse"); !private(t) {
		return
	}
	const readers = 1000
	r := newRuntime(t)
	dir := r.mountDir("--history", "0")
	server := r.server(dir)
	pairs := make([]rawPair, readers)
	for i := range pairs {
		pairs[i] = openRaw(t, dir)
		defer pairs[i].close(t)
		for range 2 { // what is kept for viewers is full then
			pairs[i].bulk(t)
		}
	}
	threads, rss := threadsOf(t, server), statusOf(t, server, "VmRSS")

	results := make(chan error, readers)
	for _, p := range pairs {
		p.bulk(t)
		tid := make(chan int)
		go func() { // ends when something is typed
			runtime.LockOSThread() // so that the thread can be looked at
			defer runtime.UnlockOSThread()
			tid <- unix.Gettid()
			results <- p.await()
		}()
		awaitBlocked(t, <-tid)
	}
	pairs[0].index(t) // answered after what was asked before
	nowThreads, grown := threadsOf(t, server), statusOf(t, server, "VmRSS")-rss
	t.Logf("%d threads, %d before; VmRSS %d kB, %d before", nowThreads, threads, rss+grown, rss)
	if nowThreads >= 20 || nowThreads > threads+8 {
		t.Errorf("%d threads, %d before", nowThreads, threads)
	}
	// What waits takes about 1 kB. A goroutine for each would take as much more as its stack,
	// 2 kB at least, and a buffer as large as that of the last write 12.
	if grown >= 3*readers && len(buildFlags) == 0 { // the race detector's memory is not ours
		t.Errorf("VmRSS grew by %d kB", grown)
	}

	for _, p := range pairs {
		if _, err := unix.Write(p.ptm, []byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	for range pairs {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
}

// rawPair is an open terminal, raw, by blocking descriptors.
type rawPair struct{ ptm, tty int }

func openRaw(t *testing.T, dir string) (p rawPair) {
	t.Helper()
	const flags = unix.O_RDWR | unix.O_NOCTTY | unix.O_CLOEXEC
	var err error
	if p.ptm, err = unix.Open(filepath.Join(dir, "ptmx"), flags, 0); err != nil {
		t.Fatalf("open ptmx: %v", err)
	}
	if err := unix.IoctlSetPointerInt(p.ptm, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatalf("unlock the terminal: %v", err)
	}
	if p.tty, err = unix.Open(filepath.Join(dir, strconv.Itoa(p.index(t))), flags, 0); err != nil {
		t.Fatalf("open the terminal: %v", err)
	}
	tio, err := unix.IoctlGetTermios(p.tty, unix.TCGETS)
	if err == nil {
		tio.Iflag, tio.Oflag, tio.Lflag = 0, 0, 0
		err = unix.IoctlSetTermios(p.tty, unix.TCSETS, tio)
	}
	if err != nil {
		t.Fatalf("raw: %v", err)
	}
	return p
}

func (p rawPair) index(t *testing.T) int {
	t.Helper()
	n, err := unix.IoctlGetInt(p.ptm, unix.TIOCGPTN)
	if err != nil {
		t.Fatalf("the terminal's number: %v", err)
	}
	return n
}

func (p rawPair) close(t *testing.T) {
	if err := unix.Close(p.tty); err != nil {
		t.Error(err)
	}
	if err := unix.Close(p.ptm); err != nil {
		t.Error(err)
	}
}

// bulk puts out as much as a terminal takes that nobody reads, and reads it.
func (p rawPair) bulk(t *testing.T) {
	t.Helper()
	data := bytes.Repeat([]byte("y"), 12<<10)
	if n, err := unix.Write(p.tty, data); n != len(data) || err != nil {
		t.Fatalf("wrote %d bytes: %v", n, err)
	}
	for got := 0; got < len(data); {
		n, err := unix.Read(p.ptm, data)
		if n <= 0 || err != nil {
			t.Fatalf("read %d bytes: %v", n, err)
		}
		got += n
	}
}

// await reads what is typed, x.
func (p rawPair) await() error {
	buf := make([]byte, 16)
	n, err := unix.Read(p.tty, buf)
	for err == unix.EINTR {
		n, err = unix.Read(p.tty, buf)
	}
	if err != nil || string(buf[:n]) != "x" {
		return fmt.Errorf("a reader got %q, %v", buf[:max(n, 0)], err)
	}
	return nil
}

// awaitBlocked waits until a thread of this process sleeps in a read.
func awaitBlocked(t *testing.T, tid int) {
	t.Helper()
	path := fmt.Sprintf("/proc/self/task/%d/syscall", tid) // "running", or where it is
	for until := time.Now().Add(deadline); ; runtime.Gosched() {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(string(text), strconv.Itoa(unix.SYS_READ)+" ") {
			return
		}
		if time.Now().After(until) {
			t.Fatalf("a reader is not in its read: %s", text)
		}
	}
}
