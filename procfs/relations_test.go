//go:build linux

package procfs

import (
	"bufio"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// family starts a shell that leads a session, with a child in its group, and returns
// both.
func family(t *testing.T) (leader, child int) {
	t.Helper()
	runtime.LockOSThread() // Pdeathsig is of the thread
	t.Cleanup(runtime.UnlockOSThread)
	cmd := exec.Command("sh", "-c", "cat <&3 & echo $!; read line; kill $!; wait")
	cmd.SysProcAttr = &unix.SysProcAttr{Setsid: true, Pdeathsig: unix.SIGKILL}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.ExtraFiles = []*os.File{r}
	if err := cmd.Start(); err != nil {
		t.Skip("needs sh:", err)
	}
	t.Cleanup(func() {
		in.Close()
		w.Close()
		if err := cmd.Wait(); err != nil {
			t.Log(err) // the shell may tell how its child ended
		}
	})
	r.Close()
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	child, err = strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		t.Fatal(err)
	}
	return cmd.Process.Pid, child
}

func TestRelations(t *testing.T) {
	leader, child := family(t)
	if got := Children(leader); !slices.Equal(got, []int{child}) {
		if _, err := os.Stat("/proc/thread-self/children"); err == nil {
			t.Errorf("the leader's children are %v, want %d", got, child)
		}
	}
	if got := Children(child); len(got) != 0 {
		t.Errorf("the child has children: %v", got)
	}
	// The leader's parent is in another session, the child's in its own group.
	if !Orphaned(leader) {
		t.Error("somebody watches over the leader's group")
	}
	if err := unix.Setpgid(child, child); err == nil {
		t.Error("a grandchild can be moved")
	}
	if !Orphaned(1 << 30) {
		t.Error("somebody watches over a group without members")
	}
	if Namespace(leader, "pid") != Namespace(os.Getpid(), "pid") || Namespace(1<<30, "pid") != "" {
		t.Errorf("pid namespaces %q and %q", Namespace(leader, "pid"), Namespace(1<<30, "pid"))
	}
	status, err := ReadStatus(leader)
	if err != nil {
		t.Fatal(err)
	}
	if has := status.CapEff&(1<<unix.CAP_SYS_ADMIN) != 0; Capable(leader, unix.CAP_SYS_ADMIN) != has {
		t.Errorf("capable: %v, want %v", !has, has)
	}
	if Capable(1<<30, unix.CAP_SYS_ADMIN) {
		t.Error("nobody is capable")
	}
}

// A job whose shell is in the same session, in a group of its own, is watched over.
func TestWatchedGroup(t *testing.T) {
	cmd := exec.Command("cat")
	cmd.SysProcAttr = &unix.SysProcAttr{Setpgid: true}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Skip("needs cat:", err)
	}
	if Orphaned(cmd.Process.Pid) {
		t.Error("its parent does not watch over it")
	}
	in.Close()
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	if !Orphaned(cmd.Process.Pid) {
		t.Error("a group that is gone is watched over")
	}
}
