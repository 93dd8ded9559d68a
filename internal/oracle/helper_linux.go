package oracle

import (
	"encoding/gob"
	"fmt"
	"net"
	"os"
	"os/signal"
	"runtime"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// A helper is this program started again as a process of a conversation. It connects to
// the driver's socket and makes the calls that it is told, one at a time, on one thread.
const (
	helperSocket = "PTSNS_ORACLE_SOCKET"
	helperEnds   = "PTSNS_ORACLE_ENDS" // "ptm pts": descriptors from 3 on
)

// hello is what a helper says first.
type hello struct{ PID, Thread int }

// order is what it is told: a call, or the start of a child that has the named ends.
type order struct {
	Op   Op
	Fork bool
	Ends []string
}

// A terminal's signals go to a process's first thread where that takes them, and only a
// thread that takes one is interrupted: so that thread has to be the one that calls.
func init() {
	if os.Getenv(helperSocket) != "" {
		runtime.LockOSThread()
	}
}

// Main makes this process a helper when the driver has started it as one, and does not
// return then. Programs and tests that use the kernel's driver call it first.
func Main() {
	socket := os.Getenv(helperSocket)
	if socket == "" {
		return
	}
	if err := serveHelper(socket); err != nil {
		fmt.Fprintln(os.Stderr, "oracle helper:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

func serveHelper(socket string) error {
	runtime.LockOSThread() // Block is a thread's, and the driver looks at the thread that calls
	conn, err := net.Dial("unix", socket)
	if err != nil {
		return err
	}
	defer conn.Close()
	k := newCalls()
	for i, name := range strings.Fields(os.Getenv(helperEnds)) {
		k.fds[name] = 3 + i
		unix.CloseOnExec(3 + i)
	}
	// By default SIGCHLD is ignored and interrupts nothing; the Go runtime has a handler for it.
	for _, s := range []syscall.Signal{unix.SIGTSTP, unix.SIGTTIN, unix.SIGTTOU, unix.SIGCHLD} {
		if err := sigaction(int(s), func(a *kernelSigaction) { *a = kernelSigaction{} }); err != nil {
			return err
		}
	}
	signal.Notify(k.caught, unix.SIGHUP, unix.SIGINT, unix.SIGQUIT, unix.SIGCONT, unix.SIGWINCH, unix.SIGIO)
	enc, dec := gob.NewEncoder(conn), gob.NewDecoder(conn)
	if err := enc.Encode(hello{os.Getpid(), unix.Gettid()}); err != nil {
		return err
	}
	for {
		var o order
		if err := dec.Decode(&o); err != nil {
			return nil // the driver is gone, or has had enough of this process
		}
		var res Result
		if o.Fork {
			_, err := startHelper(socket, o.Ends, k.fds)
			res = fail(err)
		} else {
			res = k.do(o.Op)
		}
		if err := enc.Encode(res); err != nil {
			return nil
		}
	}
}

// startHelper starts a child of this process that has the named ends of fds.
func startHelper(socket string, ends []string, fds map[string]int) (pid int, err error) {
	files := []uintptr{0, 1, 2}
	for _, name := range ends {
		fd, ok := fds[name]
		if !ok {
			return 0, unix.EBADF
		}
		files = append(files, uintptr(fd))
	}
	env := []string{helperSocket + "=" + socket, helperEnds + "=" + strings.Join(ends, " "), "GOMAXPROCS=1", "GOGC=off",
		"GORACE=atexit_sleep_ms=0"}
	if dir := os.Getenv("GOCOVERDIR"); dir != "" {
		env = append(env, "GOCOVERDIR="+dir)
	}
	return syscall.ForkExec("/proc/"+strconv.Itoa(os.Getpid())+"/exe", []string{"oracle-helper"}, &syscall.ProcAttr{Env: env, Files: files})
}
