package devpts

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// usernsRows are mounted by root of a user namespace in which 0 is 1001 outside, and 10 to
// 12 are 5000 to 5002; of groups the same with 100 more.
var usernsRows = []string{"", "newinstance", "uid=0", "gid=0", "uid=5", "uid=10,gid=12", "uid=13", "gid=9", "mode=620,uid=11,gid=99", "uid=99,uid=11"}

var testNS = &UserNS{
	UIDs: []IDRange{{0, 1001, 1}, {10, 5000, 3}},
	GIDs: []IDRange{{0, 1101, 1}, {10, 5100, 3}},
}

// TestUserNamespaces has a process in a user namespace mount, and this one look from outside.
func TestUserNamespaces(t *testing.T) {
	if os.Geteuid() != 0 {
		if os.Getenv("PTSNS_REQUIRE") == "1" {
			t.Fatal("missing: root")
		}
		t.Skip("missing: root")
	}
	dir := t.TempDir()
	for _, d := range []string{dir, filepath.Dir(dir)} {
		if err := os.Chmod(d, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("/proc/self/exe", "-test.run=^$")
	cmd.Env = append(os.Environ(), "DEVPTS_USERNS="+dir)
	var maps [2][]syscall.SysProcIDMap
	for n, ranges := range [][]IDRange{testNS.UIDs, testNS.GIDs} {
		for _, r := range ranges {
			maps[n] = append(maps[n], syscall.SysProcIDMap{ContainerID: r.Inside, HostID: r.Outside, Size: r.Count})
		}
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS, UidMappings: maps[0], GidMappings: maps[1],
		Credential: &syscall.Credential{Uid: 0, Gid: 0}}
	var complaints strings.Builder // also those of a test binary that counts coverage
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s%s", err, out, complaints.String())
	}

	t.Logf("the kernel:\n%s", out)
	var ours strings.Builder
	inside := func(ranges []IDRange, id int) int {
		for _, r := range ranges {
			if id >= r.Outside && id-r.Outside < r.Count {
				return r.Inside + id - r.Outside
			}
		}
		return overflowID
	}
	by := Mounter{UID: 1001, GID: 1101, OtherMountNS: true, UserNS: testNS}
	for _, data := range usernsRows {
		m, err := NewSystem(Config{}).Mount(by, data)
		if err != nil {
			fmt.Fprintf(&ours, "%q: %s\n", data, errno(err))
			continue
		}
		fmt.Fprintf(&ours, "%q: %s", data, m)
		f, _, err := m.OpenPtmx(insider{&person{1001, 1101}}, 2)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"", "ptmx", "0"} {
			st, err := ourMount{m}.stat(name)
			fmt.Fprintf(&ours, ", %d:%d %v", inside(testNS.UIDs, st.UID), inside(testNS.GIDs, st.GID), err)
		}
		ours.WriteString("\n")
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}
	if d := cmp.Diff(strings.Split(string(out), "\n"), strings.Split(ours.String(), "\n")); d != "" {
		t.Errorf("the kernel -, ours +:\n%s", d)
	}
}

func init() {
	child = func() (int, bool) {
		dir, is := os.LookupEnv("DEVPTS_USERNS")
		if !is {
			return 0, false
		}
		return usernsChild(dir), true
	}
}

// usernsChild is what the process in the user namespace does.
func usernsChild(dir string) int {
	k := &kernel{dir: dir}
	for _, data := range usernsRows {
		m, err := k.mount(data)
		if err != nil {
			fmt.Printf("%q: %s\n", data, errno(err))
			continue
		}
		fmt.Printf("%q: %s", data, m.options())
		f, err := m.ptmx(nil, unix.O_RDWR)
		if err != nil {
			fmt.Println(err)
			return 1
		}
		for _, name := range []string{"", "ptmx", "0"} {
			st, err := m.stat(name)
			fmt.Printf(", %d:%d %v", st.UID, st.GID, err)
		}
		fmt.Println()
		f.close()
	}
	return 0
}

// insider is root of that namespace, to whom permission bits of its instances are nothing.
type insider struct{ *person }

func (insider) Privileged() bool { return true }

// A mount from a user namespace would change the options of everybody before 4.7.
func TestUserNamespacesNeedNewInstance(t *testing.T) {
	s := NewSystem(Config{Generation: Multiple})
	by := Mounter{UID: 1001, GID: 1101, UserNS: testNS}
	if _, err := s.Mount(by, "mode=666"); errno(err) != "EINVAL" || s.Initial().Options().Mode != 0o600 {
		t.Errorf("%v, options %v", err, s.Initial().Options())
	}
	m, err := s.Mount(by, "newinstance,ptmxmode=666")
	if err != nil {
		t.Fatal(err)
	}
	n, err := m.Lookup("ptmx")
	if err != nil || n.Stat().UID != 1001 || n.Stat().GID != 1101 {
		t.Errorf("ptmx %+v, %v: want the namespace's root", n.Stat(), err)
	}
	if _, err := s.Mount(Mounter{UserNS: &UserNS{}}, "newinstance"); errno(err) != "EINVAL" {
		t.Errorf("a namespace without root: %v", err)
	}
}
